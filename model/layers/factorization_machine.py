"""The second-order term of a factorization machine."""

from typing import Any

import keras
from keras import ops

from model.serialization import register


@register()
class FactorizationMachine(keras.layers.Layer):
    """Sums the dot products of all pairs of embeddings, in O(F D).

    `sum_{i<j} <e_i, e_j> = 1/2 sum_d [(sum_i e_id)^2 - sum_i e_id^2]`

    Input shape:
        float32 (B, F, D).

    Output shape:
        float32 (B, 1).

    Example:
        >>> FactorizationMachine()(keras.ops.ones((2, 3, 4))).shape
        TensorShape([2, 1])

    Reference:
        Rendle, Factorization Machines, ICDM 2010, Lemma 3.1,
        https://doi.org/10.1109/ICDM.2010.127
    """

    def call(self, embeddings: Any) -> Any:
        square_of_sum = ops.square(ops.sum(embeddings, axis=1))  # (B, D)
        sum_of_squares = ops.sum(ops.square(embeddings), axis=1)  # (B, D)
        pairs = 0.5 * (square_of_sum - sum_of_squares)  # (B, D)
        return ops.sum(pairs, axis=-1, keepdims=True)  # (B, 1)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], 1)
