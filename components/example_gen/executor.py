"""The executor of `ArrowExampleGen`: files in, split and counted tf.Examples out."""

import dataclasses
import json
import os
from collections import Counter
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import tensorflow as tf
from google.protobuf import json_format, struct_pb2
from tfx import types
from tfx.components.util import examples_utils
from tfx.dsl.components.base import base_beam_executor
from tfx.proto import example_gen_pb2
from tfx.types import artifact_utils, standard_component_specs

from components.example_gen import encoding, reader
from schema.errors import DataError
from schema.features import Dataset

ROWS_PROPERTY = "rows"  # of the Examples artifact: JSON, rows by split
DATASET_KEY = "dataset"  # of the component's custom config


@dataclasses.dataclass
class Split:
    """What was written to one split."""

    name: str
    writer: tf.io.TFRecordWriter
    rows: int = 0
    clicks: int = 0
    present: Counter[str] = dataclasses.field(default_factory=Counter)

    def write(self, batch: pa.RecordBatch, examples: list[bytes], label: str) -> None:
        for example in examples:
            self.writer.write(example)
        self.rows += batch.num_rows
        self.clicks += pc.sum(batch.column(label)).as_py() or 0
        for name, column in zip(batch.schema.names, batch.columns, strict=True):
            self.present[name] += len(column) - column.null_count


class Executor(base_beam_executor.BaseBeamExecutor):
    """Reads, types, splits by hash and encodes whole record batches."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the splits of `output_config` from the files of `input_config`."""
        custom_config = example_gen_pb2.CustomConfig()
        json_format.Parse(exec_properties["custom_config"], custom_config)
        settings = struct_pb2.Struct()
        custom_config.custom_config.Unpack(settings)
        input_config = example_gen_pb2.Input()
        json_format.Parse(exec_properties["input_config"], input_config)
        output_config = example_gen_pb2.Output()
        json_format.Parse(exec_properties["output_config"], output_config)

        dataset = Dataset.model_validate_json(settings[DATASET_KEY])
        path = os.path.join(
            exec_properties["input_base"], input_config.splits[0].pattern
        )
        examples = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.EXAMPLES_KEY]
        )
        buckets = {s.name: s.hash_buckets for s in output_config.split_config.splits}
        examples.split_names = artifact_utils.encode_split_names(list(buckets))
        folders = {name: examples.path(split=name) for name in buckets}
        splits = write_splits(tf.io.gfile.glob(path), dataset, buckets, folders)
        check_splits(splits, dataset)
        rows = {split.name: split.rows for split in splits}
        examples.set_string_custom_property(ROWS_PROPERTY, json.dumps(rows))
        examples_utils.set_payload_format(
            examples, example_gen_pb2.PayloadFormat.FORMAT_TF_EXAMPLE
        )


def write_splits(
    files: list[str],
    dataset: Dataset,
    buckets: dict[str, int],
    folders: dict[str, str],
) -> list[Split]:
    """Writes each row to the split that the hash of its content falls into.

    Equal rows always meet in the same split, in whatever order files arrive.

    Args:
        files: Paths of delimited text.
        dataset: What the columns are.
        buckets: The share of each split, in hash buckets.
        folders: Where each split is written.

    Returns:
        The splits, closed, with what was counted in them.
    """
    splits = [_open_split(name, folders[name]) for name in buckets]
    for file in sorted(files):
        for batch in reader.read_batches(file, dataset):
            examples = encoding.encode(batch)
            hashes = _row_hashes(batch, sum(buckets.values()))
            position = 0
            for split, share in zip(splits, buckets.values(), strict=True):
                chosen = (hashes >= position) & (hashes < position + share)
                chosen_rows = np.flatnonzero(chosen)
                split.write(
                    batch.take(pa.array(chosen_rows)),
                    [examples[row] for row in chosen_rows],
                    dataset.label.column,
                )
                position += share
    for split in splits:
        split.writer.close()
    return splits


def check_splits(splits: list[Split], dataset: Dataset) -> None:
    """Refuses data that no model can be trained on or judged by.

    Raises:
        DataError: A split is empty or has one class only, or a feature has no value.
    """
    for split in splits:
        if not split.rows:
            raise DataError(
                f"{dataset.path}: no row fell into the {split.name!r} split. "
                "More rows are needed, or another dataset.eval_fraction."
            )
    for split in splits:
        if split.clicks in (0, split.rows):
            raise DataError(
                f"{dataset.path}, label {dataset.label.column!r}: all {split.rows} "
                f"rows of the {split.name!r} split have the label "
                f"{int(split.clicks > 0)}; both 0 and 1 are needed. "
                "Check dataset.label.positive."
            )
    for name in dataset.features:
        if not splits[0].present[name]:
            raise DataError(
                f"{dataset.path}, column {name!r}: every value of the "
                f"{splits[0].name!r} split is missing. Remove it from "
                "dataset.features, or check dataset.file.null_tokens."
            )


def _row_hashes(batch: pa.RecordBatch, num_buckets: int) -> np.ndarray:
    """Returns a hash bucket of each row's values, (rows,)."""
    # Not of the tf.Example: the order of features in its bytes changes from run to run.
    texts = [_as_text(column) for column in batch.columns]
    rows = pc.binary_join_element_wise(*texts, "\x1f", null_handling="replace")
    return tf.strings.to_hash_bucket_fast(rows.to_numpy(False), num_buckets).numpy()


def _as_text(column: pa.Array) -> pa.Array:
    if pa.types.is_list(column.type):
        return pc.binary_join(column, "\x1e")
    return column.cast(pa.string())


def _open_split(name: str, folder: str) -> Split:
    tf.io.gfile.makedirs(folder)
    # Beam compresses and reads these often: the lightest level costs least in total.
    options = tf.io.TFRecordOptions(compression_type="GZIP", compression_level=1)
    path = os.path.join(folder, "data_tfrecord-00000-of-00001.gz")
    return Split(name, tf.io.TFRecordWriter(path, options))
