import importlib.util
import json

import mlflow
import pytest
from tfx.types import standard_artifacts
from tfx.types.experimental.simple_artifacts import File

from components import model_run
from components.evaluator import results
from components.evaluator.results import EVERY_ROW
from components.tracking import component
from schema.errors import ConfigError
from tests.components.report import made


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    found = made.run(tmp_path_factory.mktemp("made") / "run")
    policy = {"policy_type": "fm", "embedding_dim": 2, "deep": {"units": [3]}}
    model_run.write_settings(found.model_run, policy, {"seed": 7, "epochs": None})
    return found


def logged(run, server, folder, pushed):
    """Calls the component on a run's artifacts; returns what the server then has."""
    name = f"pushed_{pushed}"
    artifacts = {
        "evaluation": standard_artifacts.ModelEvaluation(),
        "model_run": standard_artifacts.ModelRun(),
        "pushed_model": standard_artifacts.PushedModel(),
        "report": File(),
    }
    artifacts["evaluation"].uri = run.evaluation
    artifacts["model_run"].uri = run.model_run
    artifacts["report"].uri = str(folder)
    (folder / "report.html").write_text("the page")
    artifacts["pushed_model"].set_int_custom_property("pushed", int(pushed))
    artifacts["pushed_model"].set_string_custom_property("pushed_version", "17")
    component.MLflowLogger.EXECUTOR_SPEC.executor_class().Do(
        {key: [artifact] for key, artifact in artifacts.items()},
        {},
        {
            "tracking_uri": server,
            "config": json.dumps({**run.config, "name": name}),
            "code_version": "abc",
        },
    )
    client = mlflow.MlflowClient(server)
    experiment = client.get_experiment_by_name(name).experiment_id
    [found] = client.search_runs([experiment])
    return found


def test_a_run_is_logged_as_it_was_trained_and_judged(run, mlflow_server, tmp_path):
    found = logged(run, mlflow_server, tmp_path, pushed=True)
    assert found.data.params == {
        "policy.policy_type": "fm",
        "policy.embedding_dim": "2",
        "policy.deep.units": "[3]",
        "training.seed": "7",
    }
    evaluation = results.load(run.evaluation)
    for prefix, metrics in (
        ("eval", evaluation.candidate),
        ("baseline", evaluation.baseline),
    ):
        assert found.data.metrics[f"{prefix}/auc"] == metrics[EVERY_ROW]["auc"]
    last = made.HISTORY[-1]
    assert found.data.metrics["training/val_auc"] == last["val_auc"]
    assert found.data.tags["pushed_version"] == "17"
    assert found.data.tags["code_version"] == "abc"
    listed = mlflow.MlflowClient(mlflow_server).list_artifacts(found.info.run_id)
    assert {file.path for file in listed} == {"report.html", "config.json"}


def test_of_a_model_that_was_not_pushed_no_version_is_said(
    run, mlflow_server, tmp_path
):
    found = logged(run, mlflow_server, tmp_path, pushed=False)
    assert "pushed_version" not in found.data.tags


def test_without_its_client_nothing_begins(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"^mlflow: its client is not installed"):
        component.check_installed()
