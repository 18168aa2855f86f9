"""Stops a run whose data ExampleValidator found wanting.

The stock ExampleValidator writes its findings down and lets the run go on. It stays as
it is, so that its artifact is published and can be looked at; this component reads it.
"""

import os

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2
from tfx import v1 as tfx
from tfx.types import artifact_utils, standard_artifacts

from schema.errors import DataAnomalyError


@tfx.dsl.components.component
def AnomalyGate(
    anomalies: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleAnomalies],
) -> None:
    """Raises `DataAnomalyError` if there are any."""
    splits = artifact_utils.decode_split_names(anomalies.split_names)
    check_anomalies(anomalies.uri, splits)


def check_anomalies(folder: str, splits: list[str]) -> None:
    """Raises `DataAnomalyError`, naming features and anomalies, if there are any.

    Args:
        folder: Of the ExampleAnomalies artifact.
        splits: The names of its splits.
    """
    findings = find_anomalies(folder, splits)
    if findings:
        raise DataAnomalyError(
            f"{len(findings)} anomalies were found, nothing was trained: "
            + "; ".join(findings)
            + f" The whole findings are in {folder}. Mend the data, or "
            "the schema (dataset.curated_schema) where it is too strict."
        )


def find_anomalies(folder: str, splits: list[str]) -> list[str]:
    """Returns a sentence for each anomaly that ExampleValidator found."""
    findings = []
    for split in splits:
        path = os.path.join(folder, f"Split-{split}", "SchemaDiff.pb")
        with tf.io.gfile.GFile(path, "rb") as file:
            found = anomalies_pb2.Anomalies.FromString(file.read())
        for feature, info in sorted(found.anomaly_info.items()):
            findings.append(
                f"feature {feature!r} of split {split!r}: {info.description}"
            )
        for reason in found.dataset_anomaly_info.reason:
            findings.append(f"split {split!r}: {reason.description}")
    return findings
