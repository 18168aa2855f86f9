"""Takes a sample of a table that nobody has declared yet: the start of a few files."""

import glob
import os
import re
from dataclasses import dataclass, replace

import pyarrow as pa

from pipeline.inference.parquet import read_parquet
from pipeline.inference.start import Hints, Start, is_parquet
from pipeline.inference.text import read_text
from schema.errors import ConfigError, DataError

SAMPLE_FILES = 4  # evenly spread over the folder's files
_ENDINGS = re.compile(r"(\.(csv|tsv|txt|data|psv|tab))?(\.(gz|zst))?$|\.(parquet|pq)$")


@dataclass(frozen=True)
class Sample(Start):
    """The starts of some of a table's files, one after the other."""

    path: str = ""
    pattern: str = ""  # which files of the folder are the data
    num_files: int = 1
    num_sampled: int = 1  # files

    @property
    def num_rows(self) -> int:
        """How many rows were read."""
        return len(next(iter(self.columns.values())))


def take(path: str, hints: Hints) -> Sample:
    """Reads the start of up to `SAMPLE_FILES` files.

    Args:
        path: A file or a folder: delimited text, gzipped or not, or Parquet.
        hints: What the user knows better.

    Raises:
        ConfigError: A hint does not fit the files.
        DataError: There is no table, or no one table; names the file.
    """
    files, pattern = _find_files(path, hints.pattern)
    last, most = len(files) - 1, min(SAMPLE_FILES, len(files))
    chosen = [files[i * last // max(most - 1, 1)] for i in range(most)]
    kinds = {is_parquet(file) for file in chosen}
    if len(kinds) > 1:
        raise DataError(f"{path} holds both text and Parquet. Choose with --pattern.")
    read_start = read_parquet if kinds.pop() else read_text
    first = read_start(chosen[0], hints)
    if first.delimiter:  # what the first file is split at holds for all
        hints = replace(hints, delimiter=first.delimiter)
    starts = [first, *(read_start(file, hints) for file in chosen[1:])]
    for file, start in zip(chosen, starts, strict=True):
        if list(start.columns) != list(first.columns):
            raise DataError(
                f"{file} has other columns than {chosen[0]}: "
                f"{_difference(first, start)}. Choose files with --pattern."
            )
    columns = {
        name: pa.concat_arrays([start.columns[name] for start in starts])
        for name in first.columns
    }
    if not any(map(len, columns.values())):
        raise DataError(f"{path}: no row of data.")
    whole = len(chosen) == len(files) and all(start.whole for start in starts)
    notes = tuple(note for start in starts for note in start.notes)
    merged = {**vars(first), "columns": columns, "whole": whole, "notes": notes}
    return Sample(
        **merged,
        path=path,
        pattern=pattern,
        num_files=len(files),
        num_sampled=len(chosen),
    )


def _find_files(path: str, pattern: str | None) -> tuple[list[str], str]:
    """Returns the files of a table, sorted, and the pattern that finds them."""
    if os.path.isfile(path):
        ending = _ending(path)
        return [path], f"*{ending}" if ending else glob.escape(os.path.basename(path))
    if not os.path.isdir(path):
        files = [file for file in sorted(glob.glob(path)) if os.path.isfile(file)]
        if files:
            return files, os.path.basename(path)
        raise DataError(f"{path} does not exist. Give a file, a folder or a glob.")
    if pattern is not None:
        found = sorted(glob.glob(os.path.join(glob.escape(path), pattern)))
        files = [file for file in found if os.path.isfile(file)]
        if not files:
            raise ConfigError(f"--pattern: no file in {path} matches {pattern!r}.")
        return files, pattern
    kinds: dict[str, list[str]] = {}
    for name in sorted(os.listdir(path)):
        file, ending = os.path.join(path, name), _ending(name)
        if ending is not None and name[0] not in "._" and os.path.isfile(file):
            kinds.setdefault(ending, []).append(file)
    if not kinds:
        raise DataError(
            f"{path} holds no file that ends in .csv, .tsv, .txt or .parquet, gzipped "
            "or not. Give a file, or --pattern."
        )
    if len(kinds) > 1:
        found = [
            f"{len(f)} of {'*' + e if e else 'no ending'}" for e, f in kinds.items()
        ]
        raise DataError(
            f"{path} holds several kinds of files ({', '.join(found)}). Choose with "
            "--pattern, such as --pattern '*.csv'."
        )
    [(ending, files)] = kinds.items()
    names = [os.path.basename(file) for file in files]
    start = os.path.commonprefix(names)  # noqa: RUF071, by characters
    return files, f"*{ending}" if ending else f"{glob.escape(start)}*"


def _ending(path: str) -> str | None:
    """Returns `.csv`, `.csv.gz`, ..., "" for none, and None for that of no table."""
    name = os.path.basename(path)
    match = _ENDINGS.search(name)
    ending = match.group() if match else ""
    return None if not ending and "." in name else ending


def _difference(one: Start, other: Start) -> str:
    if len(one.columns) != len(other.columns):
        return f"{len(other.columns)} in place of {len(one.columns)}"
    pairs = zip(one.columns, other.columns, strict=True)
    expected, found = next(pair for pair in pairs if pair[0] != pair[1])
    return f"{found!r} in place of {expected!r}"
