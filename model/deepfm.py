"""DeepFM: a factorization machine and a deep tower over one embedding table."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.layers.factorization_machine import FactorizationMachine
from model.serialization import register


@register()
class DeepFM(CTRModel):
    """`logit = b + sum_i w_i + sum_{i<j} <e_i, e_j> + tower(e_1, ..., e_F)`.

    FM and tower read the same embeddings and are trained jointly; nothing is trained
    beforehand, and no cross is written by hand. Without hidden units there is no tower,
    and what is left is FM.

    Reference:
        Guo et al., DeepFM: A Factorization-Machine based Neural Network for CTR
        Prediction, IJCAI 2017, Eq. 1 to 4, https://arxiv.org/abs/1703.04247
    """

    def make_parts(self) -> None:
        self.pairs = FactorizationMachine(name="pairs", dtype="float32")
        self.tower = self.make_tower() if self.config.deep_hidden_units else None

    def logit(self, fields: Fields, training: bool) -> Any:
        parts = [
            ops.sum(fields.weights, axis=1, keepdims=True),  # (B, 1)
            self.pairs(fields.embeddings),  # (B, 1)
        ]
        if self.tower:
            parts.append(self.tower(fields.concatenated, training=training))
        return self.total(parts)
