"""PNN: a deep tower over embeddings and their products."""

from typing import Any

import keras_rs
from keras import ops

from model.base import CTRModel, Fields
from model.serialization import register


@register()
class PNN(CTRModel):
    """`logit = b + tower(z, p)`, with `z = (e_1, ..., e_F)` and the products p.

    - `product: inner`: `p = (<e_i, e_j>)_{i<j}`;
    - `product: outer`: `p = (sum_i e_i)(sum_i e_i)^T`, the paper's superposition of the
      outer products of all pairs.

    The first hidden layer has a weight per product; the paper's inner product network
    makes these weights a matrix of rank one, which is cheaper, for many fields.

    Reference:
        Qu et al., Product-based Neural Networks for User Response Prediction, ICDM
        2016, Eq. 1 to 3 and Sections III-B and III-C,
        https://arxiv.org/abs/1611.00144
    """

    reads_weights = False

    def make_parts(self) -> None:
        self.products = None
        if self.config.product == "inner" and len(self.fields) > 1:
            self.products = keras_rs.layers.DotInteraction(name="products")
        self.tower = self.make_tower()

    def logit(self, fields: Fields, training: bool) -> Any:
        parts = [fields.concatenated]  # (B, F * D)
        if self.config.product == "outer":
            parts.append(_outer(ops.sum(fields.embeddings, axis=1)))  # (B, D * D)
        if self.products:
            vectors = ops.unstack(fields.embeddings, axis=1)
            parts.append(self.products(vectors))  # (B, F * (F - 1) / 2)
        features = ops.concatenate(parts, axis=1)
        return self.total([self.tower(features, training=training)])


def _outer(vector: Any) -> Any:
    """Returns the products of all pairs of coordinates, (B, D * D)."""
    products = vector[:, :, None] * vector[:, None, :]  # (B, D, D)
    return ops.reshape(products, (-1, vector.shape[1] ** 2))
