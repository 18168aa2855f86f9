"""A Pusher whose versions appear whole or not at all."""

import os
import time
from typing import Any

import tensorflow as tf
from google.protobuf import json_format
from tfx import types
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import io_utils


class Executor(executor.Executor):
    """Copies beside the versions, then renames; in an object store, the graph last.

    The stock executor copies into the version's folder: killed half-way, it leaves one
    that a server may find.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Pushes the model if it is blessed."""
        pushed = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.PUSHED_MODEL_KEY]
        )
        if not self.CheckBlessing(input_dict):
            self._MarkNotPushed(pushed)
            return
        destination = pusher_pb2.PushDestination()
        json_format.Parse(
            exec_properties[standard_component_specs.PUSH_DESTINATION_KEY], destination
        )
        model_path = self.GetModelPath(input_dict)
        io_utils.copy_dir(model_path, pushed.uri)
        path = push(model_path, destination.filesystem.base_directory)
        self._MarkPushed(
            pushed, pushed_destination=path, pushed_version=os.path.basename(path)
        )


def push(model_path: str, folder: str) -> str:
    """Copies a SavedModel into a folder of versions.

    Returns:
        The new version's path. Its number is the time, in seconds, and always the
        largest in the folder.
    """
    gfile = tf.io.gfile
    gfile.makedirs(folder)
    names = [name.rstrip("/") for name in gfile.listdir(folder)]
    versions = [int(name) for name in names if name.isdigit()]
    version = max([int(time.time()), *(number + 1 for number in versions)])
    path = os.path.join(folder, str(version))
    if "://" in folder:
        _copy_graph_last(model_path, path)
        return path
    partial = os.path.join(folder, ".partial")
    if gfile.exists(partial):  # of a push that was killed
        gfile.rmtree(partial)
    io_utils.copy_dir(model_path, partial)
    gfile.rename(partial, path)
    return path


def _copy_graph_last(model_path: str, path: str) -> None:
    """Copies into an object store: it renames no folder in one step.

    A server takes a folder without the graph for no version.
    """
    graph = tf.saved_model.SAVED_MODEL_FILENAME_PB
    io_utils.copy_dir(model_path, path, deny_regex_patterns=[f"/{graph}$"])
    tf.io.gfile.copy(os.path.join(model_path, graph), os.path.join(path, graph))
