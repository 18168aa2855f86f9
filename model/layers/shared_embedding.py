"""The table that all fields, and all parts of a model, read."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import ops

from model.serialization import register


@register()
class SharedEmbedding(keras.layers.Layer):
    """Looks up one row per field in one table for all fields.

    Field f owns the rows from `offset_f = sum of num_ids of the fields before it`, so
    that `output[b, f] = table[offset_f + ids[b, f]]`: one gather, whatever F is.

    Args:
        num_ids: Per field, how many ids it has.
        dim: Width of a row.
        initializer: Of the table.
        regularizer: Of the table.

    Input shape:
        int64 (B, F).

    Output shape:
        float32 (B, F, D).

    Example:
        >>> SharedEmbedding([3, 5], 4)(np.array([[2, 0], [1, 4]])).shape
        TensorShape([2, 2, 4])
    """

    def __init__(
        self,
        num_ids: Sequence[int],
        dim: int,
        initializer: Any = "random_normal",
        regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not num_ids or min(num_ids) < 1 or dim < 1:
            raise ValueError(
                f"Expected a positive number of ids per field and a positive width, "
                f"received num_ids={list(num_ids)} and dim={dim}."
            )
        self.num_ids = list(num_ids)
        self.dim = dim
        self.initializer = keras.initializers.get(initializer)
        self.regularizer = keras.regularizers.get(regularizer)
        self._offsets = np.cumsum([0, *self.num_ids[:-1]]).astype(np.int64)

    def build(self, input_shape: Any) -> None:
        self.table = self.add_weight(
            shape=(sum(self.num_ids), self.dim),
            initializer=self.initializer,
            regularizer=self.regularizer,
            name="table",
        )

    def call(self, ids: Any) -> Any:
        rows = ops.cast(ids, "int64") + self._offsets  # (B, F)
        # Keras has no gather whose gradient is by row: ops.take would copy the table.
        return tf.gather(self.table.value, rows)  # (B, F, D)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (*input_shape, self.dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_ids": self.num_ids,
            "dim": self.dim,
            "initializer": keras.initializers.serialize(self.initializer),
            "regularizer": keras.regularizers.serialize(self.regularizer),
        }
