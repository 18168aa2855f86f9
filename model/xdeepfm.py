"""xDeepFM: crosses of whole embeddings, compressed to a few maps per degree."""

from typing import Any

import keras
from keras import ops

from model.base import CTRModel, Fields
from model.layers.compressed_interaction import CompressedInteraction
from model.serialization import register


@register()
class XDeepFM(CTRModel):
    """`logit = b + sum_i w_i + w^T cin(e_1, ..., e_F) + tower(e_1, ..., e_F)`.

    Without `cin_units` there is no CIN, without hidden units no tower.

    Reference:
        Lian et al., xDeepFM: Combining Explicit and Implicit Feature Interactions for
        Recommender Systems, KDD 2018, Section 3.4, https://arxiv.org/abs/1803.05170
    """

    @property
    def reads_embeddings(self) -> bool:
        return bool(self.config.cin_units or self.config.deep_hidden_units)

    def make_parts(self) -> None:
        self.cin = self.cin_logit = None
        if self.config.cin_units:
            self.cin = CompressedInteraction(self.config.cin_units, name="cin")
            self.cin_logit = keras.layers.Dense(1, use_bias=False, name="cin_logit")
        self.tower = self.make_tower() if self.config.deep_hidden_units else None

    def logit(self, fields: Fields, training: bool) -> Any:
        parts = [ops.sum(fields.weights, axis=1, keepdims=True)]  # (B, 1)
        if self.cin and self.cin_logit:
            parts.append(self.cin_logit(self.cin(fields.embeddings)))  # (B, 1)
        if self.tower:
            parts.append(self.tower(fields.concatenated, training=training))
        return self.total(parts)
