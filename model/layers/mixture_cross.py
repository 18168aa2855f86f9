"""One cross layer of DCN V2, a gated mixture of low-rank experts."""

from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class MixtureCross(keras.layers.Layer):
    """Crosses a vector with the first one in several subspaces, mixed by a gate.

    `x_{l+1} = sum_i G_i(x_l) E_i(x_l) + x_l`, with the experts
    `E_i(x) = x_0 * (U_i g(C_i g(V_i^T x)) + b)` and the gate `G = softmax(W x)`.

    Args:
        num_experts: How many subspaces.
        rank: Width of each.
        activation: The g. Defaults to `"tanh"`.

    Input shape:
        x_0 and x_l, float32 (B, W).

    Output shape:
        float32 (B, W).

    Example:
        >>> x = keras.ops.ones((2, 12))
        >>> MixtureCross(4, 3)(x, x).shape
        TensorShape([2, 12])

    Reference:
        Wang et al., DCN V2: Improved Deep & Cross Network, WWW 2021, Eq. 3 and 4,
        https://arxiv.org/abs/2008.13535
    """

    def __init__(
        self, num_experts: int, rank: int, activation: Any = "tanh", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_experts < 1 or rank < 1:
            raise ValueError(
                f"Expected at least one expert and a positive rank, received "
                f"num_experts={num_experts} and rank={rank}."
            )
        self.num_experts = num_experts
        self.rank = rank
        self.activation = keras.activations.get(activation)

    def build(self, x0_shape: Any, x_shape: Any) -> None:
        width, experts, rank = x0_shape[-1], self.num_experts, self.rank
        # Glorot's, of each expert: Keras would count all of them as one kernel's.
        initializer = keras.initializers.VarianceScaling(experts, "fan_avg", "uniform")
        kernels = {
            "down": (experts, width, rank),  # V
            "core": (experts, rank, rank),  # C
            "up": (experts, rank, width),  # U
        }
        self.down, self.core, self.up = (
            self.add_weight(shape=shape, initializer=initializer.clone(), name=name)
            for name, shape in kernels.items()
        )
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")
        self.gate = self.add_weight(
            shape=(width, experts), initializer="glorot_uniform", name="gate"
        )

    def call(self, x0: Any, x: Any) -> Any:
        low = self.activation(ops.einsum("bw,kwr->bkr", x, self.down))  # (B, K, R)
        low = self.activation(ops.einsum("bkr,krs->bks", low, self.core))
        high = ops.einsum("bkr,krw->bkw", low, self.up)  # (B, K, W)
        experts = x0[:, None, :] * (high + self.bias)
        # ops.softmax would warn of a single expert.
        gates = ops.exp(ops.log_softmax(ops.matmul(x, self.gate)))  # (B, K)
        return ops.einsum("bk,bkw->bw", gates, experts) + x  # (B, W)

    def compute_output_shape(self, x0_shape: Any, x_shape: Any) -> Any:
        return x0_shape

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "num_experts": self.num_experts,
            "rank": self.rank,
            "activation": keras.activations.serialize(self.activation),
        }
