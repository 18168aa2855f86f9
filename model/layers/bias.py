"""A single trained number, added to every logit."""

from typing import Any

import keras

from model.serialization import register


@register()
class Bias(keras.layers.Layer):
    """Adds one trained number.

    Input shape:
        float32 (B, 1).

    Output shape:
        float32 (B, 1).
    """

    def build(self, input_shape: Any) -> None:
        self.bias = self.add_weight(shape=(1,), initializer="zeros", name="bias")

    def call(self, logits: Any) -> Any:
        return logits + self.bias

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape
