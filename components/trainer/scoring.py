"""What a model says of the rows of a split."""

from typing import NamedTuple

import numpy as np
import tensorflow as tf

from model.base import CTRModel


class Scored(NamedTuple):
    """Rows and their logits, each (N,)."""

    logits: np.ndarray
    labels: np.ndarray
    weights: np.ndarray  # 1 where none are declared


def score(model: CTRModel, batches: tf.data.Dataset) -> Scored:
    """Returns the logits of a trained model, as it would serve them.

    Args:
        model: Trained.
        batches: Of (features, label) or (features, label, weight).
    """
    logits = tf.function(lambda features: model(features, training=False))
    parts: list[list[np.ndarray]] = [[], [], []]
    for features, label, *weight in batches:
        columns = logits(features), label, *(weight or [tf.ones_like(label)])
        for part, column in zip(parts, columns, strict=True):
            part.append(column[:, 0].numpy())
    return Scored(*(np.concatenate([np.zeros(0, np.float32), *p]) for p in parts))
