"""Multi-valued features: what a row's values become in `ids_xf`."""

import csv
import io
from collections import Counter

import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from components.example_gen import encoding, reader
from schema.contract import IDS, MISSING_ID, PADDING_ID, VALUES
from schema.features import Dataset
from tests import fitting
from tests.tagged import COLUMNS, TAGGED, TRAIN, row

DATASET = Dataset.model_validate(TAGGED)
MISSING, PAD = MISSING_ID, PADDING_ID
# By falling frequency, and by text where equal: red 4, blue 2, green 2.
RED, BLUE, GREEN, UNSEEN = 1, 2, 3, 4
NORTH, SOUTH, NONE = 1, 2, 3


@pytest.fixture(scope="module")
def fitted():
    return fitting.fit(DATASET, TRAIN)


@pytest.fixture(scope="module")
def ids(fitted):
    """Returns a function from rows to the ids of a feature, one list a row."""
    layer = fitted.transform_features_layer()

    def apply(name, *rows):
        found = layer(fitting.raw(DATASET, rows))[IDS].numpy()
        return found[:, COLUMNS[name]].tolist()

    return apply


def test_the_columns_stand_in_declared_order(fitted):
    width = max(columns.stop for columns in COLUMNS.values())
    assert fitted.transformed_feature_spec()[IDS].shape == [width]


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([], [MISSING, PAD, PAD]),
        ([""], [MISSING, PAD, PAD]),
        (["", "", "", ""], [MISSING, PAD, PAD]),
        (["green"], [GREEN, PAD, PAD]),
        (["", "green", "", "red"], [GREEN, RED, PAD]),
        (["blue", "red", "green"], [BLUE, RED, GREEN]),
        (["blue", "red", "green", "red"], [BLUE, RED, GREEN]),
        (["red", "red"], [RED, RED, PAD]),
        (["never", "red", "rare"], [UNSEEN, RED, UNSEEN]),
        (["late"], [UNSEEN, PAD, PAD]),  # once kept and once cut off is once too few
        (["u", "tags:red"], [UNSEEN, UNSEEN, PAD]),
    ],
)
def test_values_become_ids_from_the_left(ids, values, expected):
    assert ids("tags", row(tags=values)) == [expected]


def test_rows_do_not_lean_on_their_neighbours(ids):
    rows = [row(tags=t) for t in ([], ["blue", "red"], [], ["green"], [])]
    empty = [MISSING, PAD, PAD]
    assert ids("tags", *rows) == [
        empty, [BLUE, RED, PAD], empty, [GREEN, PAD, PAD], empty,
    ]  # fmt: skip


def test_a_default_stands_in_where_there_is_no_value_at_all(ids):
    rows = [row(shops=s) for s in ([], [""], ["none"], ["", "south"], ["north"])]
    assert ids("shops", *rows) == [
        [NONE, PAD], [NONE, PAD], [NONE, PAD], [SOUTH, PAD], [NORTH, PAD],
    ]  # fmt: skip


def test_hashed_values_get_the_ids_that_they_have_alone(ids):
    words = [f"w{i}" for i in range(30)]
    alone = [found for [found] in ids("site", *(row(site=[w]) for w in words))]
    pairs = zip(words, words[::-1], strict=True)
    expected = [[a, b] for a, b in zip(alone, alone[::-1], strict=True)]
    assert ids("genres", *(row(genres=list(pair)) for pair in pairs)) == expected
    assert ids("genres", row(genres=[])) == [[MISSING, PAD]]


def test_a_raw_number_stays_as_it_is(fitted):
    numbers = [[-3.5], [1e30], [0.0], [], [float("inf")]]
    rows = [row(price=number) for number in numbers]
    values = fitted.transform_features_layer()(fitting.raw(DATASET, rows))[VALUES]
    expected = tf.constant([-3.5, 1e30, 0.0, 1.0, 1.0])
    assert values[:, 0].numpy().tolist() == expected.numpy().tolist()
    assert abs(values[0, 1]) <= 4.0  # the other one is standardised


def test_numbers_without_boundaries_can_be_raw():
    number = {"type": "numeric", "buckets": 1, "scale": "raw", "default": 5.0}
    dataset = Dataset.model_validate(
        {"name": "n", "label": {"column": "click"}, "features": {"x": number}}
    )
    rows = [{"x": x, "click": [1]} for x in ([7.0], [1.0], [])]
    layer = fitting.fit(dataset, rows).transform_features_layer()
    out = layer(fitting.raw(dataset, rows))
    assert out[IDS].numpy().tolist() == [[1], [1], [1]]
    assert out[VALUES].numpy().tolist() == [[7.0], [1.0], [5.0]]


# The slow, obvious version.


def kept_values(name, values):
    feature = DATASET.features[name]
    filled = [value for value in values if value != ""]
    if not filled and feature.default:
        filled = [feature.default]
    return filled[: feature.max_values]


def vocabulary(name):
    counts = Counter(v for r in TRAIN for v in kept_values(name, r[name]))
    known = [v for v in counts if counts[v] >= DATASET.features[name].min_count]
    return sorted(known, key=lambda v: (-counts[v], v.encode()))


def expected_ids(name, values, id_of_value):
    found = [id_of_value(value) for value in kept_values(name, values)]
    found = found or [MISSING]
    while len(found) < DATASET.features[name].max_values:
        found.append(PAD)
    return found


WORDS = st.sampled_from(["red", "blue", "green", "rare", "late", "north", "none", ""])
TEXTS = st.text(max_size=4)
ROWS = st.lists(st.lists(WORDS | TEXTS, max_size=6), min_size=1, max_size=8)


@settings(deadline=None, max_examples=60)
@given(rows=ROWS)
@pytest.mark.parametrize("name", ["tags", "shops"])
def test_ids_are_those_of_a_loop(ids, name, rows):
    known = vocabulary(name)

    def id_of_value(value):
        return 1 + (known.index(value) if value in known else len(known))

    expected = [expected_ids(name, values, id_of_value) for values in rows]
    assert ids(name, *(row(**{name: values}) for values in rows)) == expected


@settings(deadline=None, max_examples=60)
@given(rows=ROWS)
def test_hashed_ids_are_those_of_a_loop(ids, rows):
    def id_of_value(value):
        return ids("site", row(site=[value]))[0][0]

    expected = [expected_ids("genres", values, id_of_value) for values in rows]
    assert ids("genres", *(row(genres=values) for values in rows)) == expected


# No quotes and line ends: how a CSV file escapes them is none of these tests' business.
CELLS = st.lists(st.text("ab |?;,é\t", max_size=8), min_size=1, max_size=6)


@settings(deadline=None, max_examples=60)
@given(cells=CELLS)
def test_from_file_to_ids(ids, tmp_path_factory, cells):
    path = tmp_path_factory.mktemp("road") / "log.csv"
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(["click", *DATASET.features])
    for cell in cells:
        writer.writerow([1, 2.0, cell, "u", "s", "jazz", "north", 30])
    path.write_text(text.getvalue())

    [batch] = reader.read_batches(str(path), DATASET)
    parsed = tf.io.parse_example(encoding.encode(batch), fitting.spec(DATASET))
    in_examples = tf.sparse.to_dense(parsed["tags"], "").numpy().tolist()
    expected = []
    for cell in cells:
        values = [value.strip() for value in cell.split("|")]
        expected.append([value for value in values if value not in ("", "?")])
    found = [[v.decode() for v in values if v] for values in in_examples]
    assert found == expected
    as_rows = [row(tags=values) for values in expected]
    from_file = [row(tags=values) for values in found]
    assert ids("tags", *from_file) == ids("tags", *as_rows)
