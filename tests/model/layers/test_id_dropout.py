import keras
import numpy as np
import pytest

from model.layers.id_dropout import IdDropout
from schema.features import EmbeddingField

FIELDS = [
    EmbeddingField(name="user", num_ids=50, oov_buckets=3),
    EmbeddingField(name="hashed", num_ids=20),
    EmbeddingField(name="price", num_ids=9, numeric=True),
    EmbeddingField(name="tags", num_ids=30, oov_buckets=1, num_values=3, pooling="sum"),
]
KNOWN = {0: 47, 3: 29, 4: 29, 5: 29}  # column to the end of its known ids


def batch(rows=4000, seed=0):
    rng = np.random.default_rng(seed)
    sizes = [50, 20, 9, 30, 30, 30]
    ids = np.stack([rng.integers(0, n, rows) for n in sizes], axis=1)
    ids[rng.random(rows) < 0.3, 5] = -1  # padding
    return ids


def dropped(rate, ids, seed=1):
    return np.array(IdDropout(FIELDS, rate, seed)(ids, training=True))


@pytest.mark.parametrize("rate", [0.1, 0.5])
def test_replaces_that_share_of_the_known_ids(rate):
    ids = batch()
    after = dropped(rate, ids)
    for column, end in KNOWN.items():
        known = (ids[:, column] > 0) & (ids[:, column] < end)
        share = np.mean(after[known, column] != ids[known, column])
        assert share == pytest.approx(rate, abs=0.04)


def test_replacements_are_unknown_ids_of_the_field_and_all_of_them():
    ids = batch()
    after = dropped(0.5, ids)
    moved = after != ids
    assert set(after[moved[:, 0], 0]) == {47, 48, 49}
    for column in (3, 4, 5):
        assert set(after[moved[:, column], column]) == {29}


def test_missing_unknown_and_padding_stay():
    ids = batch()
    after = dropped(0.9, ids)
    for column, end in KNOWN.items():
        others = (ids[:, column] <= 0) | (ids[:, column] >= end)
        np.testing.assert_array_equal(after[others, column], ids[others, column])


def test_hashed_and_numeric_fields_stay():
    ids = batch()
    np.testing.assert_array_equal(dropped(0.9, ids)[:, 1:3], ids[:, 1:3])


@pytest.mark.parametrize(("rate", "training"), [(0.9, False), (0.0, True)])
def test_off_it_changes_nothing(rate, training):
    ids = batch(50)
    np.testing.assert_array_equal(IdDropout(FIELDS, rate)(ids, training=training), ids)


def test_draws_anew_each_time_but_alike_from_one_seed():
    ids = batch(200)
    layer = IdDropout(FIELDS, 0.5, seed=3)
    first, second = (np.array(layer(ids, training=True)) for _ in range(2))
    assert np.any(first != second)
    np.testing.assert_array_equal(first, dropped(0.5, ids, seed=3))


def test_without_a_seed_keras_own_decides():
    ids = batch(200)
    results = []
    for _ in range(2):
        keras.utils.set_random_seed(4)
        results.append(np.array(IdDropout(FIELDS, 0.5)(ids, training=True)))
    np.testing.assert_array_equal(*results)
