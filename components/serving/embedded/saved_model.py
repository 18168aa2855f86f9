"""Reads a SavedModel into a session, a little at a time.

TensorFlow's own loader holds Python's lock while it imports the whole graph: no request
would be answered meanwhile.
"""

import os
from collections.abc import Mapping

import tensorflow as tf
from tensorflow.core.framework import graph_pb2
from tensorflow.core.protobuf import meta_graph_pb2, saved_model_pb2

from components.serving.embedded.priority import then_rest

# The signature by which TensorFlow 2 says how a model begins, and its output.
INIT = "__saved_model_init_op"


def load(
    session: tf.compat.v1.Session, path: str
) -> Mapping[str, meta_graph_pb2.SignatureDef]:
    """Loads a SavedModel that TensorFlow 2 wrote; returns its signatures.

    Args:
        session: Empty.
        path: The SavedModel's folder.

    Raises:
        OSError: There is no such file.
        ValueError: It is no SavedModel, or none to be served.
        tf.errors.OpError: Its variables or tables cannot be read.
    """
    with session.graph.as_default():
        with then_rest():
            meta_graph = _meta_graph(path)
            functions = list(meta_graph.graph_def.library.function)
            # Without them: their shapes would be inferred, in one go and for nothing.
            del meta_graph.graph_def.library.function[:]
            tf.graph_util.import_graph_def(meta_graph.graph_def, name="")
        for function in functions:
            with then_rest():
                part = graph_pb2.GraphDef(versions=meta_graph.graph_def.versions)
                part.library.function.append(function)
                tf.graph_util.import_graph_def(part, name="")
    saver = meta_graph.saver_def
    if saver.restore_op_name:  # none for a model without variables
        prefix = os.path.join(path, "variables", "variables")
        restore = session.graph.get_operation_by_name(saver.restore_op_name)
        session.run(restore, {saver.filename_tensor_name: prefix})
    signatures = meta_graph.signature_def
    if INIT in signatures:
        assets = {
            asset.tensor_info.name: os.path.join(path, "assets", asset.filename)
            for asset in meta_graph.asset_file_def
        }
        operation = signatures[INIT].outputs[INIT].name
        session.run(session.graph.get_operation_by_name(operation), assets)
    return signatures


def _meta_graph(path: str) -> meta_graph_pb2.MetaGraphDef:
    with open(os.path.join(path, tf.saved_model.SAVED_MODEL_FILENAME_PB), "rb") as file:
        saved_model = saved_model_pb2.SavedModel.FromString(file.read())
    for meta_graph in saved_model.meta_graphs:
        if list(meta_graph.meta_info_def.tags) == [tf.saved_model.SERVING]:
            return meta_graph
    raise ValueError(f"there is no graph for {tf.saved_model.SERVING!r} in it")
