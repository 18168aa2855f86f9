"""A Pusher whose versions appear whole or not at all."""

import os
import shutil
import time
from typing import Any

from google.protobuf import json_format
from tfx import types
from tfx.components.pusher import executor
from tfx.proto import pusher_pb2
from tfx.types import artifact_utils, standard_component_specs


class Executor(executor.Executor):
    """Copies beside the versions, then renames.

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
        shutil.copytree(model_path, pushed.uri, dirs_exist_ok=True)
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
    os.makedirs(folder, exist_ok=True)
    versions = [int(name) for name in os.listdir(folder) if name.isdigit()]
    version = max([int(time.time()), *(number + 1 for number in versions)])
    partial = os.path.join(folder, ".partial")
    shutil.rmtree(partial, ignore_errors=True)  # of a push that was killed
    shutil.copytree(model_path, partial)
    path = os.path.join(folder, str(version))
    os.rename(partial, path)
    return path
