"""DLRM: the numbers become one more embedding, and the dot products feed a tower."""

from typing import Any

import keras_rs
from keras import ops

from model.base import CTRModel, Fields
from model.layers.deep_tower import DeepTower
from model.serialization import register


@register()
class DLRM(CTRModel):
    """`logit = b + top(z, (<v_i, v_j>)_{i<j})`, with `z = bottom(numeric fields)`.

    The v are z and the embeddings of the categorical fields. The paper's bottom tower
    reads raw numbers; here a number is never raw, and the tower reads the embeddings of
    the numeric fields, side by side. Without numeric fields there is no z.

    Reference:
        Naumov et al., Deep Learning Recommendation Model for Personalization and
        Recommendation Systems, 2019, Section 2.2, https://arxiv.org/abs/1906.00091
    """

    reads_weights = False

    def make_parts(self) -> None:
        config = self.config
        numeric = [field.numeric for field in self.field_order]
        self._numeric = [i for i, flag in enumerate(numeric) if flag]
        self._categorical = [i for i, flag in enumerate(numeric) if not flag]
        self.bottom = None
        if self._numeric:
            self.bottom = DeepTower(
                config.bottom_hidden_units,
                config.activation_fn,
                config.dropout,
                config.batch_norm,
                config.projection_dim or max(self.embedding.dims),
                name="bottom",
            )
        self.products = None
        if len(self._categorical) + bool(self._numeric) > 1:
            self.products = keras_rs.layers.DotInteraction(name="products")
        self.tower = self.make_tower()

    def logit(self, fields: Fields, training: bool) -> Any:
        vectors = ops.unstack(fields.embeddings, axis=1)  # (B, D) each
        numbers = [vectors[i] for i in self._numeric]
        vectors = [vectors[i] for i in self._categorical]
        features = []
        if self.bottom:
            dense = self.bottom(ops.concatenate(numbers, axis=1), training=training)
            vectors.insert(0, dense)
            features.append(dense)  # (B, D)
        if self.products:
            features.append(self.products(vectors))  # (B, V * (V - 1) / 2)
        x = ops.concatenate(features or vectors, axis=1)
        return self.total([self.tower(x, training=training)])
