"""Wide & Deep: crosses written by hand beside a deep tower."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.layers.crossed_ids import CrossedIds
from model.layers.shared_embedding import SharedEmbedding
from model.serialization import register


@register()
class WideDeep(CTRModel):
    """`logit = b + sum_i w_i + sum_c w_c + tower(e_1, ..., e_F)`.

    Each c is one of `crosses`, a combination of fields written by hand, with a weight
    per combination of their ids. Without hidden units there is no tower.

    Reference:
        Cheng et al., Wide & Deep Learning for Recommender Systems, DLRS 2016, Eq. 1 to
        3, https://arxiv.org/abs/1606.07792
    """

    one_width = False

    @property
    def reads_embeddings(self) -> bool:
        return bool(self.config.deep_hidden_units)

    def make_parts(self) -> None:
        self.crossed_ids = self.crosses = None
        if self.config.crosses:
            self.crossed_ids = CrossedIds(
                self.fields,
                self.config.crosses,
                self.config.cross_buckets,
                name="crossed_ids",
            )
            self.crosses = SharedEmbedding(
                self.crossed_ids.crossed_fields,
                1,
                "zeros",
                self.prior.first_order_l2,
                name="crosses",
                dtype="float32",
            )
        self.tower = self.make_tower() if self.config.deep_hidden_units else None

    def logit(self, fields: Fields, training: bool) -> Any:
        parts = [ops.sum(fields.weights, axis=1, keepdims=True)]  # (B, 1)
        if self.crossed_ids and self.crosses:
            weights = self.crosses(self.crossed_ids(fields.ids))  # (B, C, 1)
            parts.append(ops.sum(weights, axis=1))  # (B, 1)
        if self.tower:
            parts.append(self.tower(fields.concatenated, training=training))
        return self.total(parts)
