"""Reads delimited text into typed record batches, as a dataset's declaration says.

Types come from the declaration and are never guessed. Nothing here needs TensorFlow, so
that a command can look at the data before it starts anything slow.
"""

import csv
import difflib
import glob
import os
from collections.abc import Iterator

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv

from schema.errors import DataError
from schema.features import Dataset, Label, Numeric

_BLOCK_BYTES = 8 << 20  # of text at a time: bounds the memory, whatever the file's size
_MAGIC = {
    b"PAR1": "a Parquet file",
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"\x28\xb5\x2f\xfd": "a zstd file",
    b"SQLi": "an SQLite database",
    b"%PDF": "a PDF",
}


def find_files(dataset: Dataset) -> list[str]:
    """Returns the files of a dataset, sorted: its path, or what lies in that folder.

    Raises:
        DataError: Nothing is there, or a file cannot be read or is not text.
    """
    path = dataset.path
    if path is None:
        raise DataError(
            f"Where the data of {dataset.name!r} lies is not known. Give --data PATH, "
            "a file or a folder."
        )
    if os.path.isdir(path):
        files = sorted(glob.glob(os.path.join(glob.escape(path), dataset.file.pattern)))
        if not files:
            raise DataError(
                f"{path} holds no file that matches {dataset.file.pattern!r} "
                f"(dataset.file.pattern). Give --data a file, or mend the pattern."
            )
    elif os.path.isfile(path):
        files = [path]
    else:
        raise DataError(f"{path} does not exist. Give --data a file or a folder.")
    for file in files:
        _refuse_other_formats(file)
    return files


def read_batches(
    path: str, dataset: Dataset, labelled: bool = True
) -> Iterator[pa.RecordBatch]:
    """Reads one file, a block at a time.

    Args:
        path: The file.
        dataset: What its columns are.
        labelled: Whether the label is read; a table to be scored need not have it.

    Yields:
        Batches of the label (int64, 0 or 1) and the features in declared order:
        categorical as string, or list of strings where there is a separator, numeric
        as float32; null where missing, so that no list is empty.

    Raises:
        DataError: A column is missing, a row has another number of columns, a cell is
            no number, a label is neither 0 nor 1; names file, line and column.
    """
    names = _column_names(path, dataset, labelled)
    wanted = [*([dataset.label.column] if labelled else []), *dataset.features]
    first_line = 2 if dataset.file.header else 1  # of the batch; line 1 is the first
    try:
        reader = pyarrow.csv.open_csv(
            path,
            read_options=pyarrow.csv.ReadOptions(
                block_size=_BLOCK_BYTES,
                column_names=names,
                skip_rows=1 if dataset.file.header else 0,
            ),
            parse_options=pyarrow.csv.ParseOptions(delimiter=dataset.file.delimiter),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                include_columns=wanted,
                strings_can_be_null=False,
            ),
        )
        for batch in reader:
            if batch.num_rows:
                yield _typed(batch, dataset, labelled, f"{path}, line", first_line)
                first_line += batch.num_rows
    except pa.ArrowInvalid as error:
        if "Empty CSV" in str(error):
            return
        raise DataError(
            f"{path} cannot be read as delimited text: {error}. Mend the row, or "
            f"dataset.file (delimiter {dataset.file.delimiter!r}, header "
            f"{dataset.file.header})."
        ) from error


def check_first_rows(dataset: Dataset) -> None:
    """Looks at the start of every file, so that plain mistakes end before long work.

    Raises:
        DataError: As `find_files` and `read_batches`; or there is no row at all.
    """
    files = find_files(dataset)
    if not any(next(read_batches(file, dataset), None) for file in files):
        raise DataError(f"{', '.join(files)}: no row of data, only a header.")


def _refuse_other_formats(path: str) -> None:
    try:
        with open(path, "rb") as file:
            start = file.read(4096)
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}.") from error
    if not start:
        raise DataError(f"{path} is empty.")
    found = _MAGIC.get(start[:4])
    if start[:2] == b"\x1f\x8b" and not path.endswith(".gz"):
        found = "a gzip file without the ending .gz"
    elif found is None and b"\0" in start and not path.endswith(".gz"):
        found = "a binary file"
    if found:
        raise DataError(f"{path} is {found}, delimited text (CSV, TSV) is expected.")


def _column_names(path: str, dataset: Dataset, labelled: bool) -> list[str]:
    """Returns the names of the file's columns, in file order, all wanted ones there."""
    label = dataset.label.column
    with pa.input_stream(path) as stream:
        first_block = stream.read(1 << 16).decode("utf-8-sig", errors="replace")
    rows = csv.reader(first_block.splitlines(), delimiter=dataset.file.delimiter)
    first_row = next(rows, [])
    if dataset.file.columns:
        names = list(dataset.file.columns)
        if not labelled and len(first_row) == len(names) - 1:
            names.remove(label)
        if len(first_row) != len(names):
            raise DataError(
                f"{path}, line 1: {len(first_row)} columns, expected {len(names)} "
                f"(dataset.file.columns). Is the delimiter "
                f"{dataset.file.delimiter!r} right?"
            )
        return names
    names = [name.strip() for name in first_row]
    if len(set(names)) < len(names):
        twice = sorted({name for name in names if names.count(name) > 1})
        raise DataError(f"{path}: the header names {', '.join(twice)} twice.")
    for name in [*([label] if labelled else []), *dataset.features]:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise DataError(
                f"{path} has no column {name!r}"
                + (f"; did you mean {near[0]!r}? " if near else ". ")
                + f"Its columns, split at {dataset.file.delimiter!r}: "
                + f"{', '.join(names[:50])}."
            )
    return names


def _typed(
    batch: pa.RecordBatch, dataset: Dataset, labelled: bool, where: str, line: int
) -> pa.RecordBatch:
    null_tokens = pa.array(dataset.file.null_tokens, pa.string())
    columns: dict[str, pa.Array] = {}
    for name in batch.schema.names:
        text = pc.utf8_trim_whitespace(batch.column(name))
        if labelled and name == dataset.label.column:
            columns[name] = _label(text, dataset.label, where, line)
            continue
        text = pc.if_else(pc.is_in(text, null_tokens), None, text)
        feature = dataset.features[name]
        if isinstance(feature, Numeric):
            columns[name] = _numbers(text, name, where, line)
        elif feature.separator:
            columns[name] = _values(text, feature.separator, null_tokens)
        else:
            columns[name] = text
    return pa.RecordBatch.from_pydict(columns)


def _values(text: pa.Array, separator: str, null_tokens: pa.Array) -> pa.Array:
    """Returns the values of each cell as a list, null where it has none."""
    cells = pc.split_pattern(text, separator)
    values = pc.utf8_trim_whitespace(cells.flatten())
    absent = pc.or_(pc.equal(values, ""), pc.is_in(values, null_tokens))
    kept = pc.invert(absent)
    rows = pc.list_parent_indices(cells).filter(kept)
    counts = np.bincount(rows, minlength=len(text))
    offsets = pa.array(np.append(0, np.cumsum(counts)), pa.int32())
    return pa.ListArray.from_arrays(
        offsets, values.filter(kept), mask=pa.array(counts == 0)
    )


def _numbers(text: pa.Array, name: str, where: str, line: int) -> pa.Array:
    try:
        return pc.cast(text, pa.float64()).cast(pa.float32(), safe=False)
    except pa.ArrowInvalid as error:
        for row, cell in enumerate(text.to_pylist()):
            try:
                float(cell or 0)
            except ValueError:
                raise DataError(
                    f"{where} {line + row}, column {name!r}: {cell!r} is not a number. "
                    "Mend the cell, add it to dataset.file.null_tokens, or declare the "
                    "column categorical."
                ) from error
        raise


def _label(text: pa.Array, label: Label, where: str, line: int) -> pa.Array:
    if label.positive:
        known = pc.not_equal(text, "")
        values = pc.is_in(text, pa.array(label.positive, pa.string()))
    else:
        ones = pc.is_in(text, pa.array(["1", "1.0"]))
        known = pc.or_(ones, pc.is_in(text, pa.array(["0", "0.0"])))
        values = ones
    if not pc.all(known).as_py():
        row = int(np.argmin(known.to_numpy(zero_copy_only=False)))
        raise DataError(
            f"{where} {line + row}, label {label.column!r}: {text[row].as_py()!r} is "
            "neither 0 nor 1. Say which values mean 1 in dataset.label.positive."
        )
    return values.cast(pa.int64())
