"""The embeddings of all fields: one table per distinct width."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from model.layers.shared_embedding import SharedEmbedding
from model.serialization import register
from schema.features import EmbeddingField


@register()
class FieldEmbedding(keras.layers.Layer):
    """Looks fields up in one table per distinct width; gives them one width if asked.

    Fields come out by width, narrowest first, and in declared order within a width; so
    with one width the order is the declared one. A scaled field's embedding is
    multiplied by its value.

    Args:
        fields: The fields, in declared order.
        dims: Width of each field's embedding.
        projection_dim: Width of all outputs: tables of another width are followed by a
            linear map onto it. Without it each field keeps its own.
        initializer: Of the tables. Defaults to `"random_normal"`.
        l2: Of the tables, see `SharedEmbedding`. Defaults to 0.

    Input shape:
        ids, int64 (B, T); multipliers, float32 (B, F) in declared order, or None.

    Output shape:
        A list with (B, F_k, D_k) for each distinct width D_k.

    Example:
        >>> fields = [{"name": "user", "num_ids": 9}, {"name": "day", "num_ids": 8}]
        >>> [e.shape for e in FieldEmbedding(fields, [8, 4])(np.array([[1, 2]]))]
        [TensorShape([1, 1, 4]), TensorShape([1, 1, 8])]

    Reference:
        Ginart et al., Mixed Dimension Embeddings with Application to Memory-Efficient
        Recommendation Systems, ISIT 2021, Section 3 (a block and its projection),
        https://arxiv.org/abs/1909.11810
    """

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        dims: Sequence[int],
        projection_dim: int | None = None,
        initializer: Any = "random_normal",
        l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.dims = list(dims)
        self.projection_dim = projection_dim
        self.initializer = keras.initializers.get(initializer)
        self.l2 = l2
        ends = np.cumsum([field.num_values for field in self.fields])
        columns = [
            range(end - field.num_values, end)
            for end, field in zip(ends, self.fields, strict=True)
        ]
        # Per distinct width: which fields have it, and their columns of the input.
        members = [
            [i for i, dim in enumerate(self.dims) if dim == width]
            for width in sorted(set(self.dims))
        ]
        self.order = tuple(i for group in members for i in group)
        self._members = tuple(map(tuple, members))
        self._columns = tuple(tuple(c for i in g for c in columns[i]) for g in members)
        self.tables = [
            SharedEmbedding(
                [self.fields[i] for i in group],
                self.dims[group[0]],
                self.initializer.clone(),
                l2,
                name=f"width_{self.dims[group[0]]}",
            )
            for group in members
        ]
        self.projections = [
            keras.layers.Identity()
            if projection_dim in (None, table.dim)
            else keras.layers.Dense(
                projection_dim, use_bias=False, name=f"projection_{table.dim}"
            )
            for table in self.tables
        ]

    def build(self, ids_shape: Any, multipliers_shape: Any = None) -> None:
        for table, projection in zip(self.tables, self.projections, strict=True):
            table.build((ids_shape[0], None))
            projection.build((ids_shape[0], len(table.fields), table.dim))

    def call(self, ids: Any, multipliers: Any = None) -> list[Any]:
        outputs = []
        for i, table in enumerate(self.tables):
            alone = len(self.tables) == 1
            found = table(ids if alone else ops.take(ids, self._columns[i], axis=1))
            if multipliers is not None:
                chosen = ops.take(multipliers, self._members[i], axis=1)  # (B, F_k)
                found = found * chosen[:, :, None]
            outputs.append(self.projections[i](found))
        return outputs  # (B, F_k, D_k) each

    def compute_output_shape(
        self, ids_shape: Any, multipliers_shape: Any = None
    ) -> list[tuple[Any, ...]]:
        return [
            (ids_shape[0], len(table.fields), self.projection_dim or table.dim)
            for table in self.tables
        ]

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "dims": self.dims,
            "projection_dim": self.projection_dim,
            "initializer": keras.initializers.serialize(self.initializer),
            "l2": self.l2,
        }
