"""The deep part: a feed-forward network over all embeddings of an example."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class DeepTower(keras.layers.Layer):
    """Runs the concatenated embeddings through hidden layers to one logit.

    `a_0 = [e_1, ..., e_F]`, `a_{l+1} = activation(W_l a_l + b_l)`, `y = w a_L`. The
    last layer has no bias: the model's logit has one already.

    Args:
        units: Width of each hidden layer; empty for a linear map.
        activation: Of the hidden layers.
        dropout: Share of each hidden layer's units that is dropped in training.

    Input shape:
        float32 (B, F, D).

    Output shape:
        float32 (B, 1).

    Example:
        >>> DeepTower([8])(keras.ops.ones((2, 3, 4))).shape
        TensorShape([2, 1])

    Reference:
        Guo et al., DeepFM, IJCAI 2017, Eq. 3 and 4, https://arxiv.org/abs/1703.04247
    """

    def __init__(
        self,
        units: Sequence[int],
        activation: Any = "relu",
        dropout: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = list(units)
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.hidden = [
            keras.layers.Dense(width, self.activation, name=f"hidden_{i}")
            for i, width in enumerate(self.units)
        ]
        self.drops = [keras.layers.Dropout(dropout) for _ in self.units]
        self.output_layer = keras.layers.Dense(1, use_bias=False, name="output")

    def build(self, input_shape: Any) -> None:
        shape = (input_shape[0], input_shape[1] * input_shape[2])
        for layer in [*self.hidden, self.output_layer]:
            layer.build(shape)
            shape = layer.compute_output_shape(shape)

    def call(self, embeddings: Any, training: bool = False) -> Any:
        _, num_fields, dim = embeddings.shape
        x = ops.reshape(embeddings, (-1, num_fields * dim))  # (B, F D)
        for layer, drop in zip(self.hidden, self.drops, strict=True):
            x = drop(layer(x), training=training)  # (B, U)
        return self.output_layer(x)  # (B, 1)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], 1)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
        }
