"""The table that fields of one width, and all parts of a model, read."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from model.serialization import register
from schema.features import EmbeddingField


@register()
class SharedEmbedding(keras.layers.Layer):
    """Looks up every field's embedding in one table: one gather, whatever F is.

    Field f owns the rows from `offset_f` on, after those of the fields before it:

    - `e_f = table[offset_f + id]`;
    - with remainder rows, m of them, two rows make an embedding, and the quotient's is
      a correction around 1: `e_f = table[offset_f + id % m] * (1 + q)`, where
      `q = table[offset_f + m + id // m]`;
    - of several values, the embeddings are pooled (mean, sum or maximum).

    Args:
        fields: Whose embeddings these are, in order.
        dim: Width of a row.
        initializer: Of the table. Defaults to `"random_normal"`.
        l2: Weight of half the sum of squares of the whole table in the loss; the
            row-sparse optimisers read it from the table's `row_l2`. Defaults to 0.

    Input shape:
        int64 (B, T): `num_values` columns per field, -1 where there is no value.

    Output shape:
        float32 (B, F, D).

    Example:
        >>> fields = [{"name": "user", "num_ids": 3}, {"name": "ad", "num_ids": 5}]
        >>> SharedEmbedding(fields, 4)(np.array([[2, 0], [1, 4]])).shape
        TensorShape([2, 2, 4])

    Reference:
        Shi et al., Compositional Embeddings Using Complementary Partitions for
        Memory-Efficient Recommendation Systems, KDD 2020, Section 2 (quotient and
        remainder, element-wise product), https://arxiv.org/abs/1909.02107
    """

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        dim: int,
        initializer: Any = "random_normal",
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not fields or dim < 1:
            raise ValueError(
                f"Expected at least one field and a positive width, received "
                f"fields={list(fields)} and dim={dim}."
            )
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.dim = dim
        self.initializer = keras.initializers.get(initializer)
        self.l2 = l2
        rows = [_num_rows(field) for field in self.fields]
        offsets = np.cumsum([0, *rows])
        self.num_rows = int(offsets[-1])
        # Per column of the input: where its field's rows begin, how many ids differ
        # before the remainder begins again, and where the quotient's rows begin.
        widths = [field.num_values for field in self.fields]
        moduli = [field.remainder_rows or field.num_ids for field in self.fields]
        self._offsets = np.repeat(offsets[:-1], widths)
        self._moduli = np.repeat(moduli, widths)
        composed = [field.remainder_rows is not None for field in self.fields]
        self._composed = np.flatnonzero(np.repeat(composed, widths))

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(
            shape=(self.num_rows, self.dim), initializer=self.initializer, name="table"
        )
        self.table.row_l2 = self.l2

    def call(self, ids: Any) -> Any:
        ids = ops.cast(ids, "int64")  # (B, T)
        rows = self._rows(ids)  # (B, T + C), C columns of quotients
        # Keras has no gather whose gradient is by row: ops.take would copy the table.
        found = tf.gather(self.table.value, rows)  # (B, T + C, D)
        if all(_is_plain(field) for field in self.fields):
            return found
        return ops.concatenate(self._pieces(ids, found), axis=1)  # (B, F, D)

    def _rows(self, ids: Any) -> Any:
        if all(_is_plain(field) for field in self.fields):
            return ids + self._offsets
        ids = ops.maximum(ids, 0)  # what padding finds is pooled with weight 0
        rows = ids % self._moduli + self._offsets
        quotients = (
            ops.take(ids, self._composed, axis=1) // self._moduli[self._composed]
        )
        starts = (self._offsets + self._moduli)[self._composed]
        return ops.concatenate([rows, quotients + starts], axis=1)

    def _pieces(self, ids: Any, found: Any) -> list[Any]:
        """Returns the embeddings of each field, composed and pooled, (B, 1, D) each."""
        pieces = []
        column, quotient = 0, len(self._offsets)
        for field in self.fields:
            end = column + field.num_values
            values = found[:, column:end]  # (B, num_values, D)
            if field.remainder_rows:
                correction = found[:, quotient : quotient + field.num_values]
                values = values * (1.0 + correction)
                quotient += field.num_values
            if field.pooling:
                values = _pooled(values, ids[:, column:end, None] >= 0, field.pooling)
            pieces.append(values)
            column = end
        return pieces

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], len(self.fields), self.dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "dim": self.dim,
            "initializer": keras.initializers.serialize(self.initializer),
            "l2": self.l2,
        }


def _num_rows(field: EmbeddingField) -> int:
    if field.remainder_rows is None:
        return field.num_ids
    return field.remainder_rows + -(-field.num_ids // field.remainder_rows)


def _is_plain(field: EmbeddingField) -> bool:
    return field.pooling is None and field.remainder_rows is None


def _pooled(values: Any, present: Any, pooling: str) -> Any:
    """Returns the pooled embeddings of the values that are there, (B, 1, D)."""
    if pooling == "max":
        lowest = ops.where(present, values, -np.inf)
        greatest = ops.max(lowest, axis=1, keepdims=True)
        return ops.where(ops.any(present, axis=1, keepdims=True), greatest, 0.0)
    weights = ops.cast(present, values.dtype)  # (B, num_values, 1)
    if pooling == "mean":
        count = ops.sum(weights, axis=1, keepdims=True)
        weights = weights / ops.maximum(count, 1.0)
    return ops.sum(values * weights, axis=1, keepdims=True)
