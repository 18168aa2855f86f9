"""Rows that cannot be used: what is kept of them, and how many are too many."""

import dataclasses
import json
from collections import Counter
from collections.abc import Iterable, Mapping

from schema.errors import DataError

NUM_EXAMPLES = 5  # bad rows that a message shows
_SHOWN_CHARACTERS = 80  # of a value in a message


@dataclasses.dataclass(frozen=True)
class BadRow:
    """A row that cannot be used, and the first thing that is wrong with it."""

    file: str
    position: Mapping[str, int]  # {"line": 7}, {"row_group": 0, "row": 7} ...
    column: str | None  # None where the row as a whole is wrong
    reason: str
    value: str
    row: str  # its text, whole

    def to_json(self) -> str:
        """Returns the line of the quarantine file."""
        record = {
            "file": self.file,
            **self.position,
            "column": self.column,
            "reason": self.reason,
            "value": self.value,
            "row": self.row,
        }
        return json.dumps(record, ensure_ascii=False)

    def __str__(self) -> str:
        position = [f"{k.replace('_', ' ')} {v}" for k, v in self.position.items()]
        column = [f"column {self.column!r}"] if self.column else []
        value = self.value[:_SHOWN_CHARACTERS]
        where = ", ".join([self.file, *position, *column])
        return f"{where}: {self.reason}: {value!r}"


def as_text(value: object) -> str:
    """Returns any cell or row as text that can be written down."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "backslashreplace")
    return "" if value is None else str(value)


def check_fraction(
    where: str, rows: int, reasons: Counter[str], first: Iterable[str], limit: float
) -> None:
    """Stops at too many bad rows.

    Args:
        where: What was read.
        rows: How many rows were there, bad ones included.
        reasons: How many rows were bad for which reason.
        first: The first of them, in words.
        limit: The share of bad rows that is borne.

    Raises:
        DataError: The share is larger.
    """
    bad = reasons.total()
    if bad <= limit * rows:
        return
    counts = ", ".join(f"{n:,} {reason}" for reason, n in reasons.most_common())
    raise DataError(
        f"{where}: {bad:,} of {rows:,} rows cannot be used, and "
        f"dataset.max_bad_fraction bears {limit:g} of them ({counts}).\n  "
        + "\n  ".join(first)
        + "\nMend the rows, or what dataset declares (file, label, the column's type), "
        "or raise dataset.max_bad_fraction to have such rows set aside."
    )
