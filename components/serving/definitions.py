"""Completes the SignatureDefs of a SavedModel with what TensorFlow 2 does not write."""

import os
from collections.abc import Mapping, Sequence

import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from components.serving import columns
from schema.contract import CLASSIFICATION, PREDICT_COLUMNS, RANK, REGRESSION

_METHODS = {
    CLASSIFICATION: tf.saved_model.CLASSIFY_METHOD_NAME,
    REGRESSION: tf.saved_model.REGRESS_METHOD_NAME,
}


def read(folder: str) -> Mapping[str, meta_graph_pb2.SignatureDef]:
    """Returns the SignatureDefs of a SavedModel, by name."""
    return _load(folder).meta_graphs[0].signature_def


def complete(
    folder: str, left_out: dict[str, np.ndarray], context: Sequence[str]
) -> None:
    """Writes the methods' names, what stands for columns, and which have one row.

    TensorFlow Serving answers Classify and Regress only by signatures with these names,
    and takes an input that a request lacks from `defaults`.

    Args:
        folder: Of the SavedModel.
        left_out: What stands for a column, by feature.
        context: Features that all candidates of a ranking request share.
    """
    saved_model = _load(folder)
    definitions = saved_model.meta_graphs[0].signature_def
    for name, method in _METHODS.items():
        definitions[name].method_name = method
    for definition in (definitions[PREDICT_COLUMNS], definitions[RANK]):
        names = columns.arguments(left_out)
        inputs = {f: definition.inputs.pop(name) for f, name in names.items()}
        for feature, value in left_out.items():
            definition.inputs[feature].CopyFrom(inputs[feature])
            definition.defaults[feature].CopyFrom(tf.make_tensor_proto(value))
    for feature in context:
        definitions[RANK].inputs[feature].tensor_shape.dim[0].size = 1
    with tf.io.gfile.GFile(_path(folder), "wb") as file:
        file.write(saved_model.SerializeToString(deterministic=True))


def _load(folder: str) -> saved_model_pb2.SavedModel:
    with tf.io.gfile.GFile(_path(folder), "rb") as file:
        return saved_model_pb2.SavedModel.FromString(file.read())


def _path(folder: str) -> str:
    return os.path.join(folder, tf.saved_model.SAVED_MODEL_FILENAME_PB)
