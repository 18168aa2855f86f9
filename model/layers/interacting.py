"""Self-attention between the fields of an example."""

from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class Interacting(keras.layers.Layer):
    """Lets each field attend to all fields, in several heads, and adds itself back.

    In head h, `a_{mk} = softmax_k <Q_h e_m, K_h e_k>` and `c_m = sum_k a_{mk} V_h e_k`;
    the output is `relu((c_m of all heads) + R e_m)`. Scores are not scaled, and no
    projection follows the heads.

    Args:
        num_heads: How many attentions.
        head_dim: Width of each one's vectors.

    Input shape:
        float32 (B, F, D).

    Output shape:
        float32 (B, F, num_heads * head_dim).

    Example:
        >>> Interacting(2, 8)(keras.ops.ones((2, 3, 4))).shape
        TensorShape([2, 3, 16])

    Reference:
        Song et al., AutoInt: Automatic Feature Interaction Learning via Self-Attentive
        Neural Networks, CIKM 2019, Eq. 5 to 8, https://arxiv.org/abs/1810.11921
    """

    def __init__(self, num_heads: int, head_dim: int, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if num_heads < 1 or head_dim < 1:
            raise ValueError(
                f"Expected a positive number of heads and width, received "
                f"num_heads={num_heads} and head_dim={head_dim}."
            )
        self.num_heads = num_heads
        self.head_dim = head_dim

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[-1], self.num_heads * self.head_dim)
        self.query, self.key, self.value, self.residual = (
            self.add_weight(shape=shape, initializer="glorot_uniform", name=name)
            for name in ("query", "key", "value", "residual")
        )

    def call(self, embeddings: Any) -> Any:
        queries = self._heads(embeddings, self.query)  # (B, F, H, A)
        keys = self._heads(embeddings, self.key)
        values = self._heads(embeddings, self.value)
        scores = ops.einsum("bmha,bkha->bhmk", queries, keys)  # (B, H, F, F)
        # ops.softmax would warn of a single field.
        attention = ops.exp(ops.log_softmax(scores))
        context = ops.einsum("bhmk,bkha->bmha", attention, values)  # (B, F, H, A)
        itself = ops.matmul(embeddings, self.residual)  # (B, F, H * A)
        return ops.relu(ops.reshape(context, ops.shape(itself)) + itself)

    def _heads(self, embeddings: Any, kernel: Any) -> Any:
        shape = (-1, embeddings.shape[1], self.num_heads, self.head_dim)
        return ops.reshape(ops.matmul(embeddings, kernel), shape)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (*input_shape[:-1], self.num_heads * self.head_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_heads": self.num_heads,
            "head_dim": self.head_dim,
        }
