"""AutoInt: fields attend to each other, layer after layer."""

from typing import Any

import keras

from model.base import CTRModel, Fields
from model.layers.interacting import Interacting
from model.serialization import register


@register()
class AutoInt(CTRModel):
    """`logit = b + w^T (e_1^L, ..., e_F^L) + tower(e_1, ..., e_F)`.

    The e^L are the embeddings after L layers of self-attention between fields. With the
    tower this is the paper's AutoInt+; without hidden units there is none.

    Reference:
        Song et al., AutoInt: Automatic Feature Interaction Learning via Self-Attentive
        Neural Networks, CIKM 2019, Eq. 5 to 9, https://arxiv.org/abs/1810.11921
    """

    reads_weights = False

    def make_parts(self) -> None:
        config = self.config
        self.attention = [
            Interacting(
                config.attention_heads, config.attention_dim, name=f"attention_{i}"
            )
            for i in range(config.attention_layers)
        ]
        self.flatten = keras.layers.Flatten(name="flatten")
        self.attention_logit = keras.layers.Dense(
            1, use_bias=False, name="attention_logit"
        )
        self.tower = self.make_tower() if config.deep_hidden_units else None

    def logit(self, fields: Fields, training: bool) -> Any:
        x = fields.embeddings  # (B, F, D)
        for attention in self.attention:
            x = attention(x)  # (B, F, H * A)
        parts = [self.attention_logit(self.flatten(x))]  # (B, 1)
        if self.tower:
            parts.append(self.tower(fields.concatenated, training=training))
        return self.total(parts)
