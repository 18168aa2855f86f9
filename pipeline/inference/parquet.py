"""Reads the first rows of a Parquet file."""

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet

from pipeline.inference.start import SAMPLE_BYTES, Hints, Start, refuse_twins
from schema.errors import ConfigError, DataError

LIST_SEPARATOR = "|"  # joins the values of a list


def read_parquet(path: str, hints: Hints) -> Start:
    """Reads the first `SAMPLE_BYTES` of a Parquet file, every cell as text.

    Raises:
        ConfigError: A hint is for text only.
        DataError: The file cannot be read.
    """
    if hints.columns or hints.delimiter or hints.header is not None:
        raise ConfigError(
            f"{path} is a Parquet file: it has names and no delimiter. Leave out "
            "--columns, --delimiter and --header."
        )
    batches, size = [], 0
    try:
        with pyarrow.parquet.ParquetFile(path) as file:
            schema, num_rows = file.schema_arrow, file.metadata.num_rows
            refuse_twins(path, schema.names)
            for batch in file.iter_batches(batch_size=4096):
                batches.append(batch)
                size += batch.nbytes
                if size >= SAMPLE_BYTES:
                    break
    except (pa.ArrowException, OSError) as error:
        raise DataError(f"{path} cannot be read as Parquet: {error}.") from error
    table = pa.Table.from_batches(batches, schema)
    columns: dict[str, pa.Array] = {}
    unreadable = {}
    lists = set()
    for name, column in zip(table.column_names, table.columns, strict=True):
        if _is_list(column.type):
            lists.add(name)
        try:
            columns[name] = _as_text(column.combine_chunks())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            unreadable[name] = str(column.type)
            columns[name] = pa.nulls(len(column), pa.string())
    whole = table.num_rows == num_rows
    return Start(columns, whole, None, True, frozenset(lists), unreadable)


def _is_list(kind: pa.DataType) -> bool:
    return pa.types.is_list(kind) or pa.types.is_large_list(kind)


def _as_text(column: pa.Array) -> pa.Array:
    if _is_list(column.type):
        values = column.cast(pa.list_(pa.string()))
        return pc.binary_join(values, LIST_SEPARATOR)
    if pa.types.is_floating(column.type):
        column = pc.if_else(pc.is_nan(column), None, column)
    return column.cast(pa.string())
