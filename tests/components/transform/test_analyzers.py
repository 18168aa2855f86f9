from collections import Counter

import numpy as np
import pytest

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
    fn = CountValues(1)
    parts = [
        fn.add_input(fn.create_accumulator(), (np.array(batch, object),))
        for batch in ([[b"x"], [b"y"]], [[b"x"]])
    ]
    assert fn.merge_accumulators(parts) == [Counter({b"x": 2, b"y": 1})]
