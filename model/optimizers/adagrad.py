"""Adagrad by row."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from model.optimizers.row_sparse import RowSparseOptimizer
from model.serialization import register


@register()
class RowSparseAdagrad(RowSparseOptimizer):
    """Adagrad on the rows that a batch touches.

    `n += g^2`, `w -= rate g / sqrt(n + epsilon)`. A gradient of 0 moves nothing, so
    this is Keras's Adagrad whatever rows a batch touches.

    Args:
        learning_rate: A number or a Keras schedule. Defaults to 0.001.
        initial_accumulator_value: Of n. Defaults to 0.1.
        epsilon: Keeps the division finite. Defaults to 1e-7.

    Reference:
        Duchi et al., Adaptive Subgradient Methods for Online Learning and Stochastic
        Optimization, JMLR 2011, Eq. 1, https://jmlr.org/papers/v12/duchi11a.html
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        initial_accumulator_value: float = 0.1,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.initial_accumulator_value = initial_accumulator_value
        self.epsilon = epsilon

    @property
    def slots(self) -> dict[str, float]:
        return {"accumulator": self.initial_accumulator_value}

    def updated(
        self, value: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        [accumulator] = slots
        accumulator = accumulator + ops.square(gradient)
        change = gradient / ops.sqrt(accumulator + self.epsilon)
        return value - learning_rate * change, (accumulator,)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "initial_accumulator_value": self.initial_accumulator_value,
            "epsilon": self.epsilon,
        }
