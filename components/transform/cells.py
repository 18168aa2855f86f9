"""Turns single values into ids and multipliers, whichever columns they come from.

A cell is a value and the number of the column that it is of. Training, and serving of
tf.Examples, have a table of cells; a ranking request has one of a user and many of its
candidates. What goes in and what comes out has names in the transform graph, by which
serving enters it where its values are dense already (`schema.contract`).
"""

import math

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from schema.contract import (
    MISSING_ID,
    MULTIPLIERS,
    NUMBER_CELLS,
    NUMBER_IDS,
    NUMBER_OWNERS,
    PADDING_ID,
    TEXT_CELLS,
    TEXT_IDS,
    TEXT_OWNERS,
    VOCABULARY_END,
    vocabulary_line,
)
from schema.features import Dataset

# A standardised value is cut off here, in standard deviations: a value that is far
# beyond what training saw must not blow up a product of two embeddings.
_SCALED_LIMIT = 4.0
_HASH_SPACE = 1 << 40  # hashes are taken modulo a field's buckets


def text_ids(
    dataset: Dataset, texts: tf.Tensor, owners: tf.Tensor, path: str
) -> tf.Tensor:
    """Returns 0 for missing, 1.. for known values, then unseen ones by hash, (n,).

    What is empty beside a value of the row is padding.

    Args:
        dataset: The declaration.
        texts: Values, empty where there is none, (n,).
        owners: Which of the dataset's `text_columns` each is of, int64 (n,).
        path: Of the vocabulary.
    """
    texts = tf.identity(texts, name=TEXT_CELLS)
    owners = tf.identity(owners, name=TEXT_OWNERS)
    categorical, columns = dataset.categorical(), dataset.text_columns()
    # A row's values stand to the left: the first column is empty if there are none.
    defaults = ["" if nth else categorical[name].default or "" for name, nth in columns]
    if any(defaults):
        texts = tf.where(texts == "", tf.gather(defaults, owners), texts)
    prefixes = [vocabulary_line(name, "") for name in categorical]
    # Where each feature's lines start and, by the last line, where they end.
    starts = tft.apply_vocabulary(
        tf.constant([*prefixes, VOCABULARY_END]), path, default_value=-1
    )  # (C + 1,)
    prefixes = [vocabulary_line(name, "") for name, _ in columns]
    lines = tft.apply_vocabulary(
        tf.gather(prefixes, owners) + texts, path, default_value=-1
    )  # (n,)
    features = [list(categorical).index(name) for name, _ in columns]
    sizes = tf.gather(starts[1:] - starts[:-1], features)
    buckets = [
        feature.hash_buckets or feature.oov_buckets
        for feature in (categorical[name] for name, _ in columns)
    ]
    hashes = tf.strings.to_hash_bucket_fast(texts, _HASH_SPACE)
    unseen = tf.gather(sizes, owners) + hashes % tf.gather(
        tf.constant(buckets, tf.int64), owners
    )
    known = lines - tf.gather(tf.gather(starts, features), owners)
    ids = tf.where(lines >= 0, known, unseen)
    beside = tf.gather([nth > 0 for _, nth in columns], owners)
    padding = tf.constant(PADDING_ID, tf.int64)
    ids = tf.where(beside & (ids == MISSING_ID), padding, ids)
    return tf.identity(ids, name=TEXT_IDS)


def number_ids(
    dataset: Dataset,
    numbers: tf.Tensor,
    owners: tf.Tensor,
    boundaries: np.ndarray,
    scales: np.ndarray,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the buckets of numbers, int64 (n,), and their multipliers, float32 (n,).

    A bucket is 0 for missing, else 1 + the boundaries that are not above the number. A
    multiplier is the number standardised and cut off, but of scale raw; 1 if missing.

    Args:
        dataset: The declaration.
        numbers: Values, not a number where there is none, float32 (n,).
        owners: Which of the numeric features each is of, int64 (n,).
        boundaries: Of their buckets, float32 (M, K).
        scales: Mean and deviation, float32 (M, 2).
    """
    numbers = tf.identity(numbers, name=NUMBER_CELLS)
    owners = tf.identity(owners, name=NUMBER_OWNERS)
    features = list(dataset.numeric().values())
    nan = float("nan")
    defaults = [nan if f.default is None else f.default for f in features]
    numbers = tf.where(tf.math.is_finite(numbers), numbers, tf.gather(defaults, owners))
    missing = tf.math.is_nan(numbers)
    known = tf.where(missing, 0.0, numbers)
    below = tf.searchsorted(
        tf.gather(boundaries, owners), known[:, tf.newaxis], side="right"
    )[:, 0]  # (n,)
    ids = tf.where(
        missing, tf.constant(MISSING_ID, tf.int64), 1 + tf.cast(below, tf.int64)
    )
    logarithmic = tf.gather([f.scale == "log_z_score" for f in features], owners)
    logarithms = tf.sign(numbers) * tf.math.log1p(tf.abs(numbers))
    mean, deviation = tf.unstack(tf.gather(scales, owners), axis=1)  # (n,), (n,)
    limits = tf.gather(
        [math.inf if f.scale == "raw" else _SCALED_LIMIT for f in features], owners
    )
    values = tf.where(logarithmic, logarithms, numbers)
    scaled = tf.clip_by_value((values - mean) / deviation, -limits, limits)
    multipliers = tf.where(missing, 1.0, scaled)
    return (
        tf.identity(ids, name=NUMBER_IDS),
        tf.identity(multipliers, name=MULTIPLIERS),
    )
