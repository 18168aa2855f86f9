"""Stores a trained model's embeddings in fewer bits, and says what it costs."""

import dataclasses
import os

import numpy as np
import tensorflow as tf
from sklearn import metrics

from components import json_files
from components.trainer.scoring import score
from model.base import CTRModel
from schema.contract import STORING_PATH, Storage
from schema.errors import DataError


@dataclasses.dataclass(frozen=True)
class Cost:
    """What two forms of one model are worth, on the same rows.

    Attributes:
        embeddings: How the exported one stores its embeddings.
        auc: Of the exported one, exactly.
        float32_auc: Of the trained one.
        max_auc_loss: By how much the former may be smaller.
        rows: Of the eval split.
    """

    embeddings: str
    auc: float
    float32_auc: float
    max_auc_loss: float
    rows: int


def store(
    model: CTRModel, evaluation: tf.data.Dataset, storage: Storage, max_auc_loss: float
) -> Cost | None:
    """Stores embeddings and first-order weights in place.

    Args:
        model: Trained; it cannot be trained any more.
        evaluation: Batches of (features, label), the eval split; or with weights.
        storage: In which form.
        max_auc_loss: What the form may cost.

    Returns:
        What it cost; None where they stay as they are.

    Raises:
        DataError: The eval split's labels are all equal.
    """
    if storage == "float32":
        return None
    before, _ = _auc(model, evaluation)
    model.store_embeddings_as(storage)
    after, rows = _auc(model, evaluation)
    return Cost(storage, after, before, max_auc_loss, rows)


def write(cost: Cost, folder: str) -> None:
    """Writes what it cost beside a SavedModel."""
    json_files.write(os.path.join(folder, STORING_PATH), dataclasses.asdict(cost))


def _auc(model: CTRModel, evaluation: tf.data.Dataset) -> tuple[float, int]:
    """Returns the area under the ROC curve, rows weighted, and of how many rows."""
    scored = score(model, evaluation)
    truth = scored.labels
    if np.all(truth == truth[0]):
        raise DataError(
            f"All {len(truth):,} rows of the eval split have the label {truth[0]:.0f}, "
            "so no AUC says what fewer bits cost. Give it other rows by dataset.split "
            "or eval_fraction, or set serving.embeddings: float32."
        )
    auc = metrics.roc_auc_score(truth, scored.logits, sample_weight=scored.weights)
    return float(auc), len(truth)
