"""Writes a first declaration of a table, from a sample of its rows."""

import os
import re
import textwrap

import pyarrow as pa
import pyarrow.compute as pc
import yaml

from components.files import write_whole
from pipeline import loading
from pipeline.inference import proposals
from pipeline.inference.labels import LABELS, declare_label, find_label
from pipeline.inference.parquet import LIST_SEPARATOR
from pipeline.inference.sample import Sample, take
from pipeline.inference.start import SAMPLE_BYTES, Hints
from pipeline.inference.wording import in_yaml, shown
from schema.errors import ConfigError, DataError
from schema.features import Dataset


def infer(path: str, hints: Hints | None = None) -> str:
    """Returns a dataset's declaration, in YAML with a comment on each column.

    Args:
        path: A file or a folder of delimited text or Parquet.
        hints: What the user knows better.

    Raises:
        ConfigError: An option is missing or does not fit the data.
        DataError: The data is no table, or no column could be a feature.
    """
    hints = hints or Hints()
    sample = take(path, hints)
    columns = {n: pc.utf8_trim_whitespace(c) for n, c in sample.columns.items()}
    known = _known(sample)
    try:
        label = find_label(columns, hints)
        label_lines = declare_label(label, columns.pop(label), hints.positive)
        nulls, doubtful = proposals.find_nulls(columns)
        features = _features(columns, sample, nulls)
    except DataError as error:
        raise DataError(f"{path}: {error}") from error
    except ConfigError as error:
        cure = "" if sample.header else " --columns gives the columns names."
        cure += f" {known}" if known else ""
        raise ConfigError(f"{path}: {error}{cure}") from error
    text = "\n".join(
        [
            *_head(sample),
            *(f"# {note!r}".replace("'", "") for note in sample.notes),
            *([f"# {known}"] if known else []),
            f"name: {_name(path)}",
            f"path: {in_yaml(os.path.abspath(path))}",
            *_file(sample, nulls, doubtful),
            *label_lines,
            "features:",
            *features,
            "",
        ]
    )
    Dataset.model_validate(yaml.safe_load(text))
    return text


def check_output(path: str, force: bool) -> None:
    """Raises `ConfigError` if a declaration cannot, or must not, be written there."""
    folder = os.path.dirname(os.path.abspath(path))
    if os.path.isdir(path) or not os.path.isdir(folder):
        raise ConfigError(f"--output: {path} is a folder, or lies in none.")
    if os.path.exists(path) and not force:
        raise ConfigError(
            f"--output: {path} exists. Give another name, or --force to overwrite it."
        )


def write(path: str, text: str) -> None:
    """Writes a declaration, whole or not at all; raises `ConfigError` if it cannot."""
    try:
        write_whole(path, text)
    except OSError as error:
        raise ConfigError(
            f"--output: {path} cannot be written: {error.strerror}."
        ) from error


def next_steps(path: str | None) -> str:
    """Returns what to do with a declaration, at a path or not yet in a file."""
    file = os.path.basename(path or "mine.yaml")
    lines = [
        f"read and mend {path}" if path else f"save it as {file} (-o {file}), mend it",
        f"write experiment.yaml beside it:\n\n       dataset: {in_yaml(file)}\n"
        "       policy_configs: {scoring_policy: {policy_type: deepfm}}\n",
        "deepfm run experiment.yaml",
    ]
    steps = "\n".join(f"  {i}. {line}" for i, line in enumerate(lines, start=1))
    return f"Next:\n{steps}"


def _head(sample: Sample) -> list[str]:
    if sample.whole:
        part = "all rows were looked at"
    else:
        part = (
            f"the first {SAMPLE_BYTES >> 20} MiB of {sample.num_sampled} of "
            f"{sample.num_files} files were looked at"
        )
    name = os.path.basename(os.path.abspath(sample.path))
    return [
        f"# A first declaration of {shown(name)}, to be mended by hand.",
        f"# {sample.num_rows:,} rows: {part}. Counts are of these rows.",
        "# Mind the label, numbers that are codes, and what a click brings about. A",
        "# column that is known only after it must go.",
    ]


def _known(sample: Sample) -> str:
    """Returns a sentence on declarations of such columns that the project has."""
    found = []
    for name, file in loading.known_datasets().items():
        declared = Dataset.model_validate(yaml.safe_load(file.read_text()))
        wanted = {declared.label.column, *declared.features}
        width = len(declared.file.columns or ())
        if sample.header:
            same = declared.file.header and wanted <= set(sample.columns)
        else:
            same = width == len(sample.columns)
        if same and declared.file.delimiter == sample.delimiter:
            found.append(f"dataset: {name}")
    if not found:
        return ""
    return f"The project may know it already, as {' or '.join(found)}."


def _file(sample: Sample, nulls: list[str], doubtful: dict[str, str]) -> list[str]:
    lines = ["file:", f"  pattern: {in_yaml(sample.pattern)}"]
    if sample.delimiter:
        lines.append(f"  delimiter: {in_yaml(sample.delimiter)}")
    if not sample.header:
        names = textwrap.wrap(
            f"columns: [{', '.join(in_yaml(name) for name in sample.columns)}]",
            width=88, initial_indent="  ", subsequent_indent="    ",
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        lines += ["  header: false", *names]
    if sample.delimiter:
        lines.append(f"  null_tokens: {in_yaml(['', *nulls])}")
    lines += [
        f"  # {shown(token)} in {shown(column)} was taken for a value: add it to "
        "null_tokens if it means none"
        for token, column in doubtful.items()
    ]
    return lines


def _features(
    columns: dict[str, pa.Array], sample: Sample, nulls: list[str]
) -> list[str]:
    """Returns a line for each column; raises `DataError` if none is a feature."""
    lines = []
    for name, column in columns.items():
        if kind := sample.unreadable.get(name):
            lines.append(f"  # {shown(name)} is left out: cells of type {shown(kind)}")
            continue
        profile = proposals.describe(name, column, nulls)
        separator = LIST_SEPARATOR if name in sample.lists else None
        proposal = proposals.propose(profile, separator)
        if proposal.settings is None:
            lines.append(f"  # {shown(name)} is left out: {proposal.why}")
        elif name.lower() in LABELS and len(profile.values) == 2:
            lines.append(
                f"  # {shown(name)} is left out: named like a label, and so perhaps "
                "known only after the click"
            )
        else:
            settings = in_yaml(proposal.settings)
            lines.append(f"  {in_yaml(name)}: {settings}  # {proposal.why}")
    if all(line.startswith("  #") for line in lines):
        reasons = "; ".join(line.strip(" #") for line in lines[:5])
        raise DataError(f"no column is left that can be a feature. {reasons}")
    return lines


def _name(path: str) -> str:
    """Returns a name for a dataset, made of its file's or folder's."""
    stem = os.path.basename(os.path.abspath(path)).split(".")[0]
    name = re.sub(r"[^A-Za-z0-9_]+", "_", stem).strip("_") or "mine"
    return in_yaml(name if not name[0].isdigit() else f"data_{name}")
