"""FM: a factorization machine, which learns pairs from sparse data."""

from typing import Any

from keras import ops

from model.base import CTRModel, Fields
from model.layers.factorization_machine import FactorizationMachine
from model.serialization import register


@register()
class FM(CTRModel):
    """`logit = b + sum_i w_i + sum_{i<j} <e_i, e_j>`.

    Reference:
        Rendle, Factorization Machines, ICDM 2010, Eq. 1,
        https://doi.org/10.1109/ICDM.2010.127
    """

    def make_parts(self) -> None:
        self.pairs = FactorizationMachine(name="pairs", dtype="float32")

    def logit(self, fields: Fields, training: bool) -> Any:
        first_order = ops.sum(fields.weights, axis=1, keepdims=True)  # (B, 1)
        return self.total([first_order, self.pairs(fields.embeddings)])
