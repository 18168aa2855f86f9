"""A compiled pipeline, executed: from a raw log to a pushed model, and not pushed."""

import json
import subprocess
import sys

import pytest
import tensorflow as tf
import yaml

from components.evaluator import results
from tests.e2e.small.log import BAD_ROWS, LOG, ROWS, write_log
from tests.kubeflow.launcher import REPOSITORY, Cluster, TaskFailedError

pytestmark = [pytest.mark.pipeline, pytest.mark.timeout(1200)]  # dozens of processes

# All of it happens in two runs: the first on an empty cluster, the second after it.
READ = ["ExampleGen", "StatisticsGen", "SchemaGen", "ExampleValidator", "Analyzer"]


def deepfm(*args):
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=500,
        cwd=REPOSITORY,
    )
    assert done.returncode == 0, done.stderr
    return done


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder that stands for a mounted volume, with a log and an experiment."""
    folder = tmp_path_factory.mktemp("kubeflow")
    shared = folder / "shared"
    shared.mkdir()
    write_log(shared / "log.csv")
    settings = {
        "name": "small",
        "dataset": {**LOG, "path": "/data/elsewhere.csv"},
        "policy_configs": {
            "scoring_policy": {
                "policy_type": "deepfm",
                "embedding_dim": 4,
                "deep_hidden_units": [16],
                "learning_rate": 0.3,
            }
        },
        "training": {"epochs": 8, "batch_size": 64, "embedding_stddev": 0.5},
        "evaluation": {"auc_floor": 0.7, "slices": [["user"]]},
        "push": {"destination": str(shared / "serving" / "small")},
        "kubeflow": {
            "image": "registry.example/deepfm:v1",
            "pipeline_root": "minio://mlpipeline/v2/artifacts",
            "memory": str(shared / "memory"),
            "volumes": [
                {"claim": "shared", "path": str(shared)},
                {"claim": "data", "path": "/data"},
            ],
        },
    }
    (folder / "small.yaml").write_text(yaml.safe_dump(settings))
    return folder


@pytest.fixture(scope="module")
def cluster(place):
    return Cluster(place)


def run(cluster, place, *overrides):
    path = place / "pipeline.yaml"
    deepfm("compile", place / "small.yaml", "-o", path, *overrides)
    log = str(place / "shared" / "log.csv")
    return cluster.run(path, data=log, learning_rate=0.01)


@pytest.fixture(scope="module")
def first(cluster, place):
    return run(cluster, place)


def test_a_run_ends_with_a_pushed_model(first, place):
    [version] = (place / "shared" / "serving" / "small").iterdir()
    pushed = first.artifacts["Pusher"]["pushed_model"]["metadata"]
    assert pushed["pushed_version"] == version.name
    served = tf.saved_model.load(str(version)).signatures["serving_default"]
    assert served.structured_outputs
    rows = json.loads(first.artifacts["ExampleGen"]["examples"]["metadata"]["rows"])
    assert rows["train"] + rows["eval"] == ROWS
    assert rows["quarantined"] == BAD_ROWS
    assert first.cached == []


def test_its_metrics_are_those_of_a_run_here(first, cluster, place):
    deepfm(
        "run", place / "small.yaml", "--root", place / "runs",
        "--data", place / "shared" / "log.csv",
        "--set", "policy_configs.scoring_policy.learning_rate=0.01",
        "--set", f"push.destination={place / 'pushed'}",
    )  # fmt: skip
    summary = json.loads((place / "runs" / "small" / "summary.json").read_text())
    evaluation = first.artifacts["Evaluator"]["evaluation"]["uri"]
    found = results.load(str(cluster.path(evaluation)))
    for name, value in summary["metrics"].items():
        assert found.candidate[results.EVERY_ROW][name] == pytest.approx(
            value, abs=1e-6
        )


def test_the_next_run_uses_what_did_not_change_and_knows_the_last(
    first, cluster, place
):
    with pytest.raises(TaskFailedError) as refused:
        run(cluster, place, "--set", "evaluation.auc_floor=0.999")
    assert (refused.value.task, refused.value.code) == ("Verdict", 3)
    assert "deepfm: nothing was pushed" in refused.value.output
    second = refused.value.run
    assert {*READ, "Transform", "Trainer"} <= set(second.cached)
    assert "AnomalyGate" not in second.cached  # it has something to compare with
    statistics = second.artifacts["RecallStatistics"]["statistics"]
    assert statistics["metadata"]["split_names"] == '["train"]'
    evaluation = second.artifacts["Evaluator"]["evaluation"]["uri"]
    found = results.load(str(cluster.path(evaluation)))
    auc = found.candidate[results.EVERY_ROW]["auc"]
    assert found.baseline[results.EVERY_ROW]["auc"] == pytest.approx(auc, abs=1e-6)
    assert len(list((place / "shared" / "serving" / "small").iterdir())) == 1
