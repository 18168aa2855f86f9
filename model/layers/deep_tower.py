"""The deep part: a feed-forward network over all embeddings of an example."""

from collections.abc import Sequence
from typing import Any

import keras

from model.serialization import register


@register()
class DeepTower(keras.layers.Layer):
    """Runs a vector through hidden layers to one logit, or to a vector.

    `a_{l+1} = dropout(activation(norm(W_l a_l + b_l)))`, `y = W a_L`. The last layer
    has no bias: the model's logit has one already.

    Args:
        units: Width of each hidden layer; empty for a linear map.
        activation: Of the hidden layers. Defaults to `"relu"`.
        dropout: Share of each hidden layer's units that is dropped in training.
            Defaults to 0.
        batch_norm: Whether a hidden layer is normalised over the batch. Defaults to
            False.
        output_dim: Width of the output. Defaults to 1.

    Input shape:
        float32 (B, W).

    Output shape:
        float32 (B, output_dim).

    Example:
        >>> DeepTower([8])(keras.ops.ones((2, 12))).shape
        TensorShape([2, 1])

    Reference:
        Guo et al., DeepFM, IJCAI 2017, Eq. 3 and 4, https://arxiv.org/abs/1703.04247
    """

    def __init__(
        self,
        units: Sequence[int],
        activation: Any = "relu",
        dropout: float = 0.0,
        batch_norm: bool = False,
        output_dim: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.units = list(units)
        self.activation = keras.activations.get(activation)
        self.dropout = dropout
        self.batch_norm = batch_norm
        self.output_dim = output_dim
        self.hidden = [
            keras.layers.Dense(width, name=f"hidden_{i}")
            for i, width in enumerate(self.units)
        ]
        self.norms = [
            keras.layers.BatchNormalization(name=f"norm_{i}")
            for i in range(len(self.units) if batch_norm else 0)
        ]
        self.drop = keras.layers.Dropout(dropout)
        self.output_layer = keras.layers.Dense(
            output_dim, use_bias=False, name="output"
        )

    def build(self, input_shape: Any) -> None:
        shape = input_shape
        for i, layer in enumerate(self.hidden):
            layer.build(shape)
            shape = layer.compute_output_shape(shape)
            if self.batch_norm:
                self.norms[i].build(shape)
        self.output_layer.build(shape)

    def call(self, inputs: Any, training: bool = False) -> Any:
        x = inputs  # (B, W)
        for i, layer in enumerate(self.hidden):
            x = layer(x)  # (B, U)
            if self.batch_norm:
                x = self.norms[i](x, training=training)
            x = self.drop(self.activation(x), training=training)
        return self.output_layer(x)  # (B, output_dim)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], self.output_dim)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "units": self.units,
            "activation": keras.activations.serialize(self.activation),
            "dropout": self.dropout,
            "batch_norm": self.batch_norm,
            "output_dim": self.output_dim,
        }
