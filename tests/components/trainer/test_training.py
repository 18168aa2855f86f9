import dataclasses
from unittest import mock

import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer import datasets, training
from components.trainer.config import EarlyStopping, TrainConfig
from model.config import ModelConfig
from schema.contract import IDS, WEIGHT
from schema.features import Dataset, EmbeddingField
from tests import fitting
from tests.conftest import SMALL

SPEC = {
    IDS: tf.io.FixedLenFeature([2], tf.int64),
    "click": tf.io.FixedLenFeature([1], tf.int64),
}


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 4, (300, 2))
    clicks = (ids[:, :1] == ids[:, 1:]).astype(np.int64)
    return fitting.write_blocks({IDS: ids, "click": clicks}, tmp_path / "rows.gz")


def fit(files, **settings):
    config = TrainConfig(batch_size=50, embedding_stddev=0.3, **settings)
    fields = [EmbeddingField(name=name, num_ids=4) for name in "ab"]
    policy = ModelConfig(policy_type="deepfm", dropout=0.0, learning_rate=0.01)
    model = training.build(fields, policy, config, rows=300)
    train = datasets.read(files, SPEC, "click", 50, config.seed)
    evaluation = datasets.read(files, SPEC, "click", 128)
    history = training.fit(model, train, evaluation, 300, config)
    return model, history.history, evaluation


def test_every_row_is_read_once_an_epoch_in_a_new_order(files):
    assert datasets.count(files) == 300
    shuffled = datasets.read(files, SPEC, "click", 300, shuffle_seed=1)
    [(first, labels)], [(second, _)] = list(shuffled), list(shuffled)
    assert first[IDS].shape == (300, 2)
    assert labels.shape == (300, 1)
    assert not np.array_equal(first[IDS], second[IDS])
    assert sorted(map(tuple, first[IDS].numpy())) == sorted(
        map(tuple, second[IDS].numpy())
    )


def test_it_learns_what_only_a_pair_can_say(files):
    _, history, _ = fit(files, epochs=20, early_stopping=None)
    assert len(history["val_auc"]) == 20
    assert history["val_auc"][-1] > 0.99


def test_early_stopping_restores_the_best_weights(files):
    model, history, evaluation = fit(
        files, epochs=40, early_stopping=EarlyStopping(patience=1)
    )
    assert len(history["val_auc"]) < 40
    found = model.evaluate(evaluation, verbose=0, return_dict=True)
    assert found["auc"] == pytest.approx(max(history["val_auc"]), abs=1e-6)


def test_steps_end_training_within_an_epoch(files):
    model, history, _ = fit(files, steps=3)
    assert len(history["loss"]) == 1
    assert int(model.optimizer.iterations) == 3


def test_same_seed_same_history(files):
    first = fit(files, epochs=2)[1]
    assert first == fit(files, epochs=2)[1]
    assert first != fit(files, epochs=2, seed=7)[1]


def test_epochs_and_steps_exclude_each_other():
    with pytest.raises(ValidationError, match="not both"):
        TrainConfig(epochs=1, steps=1)


def weighted_rows(counts):
    """Returns ids and labels, whole numbers as weights, and the rows so repeated."""
    rng = np.random.default_rng(0)
    ids = rng.integers(1, 4, (len(counts), 2))
    labels = rng.integers(0, 2, (len(counts), 1)).astype(np.float32)
    counts = np.asarray(counts, np.float32)[:, None]
    repeated = np.repeat(np.arange(len(counts)), counts[:, 0].astype(int))
    return ids, labels, counts, repeated


def one_batch(ids, *others):
    return tf.data.Dataset.from_tensor_slices(({IDS: ids}, *others)).batch(len(ids))


def test_a_row_of_weight_two_is_two_rows():
    """One step by all rows, weighted, is one by the rows written out."""
    ids, labels, counts, repeated = weighted_rows([2, 1, 3, 0, 1, 2, 5, 2])
    weighted = one_batch(ids, labels, counts / counts.mean())
    plain = one_batch(ids[repeated], labels[repeated])
    fields = [EmbeddingField(name=name, num_ids=4) for name in "ab"]
    policy = ModelConfig(policy_type="deepfm", dropout=0.0, id_dropout=0.0)

    def trained(train, evaluation, batch_size):
        # Steps of Adagrad, unlike Adam's, grow with a small gradient.
        config = TrainConfig(batch_size=batch_size, steps=1, optimizer="adagrad")
        model = training.build(fields, policy, config, rows=100)
        history = training.fit(model, train, evaluation, batch_size, config).history
        return model.trainable_weights, history

    weights, history = trained(weighted, plain, len(ids))
    expected, as_expected = trained(plain, weighted, len(repeated))
    for one, other in zip(weights, expected, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-6, err_msg=one.path)
    for key in ("loss", "auc", "val_loss", "val_auc"):
        assert history[key] == pytest.approx(as_expected[key], rel=1e-4), key
    assert history["val_auc"] != pytest.approx([0.5])


def write_weighted(path, ids, labels, weights):
    columns = {IDS: ids, "click": labels.astype(np.int64), WEIGHT: weights}
    return fitting.write_blocks(columns, path)


def test_weights_are_read_and_put_around_one(tmp_path):
    ids, labels, counts, _ = weighted_rows(range(1, 11))
    files = write_weighted(tmp_path / "train.gz", ids, labels, 40 * counts)
    spec = SPEC | {WEIGHT: tf.io.FixedLenFeature([1], tf.float32)}
    [(features, _, weights)] = datasets.read(files, spec, "click", 10)
    assert set(features) == {IDS}
    np.testing.assert_array_equal(weights, 40 * counts)

    dataset = Dataset.model_validate({**SMALL, "weight": "worth"})
    transform = mock.Mock(**{"transformed_feature_spec.return_value": spec})
    evaluation = write_weighted(tmp_path / "eval.gz", ids[:2], labels[:2], counts[:2])
    splits = datasets.TransformedSplits(dataset, transform, files, evaluation)
    [(_, _, weights)] = splits.train(10, seed=1)
    assert np.mean(weights) == pytest.approx(1.0)
    [(_, _, weights)] = splits.evaluation()  # by the mean of the train split
    np.testing.assert_allclose(weights, counts[:2] / (40 * 5.5))

    with pytest.raises(ValueError, match="no row was held out"):
        splits.held_out()
    splits = dataclasses.replace(splits, hold_out=True)  # the row of weight 400
    assert splits.train_rows == 9
    [(_, _, weights)] = splits.train(10, seed=1)
    assert np.mean(weights) == pytest.approx(1.0)
    [(_, _, weights)] = splits.held_out()  # by the mean of the others
    np.testing.assert_allclose(weights, [[400 / (40 * 5.0)]])


def built(rows=1000, **settings):
    fields = [EmbeddingField(name=name, num_ids=4) for name in "ab"]
    policy = ModelConfig(policy_type="deepfm")
    model = training.build(fields, policy, TrainConfig(**settings), rows)
    model({IDS: np.array([[1, 2]])})
    return model.embedding.tables[0].table, model.linear.tables[0].table


def test_the_pull_of_the_prior_fades_as_rows_grow():
    embeddings, weights = built(embedding_stddev=0.1, first_order_stddev=0.5)
    assert embeddings.row_l2 == pytest.approx(1 / (0.1**2 * 1000))
    assert weights.row_l2 == pytest.approx(1 / (0.5**2 * 1000))
    assert built(4000)[0].row_l2 == pytest.approx(built(1000)[0].row_l2 / 4)
    embeddings, weights = built(embedding_l2=0.3, first_order_l2=0.0)
    assert (embeddings.row_l2, weights.row_l2) == (0.3, 0.0)


@pytest.mark.parametrize(
    "settings",
    [
        {"optimizer": "adagrad"},
        {"first_order_ftrl": {"learning_rate": 0.1}},
        {"clip_norm": 0.05},
        {"label_smoothing": 0.1},
    ],
    ids=lambda settings: next(iter(settings)),
)
def test_each_way_to_train_learns_in_its_own_way(files, settings):
    history = fit(files, epochs=20, early_stopping=None, **settings)[1]
    assert history["val_auc"][-1] > 0.9
    plain = fit(files, epochs=1, early_stopping=None)[0]
    other = fit(files, epochs=1, early_stopping=None, **settings)[0]
    for one, two in zip(plain.trainable_weights, other.trainable_weights, strict=True):
        if "/linear/" in one.path or "first_order_ftrl" not in settings:
            assert not np.array_equal(one, two), one.path


def test_smoothed_labels_keep_probabilities_from_the_ends(files):
    def furthest(**settings):
        model, _, evaluation = fit(files, epochs=30, early_stopping=None, **settings)
        return np.abs(model.predict(evaluation, verbose=0)).max()

    assert furthest(label_smoothing=0.2) < 0.8 * furthest()


def test_large_batches_on_many_threads_are_summed_in_one_order():
    rng = np.random.default_rng(0)
    ids = rng.zipf(1.3, (50_000, 2)) % 1000
    labels = (ids.sum(axis=1, keepdims=True) % 2).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices(({IDS: ids}, labels)).batch(10_000)
    fields = [EmbeddingField(name=name, num_ids=1000) for name in "ab"]
    policy = ModelConfig(policy_type="deepfm", id_dropout=0.1, batch_norm=True)
    config = TrainConfig(batch_size=10_000, epochs=2)

    def weights():
        model = training.build(fields, policy, config, len(ids))
        training.fit(model, data, data, len(ids), config)
        return model.weights

    for one, other in zip(weights(), weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def rare(rows, seed):
    """Returns ids and labels of a log where few rows in a hundred are clicks."""
    rng = np.random.default_rng(seed)
    ids = rng.integers(1, 4, (rows, 2))
    logits = 2.0 * (ids[:, :1] == ids[:, 1:]) - 4.0
    return ids, (rng.random((rows, 1)) < 1 / (1 + np.exp(-logits))).astype("float32")


def calibration(policy_type, negatives):
    """Trains on a tenth of the negatives, told of a share; judges on the whole log.

    Returns mean prediction by mean label, and the loss that Keras saw at last.
    """
    ids, labels = rare(200_000, 0)
    kept = (labels[:, 0] == 1) | (np.random.default_rng(1).random(len(ids)) < 0.1)
    train = tf.data.Dataset.from_tensor_slices(({IDS: ids[kept]}, labels[kept]))
    rows = int(kept.sum())
    ids, labels = rare(100_000, 2)
    whole = tf.data.Dataset.from_tensor_slices(({IDS: ids}, labels)).batch(10_000)
    config = TrainConfig(batch_size=1000, epochs=10, early_stopping=None)
    fields = [EmbeddingField(name=name, num_ids=4) for name in "ab"]
    policy = ModelConfig(policy_type=policy_type, learning_rate=0.005, dropout=0.0)
    model = training.build(fields, policy, config, rows, negatives)
    batches = train.shuffle(rows, seed=3).batch(1000)
    history = training.fit(model, batches, whole, rows, config)
    probabilities = 1 / (1 + np.exp(-model.predict(whole, verbose=0)))
    return probabilities.mean() / labels.mean(), history.history["val_loss"][-1]


@pytest.mark.parametrize("policy_type", ["lr", "deepfm"])
def test_a_model_of_a_sampled_log_is_right_about_the_whole_one(policy_type):
    ratio, loss = calibration(policy_type, 0.1)
    assert ratio == pytest.approx(1.0, abs=0.05)
    uncorrected, worse = calibration(policy_type, 1.0)
    assert uncorrected > 4.0
    assert loss < 0.6 * worse
