"""LightGBM on the rows that the models see: the baseline that a team has in an hour."""

import math
import time
from collections.abc import Sequence
from typing import NamedTuple

import lightgbm
import numpy as np
import tensorflow as tf
from scipy.special import expit

from components.trainer import correcting
from components.trainer.config import Calibration
from components.trainer.datasets import is_held_out
from components.trainer.scoring import Scored
from components.trainer.trials import CANDIDATES, Trial, latencies_ms
from schema.contract import IDS
from schema.features import EmbeddingField

_SETTINGS = {
    "objective": "binary",
    "metric": "auc",
    "learning_rate": 0.05,
    "num_leaves": 63,
    "min_data_in_leaf": 50,
    "feature_fraction": 0.8,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "verbosity": -1,
}
_MAX_ROUNDS, _PATIENCE = 2000, 50


def run(
    fields: Sequence[EmbeddingField],
    train: tf.data.Dataset,
    evaluation: tf.data.Dataset,
    seed: int,
    negatives: float = 1.0,
    calibration: Calibration | None = None,
) -> Trial:
    """Trains gradient boosted trees, as many as the eval split's AUC asks for.

    Categories come as the ids that Transform gave them, a multi-valued feature in a
    column per value; numbers come as they are. All rows are held in memory.

    Args:
        fields: The slots of a model's input.
        train: The train split as `datasets.read_raw` gives it.
        evaluation: The same of the eval split, which is also what is scored.
        seed: Of the rows and columns that each tree sees.
        negatives: Share of the rows with label 0 that the train split keeps; the scores
            are corrected for it, as those of our models are (`LogitSum`).
        calibration: How probabilities are corrected by every tenth row, if at all.

    Reference:
        Ke et al., LightGBM: A Highly Efficient Gradient Boosting Decision Tree,
        NeurIPS 2017,
        https://papers.nips.cc/paper/6907-lightgbm-a-highly-efficient-gradient-boosting-decision-tree
    """
    categorical = [
        not field.numeric for field in fields for _ in range(field.num_values)
    ]
    shown, judged = _table(train, categorical), _table(evaluation, categorical)
    columns = list(range(sum(categorical)))  # they stand first
    # Around 1: by their sum LightGBM tells how much a leaf has seen.
    shown.weights[:] /= np.mean(shown.weights, dtype=np.float64)
    held_out = None
    if calibration:
        apart = is_held_out(np.arange(len(shown.rows)))
        shown, held_out = shown.where(~apart), shown.where(apart)
    data = lightgbm.Dataset(
        shown.rows,
        shown.labels,
        weight=shown.weights,
        categorical_feature=columns,
    )
    begun = time.perf_counter()
    trees = lightgbm.train(
        {**_SETTINGS, "seed": seed},
        data,
        _MAX_ROUNDS,
        valid_sets=[data.create_valid(*judged)],
        callbacks=[lightgbm.early_stopping(_PATIENCE, verbose=False)],
    )
    seconds = time.perf_counter() - begun
    request = np.resize(judged.rows, (CANDIDATES, judged.rows.shape[1]))
    kept = trees.dump_model(num_iteration=trees.best_iteration)["tree_info"]
    return Trial(
        judged.labels,
        judged.weights,
        _probabilities(trees, judged.rows, held_out, negatives, calibration),
        sum(2 * tree["num_leaves"] - 1 for tree in kept),  # splits and leaves
        len(trees.model_to_string(num_iteration=trees.best_iteration)),
        trees.current_iteration() * len(shown.rows) / seconds,
        latencies_ms(lambda: trees.predict(request)),
    )


class _Table(NamedTuple):
    """Rows: ids and then numbers, (N, C), labels, (N,), and weights, (N,)."""

    rows: np.ndarray
    labels: np.ndarray
    weights: np.ndarray

    def where(self, chosen: np.ndarray) -> "_Table":
        """Returns some of the rows."""
        return _Table(*(column[chosen] for column in self))


def _table(batches: tf.data.Dataset, categorical: Sequence[bool]) -> _Table:
    """Returns all rows of some batches."""
    rows, labels, weights = [], [], []
    for features, numbers, label, weight in batches:
        ids = features[IDS].numpy()[:, categorical]
        rows.append(np.concatenate([ids, numbers.numpy()], axis=1))
        labels.append(label[:, 0].numpy())
        weights.append(weight[:, 0].numpy())
    return _Table(*map(np.concatenate, (rows, labels, weights)))


def _probabilities(
    trees: lightgbm.Booster,
    rows: np.ndarray,
    held_out: _Table | None,
    negatives: float,
    calibration: Calibration | None,
) -> np.ndarray:
    """Returns what rows of the whole log are scored, corrected if asked, (N,)."""

    def logits(asked: np.ndarray) -> np.ndarray:
        return np.asarray(trees.predict(asked, raw_score=True)) + math.log(negatives)

    if calibration is None or held_out is None:
        return expit(logits(rows))
    scored = Scored(logits(held_out.rows), held_out.labels, held_out.weights)
    known = correcting.of_whole_log(scored, negatives)
    return expit(correcting.fit(known, calibration).of(logits(rows)))
