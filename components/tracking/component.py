"""`MLflowLogger`: a run's settings, figures and page, where MLflow keeps them."""

import importlib.util
import json
import math
import os
from collections.abc import Iterator

import tensorflow as tf
from tfx import v1 as tfx
from tfx.types import standard_artifacts
from tfx.types.experimental.simple_artifacts import File

from components import model_run as training
from components.evaluator import results
from components.settings import flattened
from components.tracking import tracker
from schema.contract import REPORT_PAGE
from schema.errors import ConfigError


@tfx.dsl.components.component
def MLflowLogger(
    tracking_uri: tfx.dsl.components.Parameter[str],
    config: tfx.dsl.components.Parameter[str],
    code_version: tfx.dsl.components.Parameter[str],
    evaluation: tfx.dsl.components.InputArtifact[standard_artifacts.ModelEvaluation],
    model_run: tfx.dsl.components.InputArtifact[standard_artifacts.ModelRun],
    pushed_model: tfx.dsl.components.InputArtifact[standard_artifacts.PushedModel],
    report: tfx.dsl.components.InputArtifact[File],
) -> None:
    """Logs a run to MLflow, in the experiment of its own name.

    It comes last: if MLflow does not answer, the model is pushed nevertheless, and the
    next run repeats nothing but this.

    Args:
        tracking_uri: Of MLflow.
        config: The experiment, as JSON.
        code_version: Of our code.
        evaluation: The Evaluator's.
        model_run: The Trainer's.
        pushed_model: The Pusher's.
        report: The page.

    Raises:
        ConnectionError: MLflow does not answer, or refuses.
    """
    used = training.as_trained(json.loads(config), model_run.uri)
    parameters = {
        "policy": used["policy_configs"]["scoring_policy"],
        "training": used["training"],
    }
    tags = {"dataset": used["dataset"]["name"], "code_version": code_version}
    if pushed_model.get_int_custom_property("pushed"):
        version = pushed_model.get_string_custom_property("pushed_version")
        tags["pushed_version"] = version
    with tf.io.gfile.GFile(os.path.join(report.uri, REPORT_PAGE)) as file:
        texts = {REPORT_PAGE: file.read(), "config.json": config}
    tracker.log(
        tracking_uri,
        used["name"],
        {k: v for k, v in flattened(parameters).items() if v is not None},
        [*_by_epoch(model_run.uri), *_judged(evaluation.uri)],
        tags,
        texts,
    )


def check_installed() -> None:
    """Refuses what cannot be logged, before anything runs.

    Raises:
        ConfigError: MLflow's client is not installed.
    """
    if importlib.util.find_spec("mlflow") is None:
        raise ConfigError(
            "mlflow: its client is not installed. Install mlflow-skinny at the version "
            "that requirements.lock names: pip install 'deepfm-tfx[mlflow]'."
        )


def _by_epoch(model_run: str) -> Iterator[tracker.Figure]:
    for epoch in training.history(model_run):
        step = int(epoch.pop("epoch"))
        for name, value in epoch.items():
            yield tracker.Figure(f"training/{name}", value, step)


def _judged(evaluation: str) -> Iterator[tracker.Figure]:
    """Yields the candidate's metrics over all rows, and the baseline's."""
    found = results.load(evaluation)
    both = {"eval": found.candidate, "baseline": found.baseline or {}}
    for prefix, metrics in both.items():
        for name, value in metrics.get(results.EVERY_ROW, {}).items():
            if isinstance(value, float) and math.isfinite(value):
                yield tracker.Figure(f"{prefix}/{name}", value, step=0)
