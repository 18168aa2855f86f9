"""Turns raw columns into typed ones, as declared, and finds the rows that cannot be.

The one place where cells get their meaning, whatever format they came in.
"""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from components.example_gen.quarantine import BadRow, as_text
from components.example_gen.shards import RawBatch
from schema.features import Categorical, Dataset, Label, Numeric

_FINE = ""
_REASONS = (
    _FINE,
    "not valid UTF-8",
    "more than one value",
    "not a number",
    "too large a number",
    "neither 0 nor 1",
)
_UTF8, _SEVERAL, _NUMBER, _LARGE, _LABEL = range(1, len(_REASONS))


def type_batch(
    raw: RawBatch, path: str, dataset: Dataset, labelled: bool
) -> tuple[pa.RecordBatch, list[BadRow]]:
    """Types a batch.

    Args:
        raw: The rows, as they were read.
        path: The file, for the bad rows.
        dataset: What the columns are.
        labelled: Whether the label is there.

    Returns:
        The good rows: the label (int64, 0 or 1) and the features in declared order,
        categorical as string, or list of strings where there is a separator, numeric
        as float32; null where missing, so that no list is empty. And the bad ones.
    """
    null_tokens = pa.array(dataset.file.null_tokens, pa.string())
    typed: dict[str, pa.Array] = {}
    wrong = np.zeros(raw.columns.num_rows, np.int8)  # the first reason of each row
    column_of = np.zeros(raw.columns.num_rows, np.int32)
    for index, name in enumerate(raw.columns.schema.names):
        column = _plain(raw.columns.column(name))
        feature = None if name == dataset.label.column else dataset.features[name]
        cells = _Cells(column, null_tokens)
        if feature is None:
            typed[name] = cells.label(dataset.label)
        elif isinstance(feature, Numeric):
            typed[name] = cells.numbers()
        else:
            typed[name] = cells.categories(feature)
        column_of[(wrong == 0) & (cells.wrong > 0)] = index
        wrong = np.where(wrong == 0, cells.wrong, wrong)
    batch = pa.RecordBatch.from_pydict(typed)
    if not wrong.any():
        return batch, raw.unreadable
    bad = []
    for row in np.flatnonzero(wrong).tolist():
        position, text = raw.place(row)
        column = raw.columns.column(int(column_of[row]))
        name = raw.columns.schema.names[column_of[row]]
        value = as_text(_plain(column.slice(row, 1))[0].as_py())
        reason = _REASONS[wrong[row]]
        bad.append(BadRow(path, position, name, reason, value, text))
    both = sorted([*raw.unreadable, *bad], key=lambda r: tuple(r.position.values()))
    return batch.filter(pa.array(wrong == 0)), both


class _Cells:
    """A column on its way, and what is wrong with which of its rows."""

    def __init__(self, column: pa.Array, null_tokens: pa.Array) -> None:
        self.wrong = np.zeros(len(column), np.int8)
        self._column = column
        self._null_tokens = null_tokens

    def label(self, label: Label) -> pa.Array:
        """Returns 0 and 1."""
        self._unwrap()
        text = pc.fill_null(self._text(), "")
        if label.positive:
            known = pc.invert(self._is_null_token(text))
            ones = pc.is_in(text, pa.array(label.positive, pa.string()))
        else:
            ones = pc.is_in(text, pa.array(["1", "1.0", "true"]))
            known = pc.or_(ones, pc.is_in(text, pa.array(["0", "0.0", "false"])))
        self._note(~_mask(known), _LABEL)
        return ones.cast(pa.int64())

    def numbers(self) -> pa.Array:
        """Returns finite float32s; NaN and infinities are missing values."""
        self._unwrap()
        if _is_number(self._column.type):
            numbers = self._column.cast(pa.float64(), safe=False)
            numbers = self._without_null_numbers(numbers)
        else:
            text = self._text()
            text = pc.if_else(self._is_null_token(text), None, text)
            try:
                numbers = text.cast(pa.float64())
            except pa.ArrowInvalid:
                good = _castable(text, pa.float64())
                self._note(~good, _NUMBER)
                numbers = pc.if_else(pa.array(good), text, None).cast(pa.float64())
        numbers = pc.if_else(pc.is_finite(numbers), numbers, None)
        floats = numbers.cast(pa.float32(), safe=False)
        self._note(_mask(pc.is_inf(floats)), _LARGE)
        return floats

    def categories(self, feature: Categorical) -> pa.Array:
        """Returns text, or lists of it; whatever stands there is a name."""
        if feature.separator:
            self._join(feature.separator)
        else:
            self._unwrap()
        text = self._text()
        text = pc.if_else(self._is_null_token(text), None, text)
        if feature.separator:
            return self._values(text, feature.separator)
        return text

    def _note(self, rows: np.ndarray, reason: int) -> None:
        self.wrong = np.where((self.wrong == 0) & rows, reason, self.wrong)

    def _is_null_token(self, text: pa.Array) -> pa.Array:
        return pc.or_(pc.equal(text, ""), pc.is_in(text, self._null_tokens))

    def _text(self) -> pa.Array:
        """Returns the column as text without padding, null where it is not UTF-8."""
        text, good = _text(self._column)
        self._note(~good, _UTF8)
        return text

    def _without_null_numbers(self, numbers: pa.Array) -> pa.Array:
        tokens = self._null_tokens.filter(
            pa.array(_castable(self._null_tokens, pa.float64()))
        )
        if not len(tokens):
            return numbers
        null = pc.is_in(numbers, tokens.cast(pa.float64()))
        return pc.if_else(null, None, numbers)

    def _unwrap(self) -> None:
        """Takes each list of one value for that value."""
        if not pa.types.is_list(self._column.type):
            return
        lengths = pc.fill_null(pc.list_value_length(self._column), 0).to_numpy()
        self._note(lengths > 1, _SEVERAL)
        first = np.append(0, np.cumsum(lengths)[:-1])
        self._column = self._column.flatten().take(
            pa.array(first, mask=lengths == 0, type=pa.int64())
        )

    def _join(self, separator: str) -> None:
        """Makes text with a separator of lists."""
        lists = self._column
        if not pa.types.is_list(lists.type):
            return
        rows = pc.list_parent_indices(lists).to_numpy()
        text, good = _text(lists.flatten())
        self._note(np.isin(np.arange(len(lists)), rows[~good]), _UTF8)
        counts = np.bincount(rows, minlength=len(lists))
        offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
        cells = pa.ListArray.from_arrays(offsets, pc.fill_null(text, ""))
        self._column = pc.binary_join(cells, separator)

    def _values(self, text: pa.Array, separator: str) -> pa.Array:
        """Returns the values of each cell as a list, null where it has none."""
        cells = pc.split_pattern(text, separator)
        values = pc.utf8_trim_whitespace(cells.flatten())
        kept = pc.invert(self._is_null_token(values))
        rows = pc.list_parent_indices(cells).filter(kept)
        counts = np.bincount(rows, minlength=len(text))
        offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
        return pa.ListArray.from_arrays(
            offsets, values.filter(kept), mask=pa.array(counts == 0)
        )


def _plain(column: pa.Array) -> pa.Array:
    """Returns a column without what only its storage asks for."""
    kind = column.type
    if pa.types.is_dictionary(kind):
        return _plain(column.dictionary_decode())
    if pa.types.is_null(kind):
        return column.cast(pa.binary())
    if pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        return _plain(column.cast(pa.list_(kind.value_type)))
    if pa.types.is_string(kind) or pa.types.is_large_string(kind):
        # Arrow does not check that a file's strings are UTF-8.
        return column.cast(pa.large_binary()).cast(pa.binary())
    if pa.types.is_large_binary(kind):
        return column.cast(pa.binary())
    return column


def _text(column: pa.Array) -> tuple[pa.Array, np.ndarray]:
    """Returns values as text without padding, and which of them could be decoded."""
    column = _plain(column)
    good = np.ones(len(column), bool)
    try:
        text = column.cast(pa.string())
    except pa.ArrowInvalid:
        good = _castable(column, pa.string())
        text = pc.if_else(pa.array(good), column, None).cast(pa.string())
    return pc.utf8_trim_whitespace(text), good


def _castable(column: pa.Array, kind: pa.DataType) -> np.ndarray:
    """Returns which values can be cast: halves the column until all or one cannot."""
    good = np.ones(len(column), bool)
    spans = [(0, len(column))]
    while spans:
        start, stop = spans.pop()
        try:
            column.slice(start, stop - start).cast(kind)
        except pa.ArrowInvalid:
            if stop - start == 1:
                good[start] = False
                continue
            middle = (start + stop) // 2
            spans += [(start, middle), (middle, stop)]
    return good


def _is_number(kind: pa.DataType) -> bool:
    return (
        pa.types.is_integer(kind)
        or pa.types.is_floating(kind)
        or pa.types.is_decimal(kind)
    )


def _mask(array: pa.Array) -> np.ndarray:
    return pc.fill_null(array, False).to_numpy(zero_copy_only=False)
