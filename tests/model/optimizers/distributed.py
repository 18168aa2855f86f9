"""Trains on one device and on two, and prints how far the weights are apart.

A program of its own, since a process can divide its processor only before first use.
"""

import sys

import keras
import numpy as np
import tensorflow as tf

from model.base import EmbeddingPrior
from model.config import ModelConfig
from model.deepfm import DeepFM
from model.optimizers.adam import RowSparseAdam
from model.optimizers.ftrl import RowSparseFtrl
from model.optimizers.split import SplitOptimizer
from schema.contract import IDS
from schema.features import EmbeddingField


def train(strategy: tf.distribute.Strategy) -> list[np.ndarray]:
    keras.utils.set_random_seed(4)
    rng = np.random.default_rng(0)
    ids = rng.integers(0, 9, (64, 2))
    labels = ((ids[:, :1] + ids[:, 1:]) % 2).astype(np.float32)
    with strategy.scope():
        fields = [EmbeddingField(name=name, num_ids=9) for name in "ab"]
        config = ModelConfig(
            policy_type="deepfm",
            dropout=0.0,
            embedding_dim=4,
            deep_hidden_units=(8,),
        )
        model = DeepFM(fields, config, EmbeddingPrior(0.3, 0.01, 0.01))
        main = RowSparseAdam(0.02)
        model.compile(
            SplitOptimizer(main, RowSparseFtrl(0.1)),
            keras.losses.BinaryCrossentropy(from_logits=True),
        )
    data = tf.data.Dataset.from_tensor_slices(({IDS: ids}, labels)).batch(16)
    model.fit(data, epochs=2, verbose=0)
    return [np.array(weight) for weight in model.weights]


def main() -> None:
    [processor] = tf.config.list_physical_devices("CPU")
    tf.config.set_logical_device_configuration(
        processor, [tf.config.LogicalDeviceConfiguration()] * 2
    )
    one = train(tf.distribute.OneDeviceStrategy("CPU:0"))
    two = train(tf.distribute.MirroredStrategy(["CPU:0", "CPU:1"]))
    print(max(np.abs(a - b).max() for a, b in zip(one, two, strict=True)))


if __name__ == "__main__":
    sys.exit(main())
