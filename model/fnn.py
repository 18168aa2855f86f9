"""FNN: a deep tower over what a factorization machine knows of each field."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.serialization import register


@register()
class FNN(CTRModel):
    """`logit = b + tower(w_1, e_1, ..., w_F, e_F)`.

    The paper trains weights and embeddings as a factorization machine first and fine
    tunes them with the tower. That is not done here: all is trained jointly, from a
    random start, as in the models that FNN is compared with.

    Reference:
        Zhang et al., Deep Learning over Multi-field Categorical Data: A Case Study on
        User Response Prediction, ECIR 2016, Eq. 1 to 5,
        https://arxiv.org/abs/1601.02376
    """

    one_width = False

    def make_parts(self) -> None:
        self.tower = self.make_tower()

    def logit(self, fields: Fields, training: bool) -> Any:
        both = ops.concatenate([fields.weights, fields.concatenated], axis=1)
        return self.total([self.tower(both, training=training)])
