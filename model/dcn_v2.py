"""DCN V2: crosses of bounded degree, a weight per pair of coordinates."""

from typing import Any

import keras
import keras_rs

from model.base import CTRModel, Fields
from model.layers.mixture_cross import MixtureCross
from model.serialization import register


@register()
class DCNv2(CTRModel):
    """`logit = b + w^T x_L + tower(x_0)`, with `x_{l+1} = x_0 * (W_l x_l + b_l) + x_l`.

    The x_0 are all embeddings, side by side. With `cross_rank`, `W_l = U_l V_l^T`; with
    `cross_experts` too, a gate mixes several of these. Without cross layers only the
    tower is left; without hidden units, only the crosses.

    Reference:
        Wang et al., DCN V2: Improved Deep & Cross Network and Practical Lessons for
        Web-scale Learning to Rank Systems, WWW 2021, Eq. 1 to 4 (the parallel
        structure), https://arxiv.org/abs/2008.13535
    """

    reads_weights = False
    one_width = False

    def make_parts(self) -> None:
        depth = self.config.cross_layers
        self.crosses = [self._cross(f"cross_{i}") for i in range(depth)]
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

    def _cross(self, name: str) -> keras.layers.Layer:
        experts, rank = self.config.cross_experts, self.config.cross_rank
        if experts > 1 and rank:
            return MixtureCross(experts, rank, name=name)
        return keras_rs.layers.FeatureCross(rank, name=name)
