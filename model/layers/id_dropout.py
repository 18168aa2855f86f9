"""Trains the out-of-vocabulary rows: in training, some known ids look unknown."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from model.serialization import register
from schema.features import EmbeddingField


@register()
class IdDropout(keras.layers.Layer):
    """Replaces a share of the known ids by an out-of-vocabulary id of their field.

    Values that training never saw share the last `oov_buckets` ids of a field. Unless
    training meets those ids, their embeddings are the noise that they began as; so in
    training each known id stands for an unseen value with probability `rate`. Missing
    values, padding, and fields without such ids stay as they are.

    Args:
        fields: Whose ids these are, in order.
        rate: Share of known ids that are replaced.
        seed: Of the draws. Defaults to Keras's global seed.

    Input shape:
        int64 (B, T).

    Output shape:
        int64 (B, T).

    Example:
        >>> fields = [{"name": "user", "num_ids": 9, "oov_buckets": 1}]
        >>> IdDropout(fields, 0.5)(np.array([[3], [8]]), training=False)
        [[3], [8]]
    """

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        rate: float,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.rate = rate
        self.seed = seed
        self.generator = keras.random.SeedGenerator(seed)
        widths = [field.num_values for field in self.fields]
        buckets = [field.oov_buckets for field in self.fields]
        ends = [field.num_ids - field.oov_buckets for field in self.fields]
        self._ends = np.repeat(ends, widths)  # of the known ids, per column
        self._buckets = np.repeat(buckets, widths)

    def call(self, ids: Any, training: bool = False) -> Any:
        if not training or not self.rate:
            return ids
        ids = ops.cast(ids, "int64")
        draws = keras.random.uniform(ops.shape(ids), seed=self.generator)
        known = (ids > 0) & (ids < self._ends) & (self._buckets > 0)
        unseen = self._ends + ids % np.maximum(self._buckets, 1)
        return ops.where(known & (draws < self.rate), unseen, ids)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "rate": self.rate,
            "seed": self.seed,
        }
