"""Hands a run's artifacts to the page, and publishes it."""

import json
import os
from typing import Any

import tensorflow as tf
from tfx import types
from tfx.dsl.components.base import base_executor
from tfx.types import artifact_utils

from components.report import page
from components.report.sources import gather, versions
from schema.contract import REPORT_PAGE

REPORT = "report"  # the output
CONFIG, METADATA_PATH, CODE_VERSION = "config", "metadata_path", "code_version"
VERSIONS_PROPERTY = "versions"  # of the output: of the libraries, as JSON


class Executor(base_executor.BaseExecutor):
    """Writes the page of a run."""

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Writes the page."""
        artifacts = {
            key: artifact_utils.get_single_instance(found).mlmd_artifact
            for key, found in input_dict.items()
        }
        report = artifact_utils.get_single_instance(output_dict[REPORT])
        used = versions(exec_properties[CODE_VERSION])
        sources = gather(
            artifacts,
            json.loads(exec_properties[CONFIG]),
            exec_properties[METADATA_PATH] or None,
            used,
        )
        tf.io.gfile.makedirs(report.uri)
        with tf.io.gfile.GFile(os.path.join(report.uri, REPORT_PAGE), "w") as file:
            file.write(page.write(sources))
        report.set_string_custom_property(VERSIONS_PROPERTY, json.dumps(used))
