"""What benchmarks on planted effects share: a log drawn in memory, a model trained."""

import dataclasses
import os

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import tensorflow as tf

from components.trainer import training
from components.trainer.config import TrainConfig
from components.trainer.datasets import EVAL_BATCH
from model.base import CTRModel
from model.config import ModelConfig
from schema.contract import IDS
from schema.features import EmbeddingField


@dataclasses.dataclass(frozen=True)
class Log:
    """A click log whose truth is known, N rows of F fields; the last are eval rows."""

    fields: list[EmbeddingField]
    ids: np.ndarray  # int64 (N, F), as Transform would hand them over
    chances: np.ndarray  # (N,): the true click probability
    clicks: np.ndarray  # float32 (N,)
    train_rows: int

    @property
    def train(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids and clicks of the train split."""
        return self.ids[: self.train_rows], self.clicks[: self.train_rows]

    @property
    def evaluation(self) -> tuple[np.ndarray, np.ndarray]:
        """Ids and clicks of the eval split."""
        return self.ids[self.train_rows :], self.clicks[self.train_rows :]

    @property
    def best(self) -> np.ndarray:
        """The true probabilities of the eval rows: no model orders them better."""
        return self.chances[self.train_rows :]


def fields_of(sizes: list[int]) -> list[EmbeddingField]:
    """Returns fields of so many known values: 0 is missing, the last id is unseen."""
    return [
        EmbeddingField(name=f"field_{i}", num_ids=size + 2, oov_buckets=1)
        for i, size in enumerate(sizes)
    ]


def zipf_values(
    generator: np.random.Generator, sizes: list[int], rows: int, exponent: float
) -> np.ndarray:
    """Returns values (rows, F) from 0 on; value v is drawn as often as 1/(v+1)^a."""
    columns = []
    for size in sizes:
        shares = np.arange(1.0, size + 1.0) ** -exponent
        columns.append(generator.choice(size, rows, p=shares / shares.sum()))
    return np.stack(columns, axis=1)


def encoded(
    values: np.ndarray, train_rows: int, min_count: int
) -> tuple[list[EmbeddingField], np.ndarray]:
    """Returns fields and ids of values (N, F) from 0 on, as Transform makes them.

    Known are the values with at least `min_count` rows in the train split, by falling
    frequency; all others share the last id of their field, which has one such bucket.
    """
    sizes, columns = [], []
    for column in values.T:
        counts = np.bincount(column[:train_rows], minlength=column.max() + 1)
        order = np.argsort(-counts, kind="stable")
        size = int((counts >= min_count).sum())
        ids = np.full(len(counts), 1 + size)
        ids[order[:size]] = 1 + np.arange(size)
        sizes.append(size)
        columns.append(ids[column])
    return fields_of(sizes), np.stack(columns, axis=1)


def chance(logits: np.ndarray) -> np.ndarray:
    """Returns the probability of a logit."""
    return 1.0 / (1.0 + np.exp(-logits))


def scaled(part: np.ndarray, stddev: float) -> np.ndarray:
    """Returns a part of the logits, centred and at this standard deviation."""
    return stddev * (part - part.mean()) / part.std()


def trained(
    log: Log, policy: ModelConfig, config: TrainConfig
) -> tuple[CTRModel, dict[str, list[float]]]:
    """Returns a model trained on the train split as run_fn does, and its history."""
    rows = log.train_rows
    model = training.build(log.fields, policy, config, rows)  # sets the seed
    train = _dataset(*log.train).shuffle(rows, config.seed).batch(config.batch_size)
    evaluation = _dataset(*log.evaluation).batch(EVAL_BATCH)
    history = training.fit(model, train.prefetch(4), evaluation, rows, config)
    return model, history.history


def predicted(model: CTRModel, ids: np.ndarray) -> np.ndarray:
    """Returns the click probabilities of rows of ids."""
    logits = model.predict({IDS: ids}, batch_size=EVAL_BATCH, verbose=0)
    return chance(logits[:, 0].astype(np.float64))


def scores(clicks: np.ndarray, chances: np.ndarray) -> dict[str, float]:
    """Returns AUC and log loss."""
    from sklearn.metrics import log_loss, roc_auc_score

    return {
        "auc": round(float(roc_auc_score(clicks, chances)), 5),
        "log_loss": round(float(log_loss(clicks, chances)), 5),
    }


def summary(runs: list[dict[str, float]]) -> dict[str, str]:
    """Returns the mean of each score, and its standard deviation over the runs."""
    return {
        key: f"{np.mean(values):.5f} ± {np.std(values, ddof=1):.5f}"
        for key in runs[0]
        for values in [[run[key] for run in runs]]
    }


def _dataset(ids: np.ndarray, clicks: np.ndarray) -> tf.data.Dataset:
    return tf.data.Dataset.from_tensor_slices(({IDS: ids}, clicks[:, None]))
