"""DeepFM: a factorization machine and a deep tower over one embedding table."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.layers.bias import Bias
from model.layers.deep_tower import DeepTower
from model.layers.factorization_machine import FactorizationMachine
from model.serialization import register


@register()
class DeepFM(CTRModel):
    """`logit = b + sum_i w_i + sum_{i<j} <e_i, e_j> + tower(e_1, ..., e_F)`.

    FM and tower read the same embeddings and are trained jointly; nothing is trained
    beforehand, and no cross is written by hand.

    Reference:
        Guo et al., DeepFM: A Factorization-Machine based Neural Network for CTR
        Prediction, IJCAI 2017, Eq. 1 to 4, https://arxiv.org/abs/1703.04247
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.bias = Bias(name="bias")
        self.pairs = FactorizationMachine(name="pairs")
        self.tower = DeepTower(
            self.config.deep_hidden_units,
            self.config.activation_fn,
            self.config.dropout,
            name="tower",
        )

    def logit(self, fields: Fields, training: bool) -> Any:
        first_order = ops.sum(fields.weights, axis=1, keepdims=True)  # (B, 1)
        pairs = self.pairs(fields.embeddings)  # (B, 1)
        deep = self.tower(fields.embeddings, training=training)  # (B, 1)
        return self.bias(first_order + pairs + deep)
