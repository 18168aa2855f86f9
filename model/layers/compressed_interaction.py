"""The compressed interaction network of xDeepFM."""

from collections.abc import Sequence
from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class CompressedInteraction(keras.layers.Layer):
    """Crosses fields with feature maps, coordinate by coordinate, and sums the maps.

    `X^k_h = sum_{i,j} W^{k,h}_{ij} (X^{k-1}_i * X^0_j)`, where X^0 are the fields'
    embeddings; the output is `p^k_h = sum_d X^k_{hd}` of every map of every layer.

    Args:
        units: Number of feature maps of each layer.

    Input shape:
        float32 (B, F, D).

    Output shape:
        float32 (B, sum of units).

    Example:
        >>> CompressedInteraction([8, 6])(keras.ops.ones((2, 3, 4))).shape
        TensorShape([2, 14])

    Reference:
        Lian et al., xDeepFM: Combining Explicit and Implicit Feature Interactions for
        Recommender Systems, KDD 2018, Eq. 6 to 8, https://arxiv.org/abs/1803.05170
    """

    def __init__(self, units: Sequence[int], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not units or min(units) < 1:
            raise ValueError(
                f"Expected a positive number of maps per layer, received {list(units)}."
            )
        self.units = list(units)

    def build(self, input_shape: Any) -> None:
        fields = input_shape[1]
        below = [fields, *self.units[:-1]]
        self.kernels = [
            self.add_weight(
                shape=(maps * fields, units),
                initializer="glorot_uniform",
                name=f"kernel_{i}",
            )
            for i, (maps, units) in enumerate(zip(below, self.units, strict=True))
        ]

    def call(self, embeddings: Any) -> Any:
        fields = ops.transpose(embeddings, (0, 2, 1))  # (B, D, F)
        dim, num_fields = fields.shape[1:]
        maps = fields
        pooled = []
        for kernel in self.kernels:
            products = maps[:, :, :, None] * fields[:, :, None, :]  # (B, D, H, F)
            width = maps.shape[2] * num_fields
            products = ops.reshape(products, (-1, dim, width))  # (B, D, H * F)
            maps = ops.matmul(products, kernel)  # (B, D, H)
            pooled.append(ops.sum(maps, axis=1))  # (B, H)
        return ops.concatenate(pooled, axis=1)  # (B, sum of units)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], sum(self.units))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}
