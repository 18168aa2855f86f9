"""Turns raw columns into the ids that a model looks up, and their multipliers.

Every fitted thing (vocabularies, quantiles, means) sees the train split only, and the
same graph runs in training and, inside the SavedModel, in serving. All features go
through it side by side, in one tensor: forty small graphs would be slow to trace, to
load, and to serve.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from components.transform import analyzers
from schema.contract import IDS, MISSING_ID, VALUES, VOCABULARY_END, vocabulary_line
from schema.features import Categorical, Dataset, Numeric

# A standardised value is cut off here, in standard deviations: a value that is far
# beyond what training saw must not blow up a product of two embeddings.
_SCALED_LIMIT = 4.0
_HASH_SPACE = 1 << 40  # hashes are taken modulo a field's buckets


def preprocessing_fn(
    inputs: dict[str, tf.SparseTensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Transforms raw features; the entry point that Transform calls.

    Args:
        inputs: Raw columns, each sparse; absent is missing, and of several values in a
            row the first counts.
        custom_config: `dataset`: the declaration, as JSON.

    Returns:
        `ids_xf`, int64 (B, F), fields in declared order; `values_xf`, float32 (B, S),
        the multipliers of the S scaled fields, where there are any; and the label,
        int64 (B, 1).
    """
    dataset = Dataset.model_validate_json(custom_config["dataset"])
    categorical, numeric = dataset.categorical(), dataset.numeric()
    ids = []
    if categorical:
        ids.append(_text_ids(categorical, _texts(categorical, inputs)))  # (B, C)
    if numeric:
        numbers = _numbers(numeric, inputs)  # (B, M)
        boundaries, scales = tft.experimental.ptransform_analyzer(
            [numbers],
            analyzers.FitNumbers(numeric),
            [tf.float32, tf.float32],
            [
                [len(numeric), analyzers.num_boundaries(numeric)],
                [len(numeric), 2],
            ],
        )
        ids.append(_bucket_ids(numbers, boundaries))  # (B, M)
    order = [[*categorical, *numeric].index(name) for name in dataset.features]
    label = dataset.label.column
    outputs = {
        IDS: tf.gather(tf.concat(ids, axis=1), order, axis=1),
        label: _first_values(inputs[label], tf.constant(0, tf.int64)),
    }
    if any(feature.scale for feature in numeric.values()):
        outputs[VALUES] = _scaled_values(numeric, numbers, scales)
    return outputs


def _texts(
    categorical: dict[str, Categorical], inputs: dict[str, tf.SparseTensor]
) -> tf.Tensor:
    """Returns the categorical columns, defaults filled in, empty where missing."""
    columns = [_first_values(inputs[name], "") for name in categorical]
    texts = tf.concat(columns, axis=1)
    defaults = tf.constant([[f.default or "" for f in categorical.values()]])
    return tf.where(texts == "", defaults, texts)


def _numbers(
    numeric: dict[str, Numeric], inputs: dict[str, tf.SparseTensor]
) -> tf.Tensor:
    """Returns the numeric columns, defaults filled in, not a number where missing."""
    nan = float("nan")
    columns = [_first_values(inputs[name], nan) for name in numeric]
    numbers = tf.concat(columns, axis=1)
    defaults = [nan if f.default is None else f.default for f in numeric.values()]
    return tf.where(tf.math.is_finite(numbers), numbers, tf.constant([defaults]))


def _text_ids(categorical: dict[str, Categorical], texts: tf.Tensor) -> tf.Tensor:
    """Returns 0 for missing, 1.. for known values, then unseen ones by hash, (B, C)."""
    [path] = tft.experimental.ptransform_analyzer(
        [texts],
        analyzers.FitVocabulary(categorical),
        [tf.string],
        [[]],
        [VOCABULARY_END.encode()],
    )
    prefixes = [vocabulary_line(name, "") for name in categorical]
    # Where each feature's lines start and, by the last line, where they end.
    starts = tft.apply_vocabulary(
        tf.constant([*prefixes, VOCABULARY_END]), path, default_value=-1
    )  # (C + 1,)
    lines = tft.apply_vocabulary(
        tf.constant([prefixes]) + texts, path, default_value=-1
    )  # (B, C)
    buckets = tf.constant(
        [f.hash_buckets or f.oov_buckets for f in categorical.values()], tf.int64
    )
    hashes = tf.strings.to_hash_bucket_fast(texts, _HASH_SPACE)
    unseen = starts[1:] - starts[:-1] + hashes % buckets
    return tf.where(lines >= 0, lines - starts[:-1], unseen)


def _bucket_ids(numbers: tf.Tensor, boundaries: tf.Tensor) -> tf.Tensor:
    """Returns 0 for missing, else 1 + the boundaries that are not above it, (B, M)."""
    missing = tf.math.is_nan(numbers)
    known = tf.where(missing, 0.0, numbers)
    below = tf.searchsorted(boundaries, tf.transpose(known), side="right")  # (M, B)
    ids = 1 + tf.cast(tf.transpose(below), tf.int64)
    return tf.where(missing, tf.constant(MISSING_ID, tf.int64), ids)


def _scaled_values(
    numeric: dict[str, Numeric], numbers: tf.Tensor, scales: tf.Tensor
) -> tf.Tensor:
    """Returns the standardised values of the scaled fields, 1 where missing, (B, S)."""
    chosen = [i for i, f in enumerate(numeric.values()) if f.scale]
    features = [f for f in numeric.values() if f.scale]
    values = tf.gather(numbers, chosen, axis=1)  # (B, S)
    logarithmic = tf.constant([[f.scale == "log_z_score" for f in features]])
    logarithms = tf.sign(values) * tf.math.log1p(tf.abs(values))
    values = tf.where(logarithmic, logarithms, values)
    mean, deviation = tf.unstack(tf.gather(scales, chosen), axis=1)  # (S,), (S,)
    scaled = tf.clip_by_value(
        (values - mean) / deviation, -_SCALED_LIMIT, _SCALED_LIMIT
    )
    return tf.where(tf.math.is_nan(values), 1.0, scaled)


def _first_values(column: tf.SparseTensor, missing: Any) -> tf.Tensor:
    """Returns the first value of each row, or what stands for a missing one, (B, 1)."""
    rows, width = tf.unstack(column.dense_shape)
    padded = tf.SparseTensor(
        column.indices, column.values, tf.stack([rows, tf.maximum(width, 1)])
    )
    return tf.reshape(tf.sparse.to_dense(padded, missing)[:, 0], [-1, 1])
