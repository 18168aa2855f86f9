"""Finds the files of a dataset, tells their formats and cuts them into shards."""

import glob
import os
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

from components.example_gen import columns, inputs, parquet, spans, text, tfrecord
from components.example_gen.shards import RawBatch, Shard
from components.example_gen.spans import Span
from schema.errors import ConfigError, DataError
from schema.features import Dataset

_SHARD_BYTES = 16 << 20  # of text, or of decompressed Parquet; at least
_MAX_SHARDS = 1000  # about, and beside one for each file
BLOCK_BYTES = 4 << 20  # of text at a time: bounds the memory, whatever the file's size
_SUFFIXES = {
    ".parquet": "parquet", ".pq": "parquet",
    ".tfrecord": "tfrecord", ".tfrecords": "tfrecord",
}  # fmt: skip
_FOREIGN = {
    b"PK\x03\x04": "a zip archive or spreadsheet",
    b"SQLite format 3\0": "an SQLite database",
    b"%PDF-": "a PDF",
    b"\xff\xfe": "UTF-16 text",
    b"\xfe\xff": "UTF-16 text",
    b"Obj\x01": "an Avro file",
}


def find_files(dataset: Dataset) -> list[str]:
    """Returns the files of a dataset, sorted: a file, a folder's or a glob's.

    Of a log in spans, those of the window, oldest first.

    Raises:
        ConfigError: The window, or the marks of a span, cannot be meant so.
        DataError: Nothing is there, or a file cannot be read or has another format.
    """
    if dataset.path is None:
        raise DataError(
            f"Where the data of {dataset.name!r} lies is not known. Give --data PATH, "
            "a file or a folder."
        )
    if window := find_spans(dataset):
        files = [file for span in window for file in span.files]
    else:
        files = expand(*locate(dataset))
    if not files and inputs.is_folder(dataset.path):
        raise DataError(
            f"{dataset.path} holds no file that matches {dataset.file.pattern!r} "
            f"(dataset.file.pattern). Give a file, or mend the pattern."
        )
    if not files:
        raise DataError(
            f"{dataset.path} does not exist. Give a file, a folder or a glob."
        )
    for file in files:
        format_of(file, dataset.file.format)
    return files


def locate(dataset: Dataset) -> tuple[str, str]:
    """Returns the folder of a dataset's files, and the pattern that finds them in it.

    The marks of spans, where there are any, are in the pattern.
    """
    path = str(dataset.path)
    if spans.marked(path):
        base, pattern = spans.cut(path)
        if expand(base, spans.as_glob(pattern)):
            return base, pattern
        return base, os.path.join(pattern, dataset.file.pattern)  # folders of files
    if not inputs.is_folder(path):
        return os.path.split(path)
    if spans.marked(dataset.file.pattern):
        return spans.cut(os.path.join(path, dataset.file.pattern))
    return path, dataset.file.pattern


def find_spans(dataset: Dataset, last: int | None = None) -> list[Span]:
    """Returns the spans of the window, oldest first; none of a log without spans.

    The window ends with the latest span, or with `last`. A number in it that has no
    files is no span.

    Raises:
        ConfigError: The window, or the marks of a span, cannot be meant so.
        DataError: There is no span, or a file has no number where its span's belongs.
    """
    base, pattern = locate(dataset)
    if not spans.marked(pattern):
        if dataset.window > 1:
            raise ConfigError(
                f"dataset.window: {dataset.window} spans are wanted, but {dataset.path}"
                " does not say where a span's number or date stands. Put {SPAN}, or "
                "{YYYY}, {MM} and {DD}, into dataset.path (or --data), or, for the "
                "files of a folder, into dataset.file.pattern."
            )
        return []
    key = "path" if spans.marked(str(dataset.path)) else "file.pattern"
    spans.check(pattern, f"dataset.{key}")
    found: defaultdict[int, defaultdict[int | None, list[str]]]
    found = defaultdict(lambda: defaultdict(list))
    for file in expand(base, spans.as_glob(pattern)):
        number, version = spans.match(file.removeprefix(base).lstrip("/"), pattern)
        if last is None or number <= last:
            found[number][version].append(file)
    if not found:
        limit = "" if last is None else f" up to {last}"
        raise DataError(
            f"{base} holds no span{limit}: no file fits {pattern!r} (dataset.{key})."
        )
    window = sorted(number for number in found if number > max(found) - dataset.window)
    latest = {number: max(found[number], key=lambda v: v or 0) for number in window}
    return [Span(n, latest[n], tuple(found[n][latest[n]])) for n in window]


def expand(base: str, pattern: str) -> list[str]:
    """Returns the files that a pattern finds below a folder, sorted."""
    path = os.path.join(base, pattern)
    if inputs.is_remote(path):
        gfile = inputs.gfile()
        with inputs.explained(path):
            found = gfile.glob(path) or [path] * gfile.exists(path)
            return sorted(file for file in found if not gfile.isdir(file))
    if os.path.lexists(path):
        return [path]
    # The folder may hold the marks of a glob as plain text, or mean them.
    found = glob.glob(os.path.join(glob.escape(base), pattern)) or glob.glob(path)
    return sorted(file for file in found if not os.path.isdir(file))


def format_of(path: str, declared: str | None = None) -> str:
    """Returns the format of a file: as declared, or as its start and name say.

    Raises:
        DataError: It is none of ours, or another than declared.
    """
    with inputs.open_raw(path) as raw:
        parquet_file = raw.read(4) == b"PAR1"
    with inputs.open_input(path) as stream:
        start = stream.read(4096)
    found = "csv"
    if parquet_file:
        found = "parquet"
    elif _looks_like_records(start):
        found = "tfrecord"
    elif start:
        foreign = next((_FOREIGN[m] for m in _FOREIGN if start.startswith(m)), None)
        if foreign is None and b"\0" in start:
            foreign = "a binary file"
        if foreign:
            raise DataError(
                f"{path} is {foreign}; delimited text, Parquet or TFRecord is expected."
            )
    named = _SUFFIXES.get(os.path.splitext(path.removesuffix(".gz"))[1], found)
    wanted = declared or named
    if start and wanted != found:
        raise DataError(
            f"{path} does not look like {wanted}, but like {found}. "
            "Mend dataset.file.format, or the file's name."
        )
    return wanted


def shard_bytes(files: list[str]) -> int:
    """Returns how large the parts of files should be: small enough that all cores have
    work to the end, and few enough in all.
    """
    total = 0
    for path in files:
        with inputs.open_raw(path) as stream:
            total += stream.seek(0, os.SEEK_END)
    return max(_SHARD_BYTES, total // _MAX_SHARDS)


def shards(
    files: list[str], dataset: Dataset, size: int, labelled: bool = True
) -> list[Shard]:
    """Cuts files into parts of about `size` bytes, in the files' order.

    Raises:
        DataError: A file is not what was declared.
    """

    def cut(path: str) -> list[Shard]:
        match format_of(path, dataset.file.format):
            case "parquet":
                return parquet.shards(path, dataset, labelled, size)
            case "tfrecord":
                return tfrecord.shards(path)
            case _:
                return text.shards(path, dataset, labelled, size)

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return [shard for shards in pool.map(cut, files) for shard in shards]


def whole(path: str, dataset: Dataset, labelled: bool) -> Shard | None:
    """Returns a file as one shard, None if it has no row at all.

    Raises:
        DataError: A file is not what was declared.
    """
    match format_of(path, dataset.file.format):
        case "parquet":
            return parquet.whole(path, columns.wanted(dataset, labelled))
        case "tfrecord":
            return Shard(path, "tfrecord")
        case _:
            return text.whole(path, dataset, labelled)


def read(
    shard: Shard, dataset: Dataset, labelled: bool, block: int = BLOCK_BYTES
) -> Iterator[RawBatch]:
    """Reads a shard, about `block` bytes of text or some thousand rows at a time."""
    wanted = columns.wanted(dataset, labelled)
    match shard.format:
        case "parquet":
            return parquet.read(shard, wanted)
        case "tfrecord":
            return tfrecord.read(shard, wanted)
        case _:
            return text.read(shard, dataset.file, wanted, block)


def _looks_like_records(start: bytes) -> bool:
    # A record starts with its length in eight bytes and that length's checksum; a
    # tf.Example that is not empty, with the tag of its only field.
    return len(start) > 12 and start[4:8] == b"\0\0\0\0" and start[12:13] in b"\n"


def is_empty(path: str) -> bool:
    """Returns whether a file has no byte, decompressed."""
    with inputs.open_input(path) as stream:
        return not stream.read(1)
