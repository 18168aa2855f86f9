"""What the formats have in common: a part of a file, and the rows that were in it."""

import dataclasses
from collections.abc import Callable

import pyarrow as pa

from components.example_gen.quarantine import BadRow


@dataclasses.dataclass(frozen=True)
class Shard:
    """A part of a file that can be read by itself."""

    path: str
    format: str  # csv, parquet or tfrecord
    # Bytes of text as it is when decompressed, or row groups; None: to the end.
    start: int = 0
    stop: int | None = None
    first_line: int = 1  # of the file, where text starts
    columns: tuple[str, ...] = ()  # of text, in file order


@dataclasses.dataclass(frozen=True)
class RawBatch:
    """Rows as they stand in a file: no cell has been looked at yet."""

    columns: pa.RecordBatch  # the wanted columns, of whatever type the file gives
    rows: int  # in the file, counted without the parser that made `columns`
    unreadable: list[BadRow]  # those of the rows that `columns` does not hold
    # Returns where a row of `columns` stands, and its text.
    place: Callable[[int], tuple[dict[str, int], str]]
