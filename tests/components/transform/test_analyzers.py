from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from components.transform.analyzers import CountValues, SketchNumbers, kept_values
from schema.features import Categorical


def test_vocabulary_keeps_the_most_frequent_and_breaks_ties_by_text():
    feature = Categorical(type="categorical", min_count=2, max_vocabulary=3)
    counts = Counter({b"d": 2, b"c": 2, b"b": 5, b"a": 1, b"": 99, b"e": 2})
    assert kept_values(counts, feature) == ["b", "c", "d"]


@pytest.mark.parametrize("cut", [0, 1, 500, 999])
def test_merged_sketches_say_what_one_would(cut):
    numbers = np.random.default_rng(0).lognormal(size=(1000, 2)).astype(np.float32)
    numbers[::7, 1] = np.nan
    fn = SketchNumbers(2)
    parts = [
        fn.add_input(fn.create_accumulator(), (part,))
        for part in (numbers[:cut], numbers[cut:])
    ]
    quantiles, moments = fn.merge_accumulators(parts)
    for column in range(2):
        present = numbers[:, column][~np.isnan(numbers[:, column])].astype(np.float64)
        count, mean, squares = moments[column, 0]
        assert count == len(present)
        assert mean == pytest.approx(present.mean())
        assert squares == pytest.approx(present.var() * count)
        median = quantiles[column].GetQuantiles(2).to_pylist()[0][1]
        below = np.mean(present < median)
        assert below == pytest.approx(0.5, abs=2e-3)


def test_counts_merge():
    fn = CountValues({"f": Categorical(type="categorical")})
    parts = [
        fn.add_input(fn.create_accumulator(), (np.array(batch, object),))
        for batch in ([[b"x"], [b"y"]], [[b"x"]])
    ]
    assert fn.merge_accumulators(parts) == [Counter({b"x": 2, b"y": 1})]


def test_every_column_of_a_feature_counts_but_hashed_ones_do_not():
    fn = CountValues(
        {
            "one": Categorical(type="categorical"),
            "tags": Categorical(type="categorical", separator="|", max_values=3),
            "hashed": Categorical(type="categorical", hash_buckets=9),
            "last": Categorical(type="categorical"),
        }
    )
    batch = [
        [b"a", b"x", b"y", b"x", b"h", b"z"],
        [b"x", b"y", b"", b"", b"h", b""],
    ]
    found = fn.add_input(fn.create_accumulator(), (np.array(batch, object),))
    assert [{k: n for k, n in counts.items() if k} for counts in found] == [
        {b"a": 1, b"x": 1},
        {b"x": 2, b"y": 2},
        {},
        {b"z": 1},
    ]


RAGGED = st.lists(st.lists(st.sampled_from("abcdé"), max_size=4), max_size=6)


@given(st.lists(RAGGED, max_size=3))
def test_counts_of_ragged_rows_are_those_of_a_loop(batches):
    fn = CountValues(
        {"tags": Categorical(type="categorical", separator="|", max_values=4)}
    )
    expected, parts = Counter(), []
    for batch in batches:
        padded = [[v.encode() for v in [*row, *[""] * 4][:4]] for row in batch]
        array = np.array(padded, object).reshape(-1, 4)
        parts.append(fn.add_input(fn.create_accumulator(), (array,)))
        for row in batch:
            for value in row:
                expected[value.encode()] += 1
    [found] = fn.merge_accumulators(parts)
    del found[b""]
    assert found == expected
