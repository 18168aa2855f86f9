"""LR: logistic regression, where every comparison begins."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.serialization import register


@register()
class LR(CTRModel):
    """`logit = b + sum_i w_i`: one weight per id, no interactions.

    Reference:
        Richardson et al., Predicting Clicks: Estimating the Click-Through Rate for New
        Ads, WWW 2007, Eq. 3, https://doi.org/10.1145/1242572.1242643
    """

    reads_embeddings = False

    def make_parts(self) -> None:
        pass  # weights and bias are all there is

    def logit(self, fields: Fields, training: bool) -> Any:
        return self.total([ops.sum(fields.weights, axis=1, keepdims=True)])
