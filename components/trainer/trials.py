"""Trains a model to see what it is worth, and what it costs."""

import dataclasses
import time
from collections.abc import Callable
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from sklearn import metrics

from components.trainer import correcting, training
from components.trainer.config import TrainConfig
from components.trainer.datasets import TransformedSplits
from model.config import ModelConfig

CANDIDATES = 100  # of one request: the items that a ranker puts in order
_WARM_UP, _REQUESTS = 20, 200


@dataclasses.dataclass(frozen=True)
class Trial:
    """A model that was trained once.

    Attributes:
        labels: Of the eval split's rows, (N,).
        weights: How much each of them counts, (N,).
        scores: The probabilities that it gives them, (N,).
        parameters: How many numbers it learnt.
        size_bytes: Of these numbers.
        examples_per_second: In training, over all passes, once it runs.
        latencies_ms: Of requests with so many candidates, transformed, (R,).
    """

    labels: np.ndarray
    weights: np.ndarray
    scores: np.ndarray
    parameters: int
    size_bytes: int
    examples_per_second: float
    latencies_ms: np.ndarray

    def auc(self) -> float:
        """Returns the area under the ROC curve, exactly."""
        return float(
            metrics.roc_auc_score(self.labels, self.scores, sample_weight=self.weights)
        )

    def log_loss(self) -> float:
        """Returns the mean of -log of the probability of what came true, in nats."""
        scores = self.scores.astype(np.float64)
        return float(metrics.log_loss(self.labels, scores, sample_weight=self.weights))


class _Stopwatch(keras.callbacks.Callback):
    """Times training batches, without each epoch's first one and without evaluation."""

    def __init__(self) -> None:
        super().__init__()
        self.seconds, self.steps = 0.0, 0
        self._last = 0.0

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        now = time.perf_counter()
        if batch:
            self.seconds += now - self._last
            self.steps += 1
        self._last = now


def run(
    splits: TransformedSplits,
    raw_evaluation: tf.data.Dataset,
    policy: ModelConfig,
    config: TrainConfig,
) -> Trial:
    """Trains a model of ours.

    Args:
        splits: On what; with rows held out, if its probabilities are to be corrected.
        raw_evaluation: The eval split as `datasets.read_raw` gives it, to be scored:
            its order of rows is the same for every trial.
        policy: Which model, how big.
        config: How it is trained.
    """
    keras.backend.clear_session()
    watch = _Stopwatch()
    model = training.train(splits, policy, config, [watch])
    correcting.correct(model, splits, config.calibration)

    @tf.function(reduce_retracing=True)
    def probabilities(features: dict[str, tf.Tensor]) -> tf.Tensor:
        return tf.sigmoid(model(features, training=False))

    labels, counts, scores = [], [], []
    for features, _, label, weight in raw_evaluation:
        labels.append(label[:, 0].numpy())
        counts.append(weight[:, 0].numpy())
        scores.append(probabilities(features)[:, 0].numpy())
    request = {name: _candidates(values) for name, values in features.items()}
    weights = model.weights
    return Trial(
        np.concatenate(labels),
        np.concatenate(counts),
        np.concatenate(scores),
        model.count_params(),
        sum(int(np.prod(w.shape)) * tf.as_dtype(w.dtype).size for w in weights),
        watch.steps * config.batch_size / max(watch.seconds, 1e-9),
        latencies_ms(lambda: probabilities(request).numpy()),
    )


def latencies_ms(request: Callable[[], Any]) -> np.ndarray:
    """Returns how long each of some requests takes, after some that do not count."""
    taken = []
    for _ in range(_WARM_UP + _REQUESTS):
        begun = time.perf_counter()
        request()
        taken.append(1e3 * (time.perf_counter() - begun))
    return np.array(taken[_WARM_UP:])


def _candidates(values: tf.Tensor) -> tf.Tensor:
    repeats = -(-CANDIDATES // values.shape[0])
    return tf.tile(values, [repeats, 1])[:CANDIDATES]
