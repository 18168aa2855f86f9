"""One id for a combination of several fields' ids."""

import math
from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from model.serialization import register
from schema.features import EmbeddingField

# Of the hash: states stay below this prime, so products fit in 63 bits.
_PRIME = np.int64(2**31 - 1)
_FACTOR = np.int64(1_540_483_477)
_SHIFT = np.int64(15)


@register()
class CrossedIds(keras.layers.Layer):
    """Numbers the combinations of ids that crosses of fields name.

    Of fields a and b, with n ids each: `id = id_a * n_b + id_b`, and so on for more.
    Where that gives more than `buckets` ids, the combination is hashed to one of so
    many: `h <- ((h ^ h >> 15) * c + id_i) mod (2^31 - 1)` over its ids in order, then
    `id = h mod buckets`.

    Args:
        fields: The fields of the input, in order.
        crosses: Per cross, the names of its fields.
        buckets: Most ids of a cross.

    Input shape:
        int64 (B, T).

    Output shape:
        int64 (B, C), a column per cross.

    Example:
        >>> fields = [{"name": "user", "num_ids": 9}, {"name": "day", "num_ids": 8}]
        >>> CrossedIds(fields, [("user", "day")], 100)(np.array([[2, 7]]))
        [[23]]

    Reference:
        Cheng et al., Wide & Deep Learning for Recommender Systems, DLRS 2016, Eq. 1,
        https://arxiv.org/abs/1606.07792
    """

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        crosses: Sequence[Sequence[str]],
        buckets: int,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.crosses = [list(names) for names in crosses]
        self.buckets = buckets
        ends = np.cumsum([field.num_values for field in self.fields])
        position = {
            field.name: (int(end) - field.num_values, field)
            for end, field in zip(ends, self.fields, strict=True)
        }
        for name in dict.fromkeys(name for names in self.crosses for name in names):
            _check(name, position)
        # Per cross, the columns of the input and their numbers of ids.
        self._columns = [tuple(position[n][0] for n in names) for names in self.crosses]
        self._num_ids = [
            tuple(position[n][1].num_ids for n in names) for names in self.crosses
        ]

    @property
    def crossed_fields(self) -> list[EmbeddingField]:
        """What the output is: a field per cross."""
        return [
            EmbeddingField(
                name="_x_".join(names), num_ids=min(math.prod(num_ids), self.buckets)
            )
            for names, num_ids in zip(self.crosses, self._num_ids, strict=True)
        ]

    def call(self, ids: Any) -> Any:
        ids = ops.cast(ids, "int64")  # (B, T)
        crossed = []
        for columns, num_ids in zip(self._columns, self._num_ids, strict=True):
            members = [ids[:, column] for column in columns]  # (B,) each
            fits = math.prod(num_ids) <= self.buckets
            crossed.append(
                _number(members, num_ids) if fits else _hash(members) % self.buckets
            )
        return ops.stack(crossed, axis=1)  # (B, C)

    def compute_output_shape(self, input_shape: Any) -> tuple[Any, ...]:
        return (input_shape[0], len(self.crosses))

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "crosses": self.crosses,
            "buckets": self.buckets,
        }


def _check(name: str, position: dict[str, tuple[int, EmbeddingField]]) -> None:
    if name not in position:
        raise ValueError(
            f"Expected crosses of fields, received {name!r}, which is none of "
            f"{', '.join(position)}. Declare it as a feature, or correct the cross."
        )
    if position[name][1].pooling:
        raise ValueError(
            f"Expected crosses of fields with one value, received {name!r}, which has "
            f"several. Remove it from the cross."
        )


def _number(members: list[Any], num_ids: Sequence[int]) -> Any:
    """Returns the position of a combination in the list of all, (B,)."""
    number = members[0]
    for ids, count in zip(members[1:], num_ids[1:], strict=True):
        number = number * count + ids
    return number


def _hash(members: list[Any]) -> Any:
    """Returns a number from 0 to 2^31 - 2 that looks drawn by lot, (B,)."""
    state = members[0] % _PRIME
    for ids in members[1:]:
        mixed = ops.bitwise_xor(state, ops.right_shift(state, _SHIFT))
        state = (mixed * _FACTOR + ids) % _PRIME
    return state
