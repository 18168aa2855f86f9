import subprocess
import sys

import keras
import numpy as np
import pytest

from model.config import ModelConfig
from model.deepfm import DeepFM
from model.optimizers.adam import RowSparseAdam
from model.optimizers.ftrl import RowSparseFtrl
from model.optimizers.split import SplitOptimizer
from schema.contract import IDS
from schema.features import EmbeddingField


def fitted(optimizer, steps=3):
    keras.utils.set_random_seed(4)
    fields = [EmbeddingField(name=name, num_ids=9) for name in "ab"]
    config = ModelConfig(policy_type="deepfm", dropout=0.0, deep_hidden_units=(8,))
    model = DeepFM(fields, config)
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))
    ids = np.random.default_rng(0).integers(0, 9, (64, 2))
    labels = (ids.sum(axis=1, keepdims=True) % 2).astype(np.float32)
    model.fit({IDS: ids}, labels, epochs=steps, verbose=0)
    return model


def test_only_first_order_weights_learn_by_the_other_rule():
    # So strong a penalty leaves first-order weights at 0.
    split = fitted(SplitOptimizer(RowSparseAdam(0.02), RowSparseFtrl(0.1, l1=1e3)))
    for weight in split.trainable_weights:
        assert bool(np.any(np.array(weight))) is ("/linear/" not in weight.path)


def test_one_rule_on_both_sides_is_that_rule():
    both = SplitOptimizer(RowSparseAdam(0.02), RowSparseAdam(0.02))
    split, single = fitted(both), fitted(RowSparseAdam(0.02))
    for one, other in zip(split.weights, single.weights, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)
    assert int(both.iterations) == int(both.main.iterations) == 6


def test_setting_the_learning_rate_scales_both():
    optimizer = SplitOptimizer(RowSparseAdam(0.02), RowSparseFtrl(0.1))
    optimizer.learning_rate = 0.01
    assert float(optimizer.learning_rate) == pytest.approx(0.01)
    assert float(optimizer.first_order.learning_rate) == pytest.approx(0.05)


def test_settings_and_state_survive_saving(tmp_path):
    model = fitted(SplitOptimizer(RowSparseAdam(0.02), RowSparseFtrl(0.1, l1=0.01)))
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    state = zip(model.optimizer.variables, loaded.optimizer.variables, strict=True)
    for one, other in state:
        np.testing.assert_array_equal(one, other)


def test_two_devices_learn_what_one_learns():
    command = [sys.executable, "-m", "tests.model.optimizers.distributed"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert float(done.stdout.split()[-1]) < 1e-4
