"""Where the parts of a model meet: their sum, and one trained number."""

from collections.abc import Sequence
from typing import Any

import keras

from model.serialization import register


@register()
class LogitSum(keras.layers.Layer):
    """Sums the parts of a logit and a trained bias.

    Input shape:
        A list of float (B, 1).

    Output shape:
        float32 (B, 1).

    Example:
        >>> LogitSum()([keras.ops.ones((2, 1)), keras.ops.ones((2, 1))]).shape
        TensorShape([2, 1])
    """

    def build(self, input_shape: Any) -> None:
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, parts: Sequence[Any]) -> Any:
        return sum(parts, self.bias.value)

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]
