"""FTRL-Proximal by row, for first-order weights."""

from collections.abc import Sequence
from typing import Any

from keras import ops

from model.optimizers.row_sparse import RowSparseOptimizer
from model.serialization import register


@register()
class RowSparseFtrl(RowSparseOptimizer):
    """FTRL-Proximal on the rows that a batch touches: L1 keeps weights at exactly 0.

    `z += g - (sqrt(n + g^2) - sqrt(n)) / rate w`, `n += g^2`,
    `w = (sign(z) l1 - z) / ((beta + sqrt(n)) / rate + l2)` where `|z| > l1`, else 0.

    The weights have to begin at 0, as first-order weights do.

    Args:
        learning_rate: A number or a Keras schedule. Defaults to 0.05.
        l1: Strength of the L1 penalty. Defaults to 0.
        l2: Strength of the L2 penalty. Defaults to 0.
        beta: Smooths the first steps. Defaults to 1.

    Reference:
        McMahan et al., Ad Click Prediction: a View from the Trenches, KDD 2013,
        Algorithm 1, https://doi.org/10.1145/2487575.2488200
    """

    def __init__(
        self,
        learning_rate: Any = 0.05,
        l1: float = 0.0,
        l2: float = 0.0,
        beta: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate, **kwargs)
        self.l1 = l1
        self.l2 = l2
        self.beta = beta

    @property
    def slots(self) -> dict[str, float]:
        return {"sum": 0.0, "squares": 0.0}

    def updated(
        self, value: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        total, squares = slots
        more = squares + ops.square(gradient)
        growth = (ops.sqrt(more) - ops.sqrt(squares)) / learning_rate
        total = total + gradient - growth * value
        shrunk = ops.sign(total) * ops.maximum(ops.abs(total) - self.l1, 0.0)
        strength = (self.beta + ops.sqrt(more)) / learning_rate + self.l2
        return -shrunk / strength, (total, more)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "l1": self.l1,
            "l2": self.l2,
            "beta": self.beta,
        }
