import itertools

import numpy as np
import pytest

from model.layers.crossed_ids import CrossedIds
from schema.features import EmbeddingField

FIELDS = [
    EmbeddingField(name="a", num_ids=4),
    EmbeddingField(name="tags", num_ids=6, num_values=2, pooling="mean"),
    EmbeddingField(name="b", num_ids=5),
    EmbeddingField(name="c", num_ids=3),
    EmbeddingField(name="huge", num_ids=2**40),
]


def all_combinations():
    rows = itertools.product(range(4), [0], [-1], range(5), range(3), [0])
    return np.array(list(rows))


def test_every_combination_that_fits_has_its_own_number():
    ids = all_combinations()
    layer = CrossedIds(FIELDS, [("a", "b", "c"), ("c", "a")], 60)
    found = np.array(layer(ids))
    # itertools.product counts the last factor fastest, as numbers do.
    np.testing.assert_array_equal(found[:, 0], np.arange(60))
    np.testing.assert_array_equal(found[:, 1], ids[:, 4] * 4 + ids[:, 0])


def test_one_bucket_less_and_it_is_hashed_into_range():
    found = np.array(CrossedIds(FIELDS, [("a", "b", "c")], 59)(all_combinations()))
    assert found.min() >= 0
    assert found.max() < 59
    # 60 balls fall into about 38 of 59 boxes; a hash that ignores a field, into 20.
    assert len(np.unique(found)) > 28


def test_hashing_spreads_as_chance_would():
    rng = np.random.default_rng(0)
    fields = [EmbeddingField(name=name, num_ids=1000) for name in "ab"]
    ids = rng.integers(0, 1000, (20_000, 2))
    pairs = len(np.unique(ids, axis=0))
    found = np.array(CrossedIds(fields, [("a", "b")], 10_000)(ids))
    expected = 10_000 * (1.0 - (1.0 - 1e-4) ** pairs)
    assert len(np.unique(found)) == pytest.approx(expected, rel=0.03)


def test_order_of_ids_matters_to_the_hash():
    fields = [EmbeddingField(name=name, num_ids=1000) for name in "ab"]
    layer = CrossedIds(fields, [("a", "b")], 9973)
    ids = np.random.default_rng(1).integers(0, 1000, (500, 2))
    assert np.mean(np.array(layer(ids)) == np.array(layer(ids[:, ::-1]))) < 0.02


def test_many_and_huge_ids_stay_in_range_and_equal_python():
    rng = np.random.default_rng(2)
    ids = np.zeros((200, 6), np.int64)
    ids[:, 0], ids[:, 3] = rng.integers(0, 4, 200), rng.integers(0, 5, 200)
    ids[:, 4], ids[:, 5] = rng.integers(0, 3, 200), rng.integers(0, 2**40, 200)
    layer = CrossedIds(FIELDS, [("huge", "a", "b", "c", "huge")], 1000)
    found = np.array(layer(ids))[:, 0]
    prime = 2**31 - 1
    for row, number in zip(ids.tolist(), found, strict=True):
        state = row[5] % prime  # Python's integers cannot overflow
        for i in (row[0], row[3], row[4], row[5]):
            state = ((state ^ (state >> 15)) * 1_540_483_477 + i) % prime
        assert number == state % 1000


def test_a_new_layer_gives_the_same_ids():
    ids = all_combinations()
    layer = CrossedIds(FIELDS, [("a", "b", "c")], 10)
    again = CrossedIds.from_config(layer.get_config())
    np.testing.assert_array_equal(layer(ids), again(ids))


def test_names_and_sizes_its_columns():
    layer = CrossedIds(FIELDS, [("a", "b"), ("a", "huge", "c")], 50)
    assert [(field.name, field.num_ids) for field in layer.crossed_fields] == [
        ("a_x_b", 20),
        ("a_x_huge_x_c", 50),
    ]


def test_refuses_an_unknown_field():
    with pytest.raises(ValueError, match="received 'd', which is none of a, tags, b"):
        CrossedIds(FIELDS, [("a", "d")], 50)


def test_refuses_a_field_of_several_values():
    with pytest.raises(ValueError, match="received 'tags', which has several"):
        CrossedIds(FIELDS, [("a", "tags")], 50)
