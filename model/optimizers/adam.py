"""Adam by row."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from model.optimizers.row_sparse import RowSparseOptimizer
from model.serialization import register


@register()
class RowSparseAdam(RowSparseOptimizer):
    """Adam on the rows that a batch touches.

    `m += (1 - b1) (g - m)`, `v += (1 - b2) (g^2 - v)`,
    `w -= rate sqrt(1 - b2^t) / (1 - b1^t) m / (sqrt(v) + epsilon)`, t the step.

    Where a batch touches all rows, it is Keras's Adam.

    Args:
        learning_rate: A number or a Keras schedule. Defaults to 0.001.
        beta_1: Decay of the first moment. Defaults to 0.9.
        beta_2: Decay of the second moment. Defaults to 0.999.
        epsilon: Keeps the division finite. Defaults to 1e-7.

    Reference:
        Kingma and Ba, Adam, ICLR 2015, Algorithm 1 in the form that ends Section 2,
        https://arxiv.org/abs/1412.6980
    """

    def __init__(
        self,
        learning_rate: Any = 0.001,
        beta_1: float = 0.9,
        beta_2: float = 0.999,
        epsilon: float = 1e-7,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.beta_1 = beta_1
        self.beta_2 = beta_2
        self.epsilon = epsilon

    @property
    def slots(self) -> dict[str, float]:
        return {"momentum": 0.0, "velocity": 0.0}

    def updated(
        self, value: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        momentum, velocity = slots
        step = ops.cast(self.iterations + 1, value.dtype)
        momentum = momentum + (1.0 - self.beta_1) * (gradient - momentum)
        velocity = velocity + (1.0 - self.beta_2) * (ops.square(gradient) - velocity)
        correction = ops.sqrt(1.0 - self.beta_2**step) / (1.0 - self.beta_1**step)
        change = momentum / (ops.sqrt(velocity) + self.epsilon)
        return value - learning_rate * correction * change, (momentum, velocity)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "beta_1": self.beta_1,
            "beta_2": self.beta_2,
            "epsilon": self.epsilon,
        }
