"""One cross layer of the first Deep & Cross Network."""

from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class VectorCross(keras.layers.Layer):
    """Raises the degree of a vector's interactions by one, with one weight per entry.

    `x_{l+1} = x_0 (x_l^T w) + b + x_l`

    Input shape:
        x_0 and x_l, float32 (B, W).

    Output shape:
        float32 (B, W).

    Example:
        >>> x = keras.ops.ones((2, 12))
        >>> VectorCross()(x, x).shape
        TensorShape([2, 12])

    Reference:
        Wang et al., Deep & Cross Network for Ad Click Predictions, ADKDD 2017, Eq. 3,
        https://arxiv.org/abs/1708.05123
    """

    def build(self, x0_shape: Any, x_shape: Any) -> None:
        width = x0_shape[-1]
        self.kernel = self.add_weight(
            shape=(width, 1), initializer="glorot_uniform", name="kernel"
        )
        self.bias = self.add_weight(shape=(width,), initializer="zeros", name="bias")

    def call(self, x0: Any, x: Any) -> Any:
        scale = ops.matmul(x, self.kernel)  # (B, 1)
        return x0 * scale + self.bias + x  # (B, W)

    def compute_output_shape(self, x0_shape: Any, x_shape: Any) -> Any:
        return x0_shape
