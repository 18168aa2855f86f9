"""The executor of `ArrowExampleGen`: files in, split and counted tf.Examples out."""

import contextlib
import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import apache_beam as beam
import tensorflow as tf
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components import workers
from components.example_gen import eval_files, sources, splits, times
from components.example_gen.counts import Split, Written
from components.example_gen.quarantine import check_fraction
from components.example_gen.shards import Shard
from components.example_gen.splits import QUARANTINE, Target
from schema.errors import DataError
from schema.features import Dataset

ROWS_PROPERTY = "rows"  # of the Examples artifact: JSON, rows by what became of them
REASONS_PROPERTY = "quarantined"  # of the same: JSON, quarantined rows by reason
# Of the component's custom config.
DATASET_KEY, LABELLED_KEY, CODE_KEY = "dataset", "labelled", "code_version"


def unpack(exec_properties: Mapping[str, Any]) -> tuple[Dataset, bool, str]:
    """Returns what the component was made of: dataset, labelled, code_version."""
    custom_config = example_gen_pb2.CustomConfig()
    json_format.Parse(exec_properties["custom_config"], custom_config)
    settings = struct_pb2.Struct()
    custom_config.custom_config.Unpack(settings)
    dataset = Dataset.model_validate_json(settings[DATASET_KEY])
    return dataset, bool(settings[LABELLED_KEY]), settings[CODE_KEY]


class Executor(base_beam_executor.BaseBeamExecutor):
    """Cuts the files into shards, which Beam's workers read, type, split and encode."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits of `output_config` from the files of `input_config`."""
        dataset, labelled, _ = unpack(exec_properties)
        input_config = example_gen_pb2.Input()
        json_format.Parse(exec_properties["input_config"], input_config)
        output_config = example_gen_pb2.Output()
        json_format.Parse(exec_properties["output_config"], output_config)

        files = sources.expand(
            exec_properties["input_base"], input_config.splits[0].pattern
        )
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        buckets = {s.name: s.hash_buckets for s in output_config.split_config.splits}
        examples.split_names = artifact_utils.encode_split_names(list(buckets))
        folders = {name: examples.path(split=name) for name in buckets}
        shards = sources.shards(files, dataset, sources.shard_bytes(files), labelled)
        target = Target(
            dataset,
            buckets,
            folders,
            examples.uri,
            len(shards),
            eval_files=eval_files.find(files, dataset),
            labelled=labelled,
        )
        written = write_shards(shards, target, self._make_beam_pipeline)
        with _keeping_bad_rows(written, examples.uri):
            check_written(written, dataset, labelled)
        rows = {name: split.rows for name, split in written.splits.items()}
        rows["quarantined"] = written.quarantined.total()
        if dataset.sampling:
            rows["sampled_out"] = written.sampled_out
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        examples.set_string_custom_property(
            REASONS_PROPERTY, json.dumps(dict(written.quarantined.most_common()))
        )
        examples_utils.set_payload_format(
            examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
        )


def write_shards(
    shards: list[Shard], target: Target, make_pipeline: Callable[[], beam.Pipeline]
) -> Written:
    """Writes each row to the split that the hash of its content falls into.

    Or the hash of its key, its time, or its file (`SplitRule`). But for files, equal
    rows always meet in the same split, in whatever order, format and number of files
    they arrive.

    Args:
        shards: What to read.
        target: Where it goes.
        make_pipeline: Makes the Beam pipeline whose workers write.

    Returns:
        What was written, every row accounted for.

    Raises:
        DataError: A file is broken.
    """
    target.begin()
    if target.dataset.split.by == "time":
        items = [(index, shard, target) for index, shard in enumerate(shards)]
        workers.for_each(items, "NoteTimes", times.note_times, make_pipeline)
        target = dataclasses.replace(target, cut=times.find_cut(target))
    items = [(index, shard, target) for index, shard in enumerate(shards)]
    workers.for_each(items, "Write", splits.write_shard, make_pipeline)
    return target.end()


def check_written(written: Written, dataset: Dataset, labelled: bool = True) -> None:
    """Refuses data that no model can be trained on or judged by.

    Args:
        written: What became of the rows.
        dataset: What was declared.
        labelled: Whether the rows have labels.

    Raises:
        DataError: Too many rows are bad, a split is empty, counts for nothing or has
            one class only, or a feature has no value.
    """
    where, by_files = str(dataset.path), dataset.split.by == "files"
    check_fraction(
        where,
        written.rows,
        written.quarantined,
        written.first,
        dataset.max_bad_fraction,
    )
    for name, split in written.splits.items():
        if not split.rows:
            key = "split.eval" if by_files else "eval_fraction"
            raise DataError(
                f"{where}: no row fell into the {name!r} split. More rows are needed"
                f"{f', or another dataset.{key}' if labelled else ''}."
            )
    for name, split in written.splits.items() if labelled else ():
        _check_labels(where, name, split, dataset)
    train, split = next(iter(written.splits.items()))
    joined = {column for table in dataset.tables for column in table.supplied()}
    for name in dataset.features:
        if not split.present[name]:
            raise DataError(
                f"{where}, column {name!r}: every value of the {train!r} split is "
                "missing. Remove it from dataset.features, or check "
                "dataset.file.null_tokens"
                f"{' and the key of its table, dataset.tables' * (name in joined)}."
            )


def _check_labels(where: str, name: str, split: Split, dataset: Dataset) -> None:
    if not split.counting:
        raise DataError(
            f"{where}, weight {dataset.weight!r}: all {split.rows} rows of the "
            f"{name!r} split have the weight 0, so that none counts. Check "
            "dataset.weight."
        )
    if split.clicks in (0, split.counting):
        raise DataError(
            f"{where}, label {dataset.label.column!r}: all {split.counting} rows of "
            f"the {name!r} split{' with a weight above 0' if dataset.weight else ''} "
            f"have the label {int(split.clicks > 0)}; both 0 and 1 are needed. "
            "Check dataset.label"
            f"{' and dataset.sampling.negatives' if dataset.sampling else ''}."
        )


@contextlib.contextmanager
def _keeping_bad_rows(written: Written, uri: str) -> Iterator[None]:
    """Moves bad rows to where they outlive the artifact, and says so, on an error.

    TFX removes what a component that failed has written.
    """
    try:
        yield
    except DataError as error:
        if not written.quarantined:
            raise
        folder, kept = os.path.join(uri, QUARANTINE), f"{uri}-{QUARANTINE}"
        tf.io.gfile.makedirs(kept)
        for name in tf.io.gfile.listdir(folder):
            tf.io.gfile.rename(
                os.path.join(folder, name), os.path.join(kept, name), overwrite=True
            )
        raise DataError(
            f"{error}\nEach row that cannot be used, and what is wrong with it, is in "
            f"{kept}."
        ) from error
