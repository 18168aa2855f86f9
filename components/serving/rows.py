"""Rows of raw features, as the signatures `predict_columns` and `rank` take them.

What a request says is checked here, so that a mistake is told by the row and feature
that hold it, before anything is sent.
"""

import dataclasses
import numbers
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from tensorflow.core.framework import tensor_pb2, types_pb2

from schema.errors import ConfigError, did_you_mean

Value = str | float | Sequence[str] | None  # None: missing
Row = Mapping[str, Value]  # raw feature -> value; a feature left out is missing

_NUMBERS = frozenset({float, int, type(None)})
_SHOWN_CHARACTERS = 80  # of a value in a message


@dataclasses.dataclass(frozen=True)
class Column:
    """An input of a signature: a raw feature."""

    name: str
    text: bool  # else it is a number
    several: bool  # values a row
    shared: bool  # one row for all candidates: of the context

    def tensor(self, values: Sequence[Value], where: str) -> tensor_pb2.TensorProto:
        """Returns values as they are sent: B of them, or one for all B.

        Args:
            values: One a row.
            where: What a row is, for the error's text.

        Raises:
            ConfigError: A value is none of the column's; names row and value.
        """
        if self.several:
            return self._lists(values, where)
        if self.text:
            return _strings(self._encoded(values, where), (len(values),))
        if not _NUMBERS.issuperset(map(type, values)):
            for row, value in enumerate(values):
                if value is not None and not _is_number(value):
                    raise self._wrong("a number", value, where, row)
        return self._floats(np.array(values, np.float64), where)

    def missing(self, rows: int = 1) -> tensor_pb2.TensorProto:
        """Returns what says that no row has a value."""
        return self.tensor([None] * rows, "")

    def _encoded(self, values: Sequence[Any], where: str) -> list[bytes]:
        try:
            # Nearly always all are text, or missing.
            return [b"" if value is None else value.encode() for value in values]
        except (AttributeError, UnicodeEncodeError):
            return [
                b"" if value is None else self._text(value, "text", where, row)
                for row, value in enumerate(values)
            ]

    def _lists(self, values: Sequence[Any], where: str) -> tensor_pb2.TensorProto:
        what = "a list of texts"
        for row, value in enumerate(values):
            if value is not None and (
                isinstance(value, str | bytes) or not isinstance(value, Sequence)
            ):
                raise self._wrong(what, value, where, row)
        width = max([1, *(len(value) for value in values if value)])
        cells: list[bytes] = []
        for row, value in enumerate(values):
            found = [self._text(one, what, where, row) for one in value or ()]
            cells += found + [b""] * (width - len(found))
        return _strings(cells, (len(values), width))

    def _text(self, value: Any, what: str, where: str, row: int) -> bytes:
        if not isinstance(value, str):
            raise self._wrong(what, value, where, row)
        try:
            return value.encode()
        except UnicodeEncodeError as error:
            raise self._wrong("Unicode text", value, where, row) from error

    def _floats(self, values: np.ndarray, where: str) -> tensor_pb2.TensorProto:
        values[np.isinf(values)] = np.nan  # missing, as in a table that is trained on
        large = np.flatnonzero(np.abs(values) > np.finfo(np.float32).max)
        if large.size:
            row = int(large[0])
            raise self._wrong("a float32", float(values[row]), where, row)
        return tensor_pb2.TensorProto(
            dtype=types_pb2.DT_FLOAT,
            tensor_shape=_shape(values.shape),
            tensor_content=values.astype("<f4").tobytes(),
        )

    def _wrong(self, what: str, value: Any, where: str, row: int) -> ConfigError:
        shown = repr(value)[:_SHOWN_CHARACTERS]
        return ConfigError(
            f"{where.format(row)}, feature {self.name!r}: {what} is expected, received "
            f"{type(value).__name__} {shown}."
        )


@dataclasses.dataclass(frozen=True)
class Signature:
    """What a signature takes."""

    name: str
    columns: Mapping[str, Column]

    @classmethod
    def read(cls, name: str, definition: Any) -> "Signature":
        """Returns it as a SignatureDef describes it."""
        columns = {}
        for key, info in definition.inputs.items():
            sizes = [dim.size for dim in info.tensor_shape.dim]
            columns[key] = Column(
                name=key,
                text=info.dtype == types_pb2.DT_STRING,
                several=len(sizes) > 1,
                shared=sizes[:1] == [1],
            )
        return cls(name, columns)

    def rows(self, rows: Sequence[Row]) -> dict[str, tensor_pb2.TensorProto]:
        """Returns the inputs for rows, (B,) a column.

        Raises:
            ConfigError: A feature is not known, or a value is none of its column's.
        """
        given = self._known(rows, "row {}")
        return self._filled(list(self.columns), given, rows, "row {}")

    def candidates(
        self, context: Row, candidates: Sequence[Row]
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Returns the inputs for N candidates in one context: (1,) and (N,).

        Raises:
            ConfigError: As `rows`; or a candidate holds what belongs to the context.
        """
        shared = self._known([context], "the context")
        given = self._known(candidates, "candidate {}")
        for name in given:
            if name in shared or self.columns[name].shared:
                raise ConfigError(
                    f"candidate {_holder(candidates, name)} holds {name!r}, which "
                    "belongs to the context, once for all candidates (dataset.context)."
                )
        others = [name for name in self.columns if name not in shared]
        inputs = self._filled(others, given, candidates, "candidate {}")
        for name in shared:
            inputs[name] = self.columns[name].tensor([context[name]], "the context")
        return inputs

    def _known(self, rows: Sequence[Row], where: str) -> set[str]:
        given: set[str] = set().union(*rows)
        for name in sorted(given - self.columns.keys()):
            row = where.format(_holder(rows, name))
            raise ConfigError(
                f"{row}: {name!r} is no feature of the served model"
                f"{did_you_mean(name, self.columns)}"
            )
        return given

    def _filled(
        self, names: list[str], given: set[str], rows: Sequence[Row], where: str
    ) -> dict[str, tensor_pb2.TensorProto]:
        """Returns the inputs of some columns; one that no row holds is missing."""
        inputs = {}
        for name in names:
            column = self.columns[name]
            if name in given:
                inputs[name] = column.tensor([row.get(name) for row in rows], where)
            else:
                inputs[name] = column.missing()
        own = [name for name in names if not self.columns[name].shared]
        if own and not given:  # then nothing says yet how many rows there are
            inputs[own[0]] = self.columns[own[0]].missing(len(rows))
        return inputs


def floats(tensor: tensor_pb2.TensorProto) -> np.ndarray:
    """Returns the float32 values of a tensor in a response, flat."""
    if tensor.tensor_content:
        return np.frombuffer(tensor.tensor_content, "<f4").copy()
    values = np.array(tensor.float_val, np.float32)
    count = int(np.prod([dim.size for dim in tensor.tensor_shape.dim]))
    # A tensor whose last values are equal may spell them once.
    return np.pad(values, (0, count - len(values)), "edge") if count else values


def _strings(values: list[bytes], shape: Sequence[int]) -> tensor_pb2.TensorProto:
    return tensor_pb2.TensorProto(
        dtype=types_pb2.DT_STRING, tensor_shape=_shape(shape), string_val=values
    )


def _shape(sizes: Sequence[int]) -> Any:
    shape = tensor_pb2.TensorProto().tensor_shape
    for size in sizes:
        shape.dim.add(size=size)
    return shape


def _holder(rows: Sequence[Row], name: str) -> int:
    return next(number for number, row in enumerate(rows) if name in row)


def _is_number(value: Any) -> bool:
    return isinstance(value, numbers.Real) and not isinstance(value, bool)
