"""Stops a run whose data is at odds with its schema, or with other data.

That is the data before it, and the requests that were served. The stock
ExampleValidator writes its findings down and lets the run go on, and does not look at
other data. The stock DistributionValidator does, but by thresholds of its own instead
of the schema's, and it writes its findings down as well. ExampleValidator stays as it
is, so that its artifact is published and can be looked at; this component reads it, and
compares.
"""

import json
import os

import tensorflow as tf
import tensorflow_data_validation as tfdv
from tensorflow_metadata.proto.v0 import anomalies_pb2, schema_pb2
from tfx import types
from tfx import v1 as tfx
from tfx.components.statistics_gen import stats_artifact_utils
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components.example_validator.comparisons import drift_findings, skew_findings
from components.example_validator.findings import Statistics, schema_findings
from schema.errors import DataAnomalyError
from schema.features import Dataset

_TRAIN, _EVAL = "train", "eval"
_NEGATIVES = "negatives"  # property of `accepted`: their share that sampling left


@tfx.dsl.components.component
def AnomalyGate(
    anomalies: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleAnomalies],
    statistics: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleStatistics],
    schema: tfx.dsl.components.InputArtifact[standard_artifacts.Schema],
    dataset: tfx.dsl.components.Parameter[str],
    earlier_spans: tfx.dsl.components.Parameter[str],
    accepted: tfx.dsl.components.OutputArtifact[standard_artifacts.ExampleStatistics],
    earlier: tfx.dsl.components.InputArtifact[
        list[standard_artifacts.ExampleStatistics]
    ] = None,
    previous: tfx.dsl.components.InputArtifact[
        standard_artifacts.ExampleStatistics
    ] = None,
    serving: tfx.dsl.components.InputArtifact[
        standard_artifacts.ExampleStatistics
    ] = None,
) -> None:
    """Raises `DataAnomalyError` if anything is wrong.

    Args:
        anomalies: What ExampleValidator found.
        statistics: What it looked at.
        schema: Holds the thresholds.
        dataset: The declaration, as JSON.
        earlier_spans: The names of `earlier`, a JSON list: other runners hand over
            plain values only.
        accepted: The train split's statistics, published only if nothing is wrong.
        earlier: Of the spans of the window before that of `statistics`.
        previous: `accepted` of the latest run that has it; without splits if none has.
        serving: Of the requests that were served.
    """
    rules = io_utils.SchemaReader().read(io_utils.get_only_uri_in_dir(schema.uri))
    declared = Dataset.model_validate_json(dataset)
    current = _by_split(statistics)
    findings = []
    for span, one in zip(json.loads(earlier_spans), earlier or (), strict=True):
        for split, found in _by_split(one).items():
            findings += validate(found, rules, f"split {split!r} of span {span}")
    findings += find_anomalies(anomalies.uri, current, rules)
    if before := _by_split(previous) if previous else {}:
        # What sampling does to the label is no drift.
        same = previous.get_float_custom_property(_NEGATIVES) == declared.negatives()
        ignored = () if same else (declared.label.column,)
        [then] = before.values()
        findings += drift_findings(current[_TRAIN], then, rules, _TRAIN, ignored)
    if serving:
        [served] = _by_split(serving).values()
        findings += find_skew(current, served, rules, declared)
    check(findings, anomalies.uri)
    accepted.set_float_custom_property(_NEGATIVES, declared.negatives())
    _publish(statistics, accepted)


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
        findings += schema_findings(found, current, schema, f"split {split!r}")
    return findings


def validate(
    statistics: Statistics, schema: schema_pb2.Schema, where: str
) -> list[str]:
    """Returns a sentence for each anomaly of data that ExampleValidator does not see.

    Args:
        statistics: Of the data.
        schema: What they are held against.
        where: Names the rows.
    """
    found = tfdv.validate_statistics(statistics, schema)
    return schema_findings(found, statistics, schema, where)


def find_skew(
    statistics: dict[str, Statistics],
    serving: Statistics,
    schema: schema_pb2.Schema,
    dataset: Dataset,
) -> list[str]:
    """Returns a sentence for each way in which serving is not what training was.

    Sampling changes what the train split looks like and leaves the eval split whole:
    that one is compared then.

    Args:
        statistics: Of each split.
        serving: Of the requests that were served.
        schema: Holds the thresholds.
        dataset: What the columns are.
    """
    rules = _without_label(schema, dataset)
    findings = validate(serving, rules, "the serving data")
    split = _EVAL if dataset.negatives() < 1.0 else _TRAIN
    return findings + skew_findings(statistics[split], serving, rules, split)


def _without_label(schema: schema_pb2.Schema, dataset: Dataset) -> schema_pb2.Schema:
    """Returns what holds for requests: they have the features, in any number."""
    rules = schema_pb2.Schema()
    rules.CopyFrom(schema)
    rules.ClearField("dataset_constraints")
    del rules.feature[:]
    rules.feature.extend(
        rule for rule in schema.feature if rule.name in dataset.features
    )
    return rules


def _by_split(statistics: types.Artifact) -> dict[str, Statistics]:
    return {
        split: stats_artifact_utils.load_statistics(statistics, split).proto()
        for split in artifact_utils.decode_split_names(statistics.split_names)
    }


def _publish(statistics: types.Artifact, accepted: types.Artifact) -> None:
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
