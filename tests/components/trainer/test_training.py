import keras
import numpy as np
import pytest
import tensorflow as tf
from pydantic import ValidationError

from components.trainer import datasets, training
from components.trainer.config import EarlyStopping, TrainConfig
from model.config import ModelConfig
from model.deepfm import DeepFM
from schema.contract import IDS
from schema.features import EmbeddingField

SPEC = {
    IDS: tf.io.FixedLenFeature([2], tf.int64),
    "click": tf.io.FixedLenFeature([1], tf.int64),
}


@pytest.fixture
def files(tmp_path):
    rng = np.random.default_rng(0)
    path = str(tmp_path / "rows.gz")
    with tf.io.TFRecordWriter(path, "GZIP") as writer:
        for _ in range(300):
            ids = rng.integers(1, 4, 2)
            features = {
                IDS: tf.train.Feature(int64_list=tf.train.Int64List(value=ids)),
                "click": tf.train.Feature(
                    int64_list=tf.train.Int64List(value=[int(ids[0] == ids[1])])
                ),
            }
            example = tf.train.Example(features=tf.train.Features(feature=features))
            writer.write(example.SerializeToString())
    return [path]


def fit(files, **settings):
    config = TrainConfig(batch_size=50, **settings)
    keras.utils.set_random_seed(config.seed)
    fields = [EmbeddingField(name=name, num_ids=4) for name in "ab"]
    model = DeepFM(fields, ModelConfig(policy_type="deepfm", dropout=0.0), 0.3)
    train = datasets.read(files, SPEC, "click", 50, config.seed)
    evaluation = datasets.read(files, SPEC, "click", 128)
    history = training.fit(model, train, evaluation, 300, 0.01, config)
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
