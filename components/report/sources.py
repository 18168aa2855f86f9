"""What a report is made of: where a run's artifacts lie, and what is known of it."""

import dataclasses
import json
import platform
from collections.abc import Mapping, Sequence
from importlib import metadata
from typing import Any

from ml_metadata.proto import metadata_store_pb2 as mlmd

from components import model_run
from components.evaluator.config import STORING_PROPERTY, EvalConfig
from schema.contract import FINDINGS_PROPERTY
from schema.features import Dataset

# The component's inputs: folders that the page is made of, and what else is asked.
FOLDERS = (
    "evaluation", "examples", "statistics", "anomalies", "transform_graph", "model",
    "model_run",
)  # fmt: skip
BLESSING, INFRA_BLESSING, PUSHED_MODEL = "blessing", "infra_blessing", "pushed_model"
_PACKAGES = (
    "tfx", "tensorflow", "keras", "tensorflow-transform",
    "tensorflow-data-validation", "tensorflow-model-analysis", "apache-beam",
    "ml-metadata",
)  # fmt: skip


@dataclasses.dataclass(frozen=True)
class Sources:
    """A run, as its report sees it.

    Attributes:
        config: The experiment, as plain values, with what its model was trained with.
        evaluation: Folder of the ModelEvaluation; the other folders likewise.
        examples: Of the raw Examples.
        statistics: Of the ExampleStatistics.
        anomalies: Of the ExampleAnomalies.
        transform_graph: Of the TransformGraph.
        model: Of the Model.
        model_run: Of the ModelRun, which holds the training's figures.
        blessed: Whether Evaluator and InfraValidator let the model through.
        storing: What storing embeddings in fewer bits cost, in words; empty if they are
            not.
        infra_findings: What is wrong with the model as a server serves it.
        pushed_version: None if nothing was pushed.
        metadata_path: ML Metadata's SQLite file; None where it is elsewhere.
        versions: Of the libraries that the run used, and of our code.
    """

    config: Mapping[str, Any]
    evaluation: str
    examples: str
    statistics: str
    anomalies: str
    transform_graph: str
    model: str
    model_run: str
    blessed: bool
    storing: str
    infra_findings: Sequence[str]
    pushed_version: str | None
    metadata_path: str | None
    versions: Mapping[str, str]

    @property
    def name(self) -> str:
        """Of the experiment."""
        return str(self.config["name"])

    @property
    def dataset(self) -> Dataset:
        """The declaration."""
        return Dataset.model_validate(self.config["dataset"])

    @property
    def gate(self) -> EvalConfig:
        """What the model had to reach."""
        return EvalConfig.model_validate(self.config["evaluation"])

    @property
    def policy(self) -> Mapping[str, Any]:
        """The scoring policy's settings."""
        return self.config["policy_configs"]["scoring_policy"]


def versions(code_version: str) -> dict[str, str]:
    """Returns the versions of what runs now.

    Args:
        code_version: Of our own code.
    """
    found = {name: metadata.version(name) for name in _PACKAGES}
    return {"code": code_version, "python": platform.python_version(), **found}


def gather(
    artifacts: Mapping[str, mlmd.Artifact],
    config: dict[str, Any],
    metadata_path: str | None,
    used: Mapping[str, str],
) -> Sources:
    """Returns a run as its report sees it.

    Args:
        artifacts: The component's inputs, as ML Metadata holds them.
        config: The experiment, as plain values.
        metadata_path: ML Metadata's SQLite file; None where it is elsewhere.
        used: Versions.
    """
    blessing = artifacts[BLESSING].custom_properties
    infra = artifacts[INFRA_BLESSING].custom_properties
    pushed = artifacts[PUSHED_MODEL].custom_properties
    return Sources(
        config=model_run.as_trained(config, artifacts["model_run"].uri),
        blessed=all(found["blessed"].int_value == 1 for found in (blessing, infra)),
        storing=_text(blessing, STORING_PROPERTY),
        infra_findings=json.loads(_text(infra, FINDINGS_PROPERTY) or "[]"),
        pushed_version=_text(pushed, "pushed_version") or None,
        metadata_path=metadata_path,
        versions=used,
        **{name: artifacts[name].uri for name in FOLDERS},
    )


def _text(properties: Mapping[str, Any], name: str) -> str:
    """Returns a property, empty if there is none; reading would make one."""
    return str(properties[name].string_value) if name in properties else ""
