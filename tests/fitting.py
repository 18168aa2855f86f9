"""Fits a transform in memory, for tests of it and of what uses one."""

import tempfile
from pathlib import Path

import apache_beam as beam
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft
from apache_beam.options.pipeline_options import PipelineOptions

from components import blocks
from components.transform import analysis, fitted, graph
from schema.features import Categorical


def spec(dataset):
    """Returns how raw tf.Examples of a dataset are parsed."""
    kinds = {
        name: tf.string if isinstance(feature, Categorical) else tf.float32
        for name, feature in dataset.features.items()
    } | {dataset.label.column: tf.int64}
    if dataset.weight:
        kinds[dataset.weight] = tf.float32
    return {name: tf.io.VarLenFeature(kind) for name, kind in kinds.items()}


def raw(dataset, rows):
    """Returns rows as the sparse columns that a transform takes."""
    return {
        name: tf.RaggedTensor.from_row_lengths(
            tf.constant([v for r in rows for v in r[name]], kind.dtype),
            [len(r[name]) for r in rows],
        ).to_sparse()
        for name, kind in spec(dataset).items()
    }


def fit(dataset, rows):
    """Returns the transform of a dataset, fitted to rows."""
    path = Path(tempfile.mkdtemp()) / "rows.gz"
    return fit_files(dataset, write_examples(rows, path))


def fit_files(dataset, paths):
    """Returns the transform of a dataset, fitted to gzipped files of raw Examples."""
    folder = tempfile.mkdtemp()
    analysis.analyze(paths, dataset, folder)
    return fit_analyses([folder], dataset)


def fit_analyses(analyses, dataset):
    """Returns the transform of a dataset, fitted to what was found in its rows."""
    uri, fitted_folder = tempfile.mkdtemp(), tempfile.mkdtemp()
    fitted.fit(analyses, dataset, fitted_folder)
    schema = tft.DatasetMetadata.from_feature_spec(spec(dataset)).schema
    graph.write(schema, dataset, fitted_folder, uri, pipeline)
    return tft.TFTransformOutput(uri)


def pipeline():
    """Returns a Beam pipeline in memory."""
    args = ["--runner=FnApiRunner", "--direct_running_mode=in_memory"]
    return beam.Pipeline(options=PipelineOptions(args))


def write_examples(rows, path):
    """Writes rows as gzipped tf.Examples; their values say of which kind they are."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for row in rows:
            features = {n: feature(values) for n, values in row.items() if len(values)}
            example = tf.train.Example(features={"feature": features})
            writer.write(example.SerializeToString())
    return [str(path)]


def write_blocks(columns, path, rows=512):
    """Writes transformed columns as gzipped blocks of so many rows."""
    with tf.io.TFRecordWriter(str(path), "GZIP") as writer:
        for start in range(0, len(next(iter(columns.values()))), rows):
            part = {n: np.asarray(v)[start : start + rows] for n, v in columns.items()}
            writer.write(blocks.encode(part))
    return [str(path)]


def feature(values):
    if isinstance(values[0], str):
        return tf.train.Feature(bytes_list={"value": [v.encode() for v in values]})
    kind = "int64_list" if isinstance(values[0], int | np.integer) else "float_list"
    return tf.train.Feature(**{kind: {"value": values}})
