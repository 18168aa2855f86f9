"""Stops a run whose data is at odds with its schema, or with the data before it.

The stock ExampleValidator writes its findings down and lets the run go on, and does not
look at earlier data. The stock DistributionValidator does, but by thresholds of its own
instead of the schema's, and it writes its findings down as well. ExampleValidator stays
as it is, so that its artifact is published and can be looked at; this component reads
it, and compares.
"""

import os

import tensorflow as tf
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import v1 as tfx
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components.example_validator.findings import (
    Statistics,
    drift_findings,
    schema_findings,
)
from schema.errors import DataAnomalyError

_TRAIN = "train"  # the split that is compared with the data before


@tfx.dsl.components.component
def AnomalyGate(
    anomalies: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleAnomalies],
    statistics: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleStatistics],
    schema: tfx.dsl.components.InputArtifact[standard_artifacts.Schema],
    accepted: tfx.dsl.components.OutputArtifact[standard_artifacts.ExampleStatistics],
    previous: tfx.dsl.components.InputArtifact[
        standard_artifacts.ExampleStatistics
    ] = None,
) -> None:
    """Raises `DataAnomalyError` if anything is wrong.

    Args:
        anomalies: What ExampleValidator found.
        statistics: What it looked at.
        schema: Holds the thresholds.
        accepted: The train split's statistics, published only if nothing is wrong.
        previous: `accepted` of the latest run that has it.
    """
    rules = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    splits = artifact_utils.decode_split_names(anomalies.split_names)
    current = {
        split: stats_artifact_utils.load_statistics(statistics, split).proto()
        for split in splits
    }
    findings = find_anomalies(anomalies.uri, current, rules)
    if previous:
        before = stats_artifact_utils.load_statistics(previous, _TRAIN).proto()
        findings += drift_findings(current[_TRAIN], before, rules, _TRAIN)
    check(findings, anomalies.uri)
    accepted.split_names = artifact_utils.encode_split_names([_TRAIN])
    accepted.span = statistics.span
    folder = artifact_utils.get_split_uri([accepted], _TRAIN)
    tf.io.gfile.makedirs(folder)
    tf.io.gfile.copy(
        os.path.join(
            artifact_utils.get_split_uri([statistics], _TRAIN),
            stats_artifact_utils.BINARY_PB_BASENAME,
        ),
        os.path.join(folder, stats_artifact_utils.BINARY_PB_BASENAME),
        overwrite=True,
    )


def check(findings: list[str], folder: str) -> None:
    """Raises `DataAnomalyError` if there are any findings.

    Args:
        findings: A sentence each.
        folder: Of ExampleValidator's artifact.
    """
    if findings:
        count = len(findings)
        raise DataAnomalyError(
            f"{count} anomal{'y was' if count == 1 else 'ies were'} found, nothing was "
            "trained:\n  "
            + "\n  ".join(findings)
            + "\nThresholds are in the schema (dataset.curated_schema); what "
            f"ExampleValidator found is in {folder}.",
            findings,
        )


def find_anomalies(
    folder: str,
    statistics: dict[str, Statistics],
    schema: schema_pb2.Schema,
) -> list[str]:
    """Returns a sentence for each anomaly that ExampleValidator found.

    Args:
        folder: Of the ExampleAnomalies artifact.
        statistics: Of each of its splits.
        schema: What they were held against.
    """
    findings = []
    for split, current in statistics.items():
        path = os.path.join(folder, f"Split-{split}", "SchemaDiff.pb")
        with tf.io.gfile.GFile(path, "rb") as file:
            found = anomalies_pb2.Anomalies.FromString(file.read())
        findings += schema_findings(found, current, schema, split)
    return findings
