"""Turns raw columns into the ids and multipliers that a model looks up and multiplies by.

Every fitted thing (vocabularies, quantiles, means) sees the train split only, and the
same graph runs in training and, inside the SavedModel, in serving.
"""

from typing import Any

import tensorflow as tf
import tensorflow_transform as tft

from schema.contract import MISSING_ID, ids_name, values_name, vocabulary_name
from schema.features import Categorical, Dataset, Numeric

# A standardised value is cut off here, in standard deviations: a value that is far
# beyond what training saw must not blow up a product of two embeddings.
_SCALED_LIMIT = 4.0


def preprocessing_fn(
    inputs: dict[str, tf.SparseTensor], custom_config: dict[str, Any]
) -> dict[str, tf.Tensor]:
    """Transforms raw features; the entry point that Transform calls.

    Args:
        inputs: Raw columns, each sparse (B, at most 1); absent is missing.
        custom_config: `dataset`: the declaration, as JSON.

    Returns:
        Per feature its ids `<name>_xf`, int64 (B, 1), and where it is scaled its
        multiplier `<name>_value_xf`, float32 (B, 1); and the label, int64 (B, 1).
    """
    dataset = Dataset.model_validate_json(custom_config["dataset"])
    outputs = {}
    for name, feature in dataset.features.items():
        if isinstance(feature, Categorical):
            outputs[ids_name(name)] = _categorical(name, feature, inputs[name])
            continue
        present = _present_numbers(inputs[name], feature.default)
        outputs[ids_name(name)] = _bucket_ids(feature, present)
        if feature.scale:
            outputs[values_name(name)] = _scaled_values(feature, present)
    label = dataset.label.column
    outputs[label] = _dense(_first_values(inputs[label]), 0)
    return outputs


def _categorical(
    name: str, feature: Categorical, column: tf.SparseTensor
) -> tf.Tensor:
    """Returns 0 for missing, else 1 + the vocabulary's id or the hash bucket, (B, 1)."""
    present = _first_values(column)
    present = tf.sparse.retain(present, tf.not_equal(present.values, ""))
    if feature.default is not None:
        present = _filled(present, feature.default)
    if feature.hash_buckets:
        ids = tft.hash_strings(present, feature.hash_buckets)
    else:
        ids = tft.compute_and_apply_vocabulary(
            present,
            top_k=feature.max_vocabulary,
            frequency_threshold=feature.min_count,
            num_oov_buckets=feature.oov_buckets,
            vocab_filename=vocabulary_name(name),
        )
    return _dense(ids.with_values(ids.values + 1), MISSING_ID)


def _bucket_ids(feature: Numeric, present: tf.SparseTensor) -> tf.Tensor:
    """Returns 0 for missing, else 1 + the value's quantile bucket, int64 (B, 1)."""
    if feature.buckets == 1:
        buckets = tf.zeros_like(present.values, tf.int64)
    else:
        buckets = tft.bucketize(present, feature.buckets).values
    return _dense(present.with_values(buckets + 1), MISSING_ID)


def _scaled_values(feature: Numeric, present: tf.SparseTensor) -> tf.Tensor:
    """Returns the standardised value, 1 where missing, float32 (B, 1)."""
    values = present.values
    if feature.scale == "log_z_score":
        values = tf.sign(values) * tf.math.log1p(tf.abs(values))
    scaled = tft.scale_to_z_score(present.with_values(values)).values
    scaled = tf.clip_by_value(scaled, -_SCALED_LIMIT, _SCALED_LIMIT)
    return _dense(present.with_values(scaled), 1.0)


def _present_numbers(
    column: tf.SparseTensor, default: float | None
) -> tf.SparseTensor:
    present = _first_values(column)
    present = tf.sparse.retain(present, tf.math.is_finite(present.values))
    return present if default is None else _filled(present, default)


def _first_values(column: tf.SparseTensor) -> tf.SparseTensor:
    """Returns the column as sparse (B, 1): of several values in a row, the first."""
    first = tf.sparse.retain(column, tf.equal(column.indices[:, 1], 0))
    return tf.SparseTensor(
        first.indices, first.values, tf.stack([column.dense_shape[0], 1])
    )


def _filled(column: tf.SparseTensor, default: str | float) -> tf.SparseTensor:
    """Returns the column with every missing value replaced by the default, (B, 1)."""
    dense = tf.sparse.to_dense(column, default)  # (B, 1)
    rows = tf.range(column.dense_shape[0])
    indices = tf.stack([rows, tf.zeros_like(rows)], axis=1)
    return tf.SparseTensor(indices, tf.reshape(dense, [-1]), column.dense_shape)


def _dense(column: tf.SparseTensor, missing: int | float) -> tf.Tensor:
    """Returns the column as (B, 1) with a value for what is missing."""
    dense = tf.sparse.to_dense(column, tf.cast(missing, column.dtype))
    return tf.reshape(dense, [-1, 1])
