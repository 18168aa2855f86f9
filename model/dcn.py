"""DCN: crosses of bounded degree, a weight per coordinate, beside a deep tower."""

from typing import Any

import keras

from model.base import CTRModel, Fields
from model.layers.vector_cross import VectorCross
from model.serialization import register


@register()
class DCN(CTRModel):
    """`logit = b + w^T x_L + tower(x_0)`, with `x_{l+1} = x_0 (x_l^T w_l) + b_l + x_l`.

    The x_0 are all embeddings, side by side. Without cross layers only the tower is
    left; without hidden units, only the crosses.

    Reference:
        Wang et al., Deep & Cross Network for Ad Click Predictions, ADKDD 2017, Eq. 3 to
        5, https://arxiv.org/abs/1708.05123
    """

    reads_weights = False
    one_width = False

    def make_parts(self) -> None:
        depth = self.config.cross_layers
        self.crosses = [VectorCross(name=f"cross_{i}") for i in range(depth)]
        self.cross_logit = None
        if depth:
            self.cross_logit = keras.layers.Dense(1, use_bias=False, name="cross_logit")
        deep = self.config.deep_hidden_units or not depth
        self.tower = self.make_tower() if deep else None

    def logit(self, fields: Fields, training: bool) -> Any:
        x0 = fields.concatenated  # (B, W)
        parts = []
        if self.cross_logit:
            x = x0
            for cross in self.crosses:
                x = cross(x0, x)  # (B, W)
            parts.append(self.cross_logit(x))  # (B, 1)
        if self.tower:
            parts.append(self.tower(x0, training=training))
        return self.total(parts)
