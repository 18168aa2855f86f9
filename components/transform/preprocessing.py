"""Turns raw columns into the ids that a model looks up, and their multipliers.

Every fitted thing (vocabularies, quantiles, means) sees the train split only, and the
same graph runs in training and, inside the SavedModel, in serving. All features go
through it side by side, in one tensor: forty small graphs would be slow to trace, to
load, and to serve.
"""

from typing import Any

import tensorflow as tf

from components.transform import cells, fitted
from schema.contract import IDS, VALUES, WEIGHT
from schema.features import Categorical, Dataset, Numeric


def preprocessing_fn(
    inputs: dict[str, tf.SparseTensor], dataset: Dataset, fitted_folder: str
) -> dict[str, tf.Tensor]:
    """Transforms raw features; TFT traces it to make the graph.

    Args:
        inputs: Raw columns, each sparse; absent is missing. Of several values in a row
            the first counts, or, for a feature with a separator, the first
            `max_values`.
        dataset: The declaration.
        fitted_folder: Holds what was fitted to the train split.

    Returns:
        `ids_xf`, int64 (B, T), fields in declared order, a multi-valued one in
        `max_values` columns, those that a row has no value for filled with padding;
        `values_xf`, float32 (B, S), the multipliers of the S scaled fields, where there
        are any; the label, int64 (B, 1); and `weight_xf`, float32 (B, 1), where a
        weight is declared.
    """
    categorical, numeric = dataset.categorical(), dataset.numeric()
    ids = []
    if categorical:
        texts = _texts(categorical, inputs)  # (B, T_c)
        path = fitted.vocabulary_path(fitted_folder)
        found = cells.text_ids(dataset, *_cells(texts), path)
        ids.append(tf.reshape(found, tf.shape(texts)))
    if numeric:
        numbers = _numbers(numeric, inputs)  # (B, M)
        fit = fitted.read_numbers(fitted_folder)
        found, multipliers = cells.number_ids(dataset, *_cells(numbers), *fit)
        ids.append(tf.reshape(found, tf.shape(numbers)))
    label = dataset.label.column
    outputs = {
        IDS: tf.gather(tf.concat(ids, axis=1), dataset.id_order(), axis=1),
        label: _first_values(inputs[label], tf.constant(0, tf.int64)),
    }
    if scaled := dataset.scaled():
        multipliers = tf.reshape(multipliers, tf.shape(numbers))
        outputs[VALUES] = tf.gather(multipliers, scaled, axis=1)
    if dataset.weight:
        outputs[WEIGHT] = _first_values(inputs[dataset.weight], 1.0)
    return outputs


def _cells(table: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the cells of a table, (B, T), row by row, and the columns they are of."""
    rows, columns = tf.unstack(tf.shape(table, tf.int64))
    return tf.reshape(table, [-1]), tf.tile(tf.range(columns), [rows])


def _texts(
    categorical: dict[str, Categorical], inputs: dict[str, tf.SparseTensor]
) -> tf.Tensor:
    """Returns the values, empty where there is none, (B, T_c)."""
    columns = [
        _several_values(inputs[name], feature.max_values)
        if feature.separator
        else _first_values(inputs[name], "")
        for name, feature in categorical.items()
    ]
    return tf.concat(columns, axis=1)


def _numbers(
    numeric: dict[str, Numeric], inputs: dict[str, tf.SparseTensor]
) -> tf.Tensor:
    """Returns the values, not a number where there is none, (B, M)."""
    columns = [_first_values(inputs[name], float("nan")) for name in numeric]
    return tf.concat(columns, axis=1)


def _first_values(column: tf.SparseTensor, missing: Any) -> tf.Tensor:
    """Returns the first value of each row, or what stands for a missing one, (B, 1)."""
    shape = tf.maximum(column.dense_shape, tf.constant([0, 1], tf.int64))
    padded = tf.SparseTensor(column.indices, column.values, shape)
    first = tf.sparse.to_dense(padded, missing)[:, :1]
    first.set_shape([None, 1])  # which TensorFlow does not see
    return first


def _several_values(column: tf.SparseTensor, max_values: int) -> tf.Tensor:
    """Returns the first values of each row that are not empty, (B, max_values)."""
    filled = column.values != ""
    ragged = tf.RaggedTensor.from_value_rowids(
        tf.boolean_mask(column.values, filled),
        tf.boolean_mask(column.indices[:, 0], filled),
        column.dense_shape[0],
        validate=False,
    )
    return ragged.to_tensor("", shape=[None, max_values])
