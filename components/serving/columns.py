"""Raw features as one dense tensor each, so that a client builds no tf.Example."""

import keyword
from collections.abc import Iterable

import numpy as np
import tensorflow as tf

from schema.features import Categorical, Dataset

Columns = dict[str, tf.Tensor]


def specs(dataset: Dataset) -> dict[str, tf.TensorSpec]:
    """Returns the type and shape of every column: (B,), or (B, values) of several."""
    names = arguments(dataset.features)
    return {
        feature: tf.TensorSpec(
            [None] * value.ndim, tf.as_dtype(value.dtype), names[feature]
        )
        for feature, value in left_out(dataset).items()
    }


def arguments(features: Iterable[str]) -> dict[str, str]:
    """Returns what TensorFlow calls each column's argument: its name, where it can.

    It cannot where Python has another use for the name, or where two names differ in
    capitals only.
    """
    names: dict[str, str] = {}
    taken = set()
    for number, feature in enumerate(features):
        reserved = keyword.iskeyword(feature) or feature == "self" or feature[0] == "_"
        clashes = reserved or feature.casefold() in taken
        names[feature] = f"feature_{number}" if clashes else feature
        taken.add(feature.casefold())
    return names


def left_out(dataset: Dataset) -> dict[str, np.ndarray]:
    """Returns what stands for a column that a request lacks: one missing value."""
    found = {}
    for name, feature in dataset.features.items():
        if isinstance(feature, Categorical):
            shape = (1, 1) if feature.separator else (1,)
            found[name] = np.full(shape, b"", np.object_)
        else:
            found[name] = np.full((1,), np.nan, np.float32)
    return found


def common_length(columns: Columns) -> tf.Tensor:
    """Returns B, the rows of columns that have B rows or, for all of them, one.

    Raises:
        InvalidArgumentError: There are two lengths beside 1; when the graph runs.
    """
    lengths = num_rows(columns.values())
    # No row at all is a length beside 1, too.
    longest, shortest = tf.reduce_max(lengths), tf.reduce_min(lengths)
    rows = tf.where(shortest == 0, shortest, longest)
    others = tf.strings.as_string(rows)
    message = [
        "Expected columns of one length, or of 1 row for all. There are ",
        others,
    ]
    holds = (lengths == 1) | (lengths == rows)
    checked = _require(
        holds, columns, lengths, tf.strings.join([*message, " rows, but not of: "])
    )
    with tf.control_dependencies([checked]):
        return tf.identity(rows)


def require_one_row(context: Columns) -> tf.Operation:
    """Returns what refuses a context of another length, when the graph runs."""
    lengths = num_rows(context.values())
    message = "Expected the context's columns to have 1 row, for all candidates, not: "
    return _require(lengths == 1, context, lengths, tf.constant(message))


def num_rows(columns: Iterable[tf.Tensor]) -> tf.Tensor:
    """Returns the rows of each column, int64."""
    return tf.stack(
        [
            tf.size(c, tf.int64) if c.shape.rank == 1 else tf.shape(c, tf.int64)[0]
            for c in columns
        ]
    )


def _require(
    holds: tf.Tensor, names: Iterable[str], lengths: tf.Tensor, message: tf.Tensor
) -> tf.Operation:
    """Returns what raises InvalidArgumentError with the names of those that fail."""
    described = tf.strings.join(
        [tf.constant(list(names)), " (", tf.strings.as_string(lengths), ")"]
    )
    listed = tf.strings.reduce_join(tf.boolean_mask(described, ~holds), separator=", ")
    return tf.debugging.Assert(
        tf.reduce_all(holds), [tf.strings.join([message, listed])]
    )
