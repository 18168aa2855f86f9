import socket
import sys
from contextlib import closing

import pytest
import yaml

from pipeline import cli
from pipeline.kubeflow import submit
from schema.errors import ConfigError
from tests.pipeline.kubeflow.fake_kfp import FakeKfp

PARAMETERS = {
    "learning_rate": {"parameterType": "NUMBER_DOUBLE", "defaultValue": 0.1},
    "span": {"parameterType": "NUMBER_INTEGER", "defaultValue": -1},
    "data": {"parameterType": "STRING", "defaultValue": "gs://a/b"},
}


@pytest.fixture
def kfp(tmp_path, monkeypatch):
    monkeypatch.setattr(
        submit.kfp.Client, "_LOCAL_KFP_CONTEXT", str(tmp_path / "context.json")
    )
    fake = FakeKfp()
    yield fake
    fake.close()


@pytest.fixture
def pipeline(tmp_path):
    def written(name="small"):
        path = tmp_path / "pipeline.yaml"
        spec = {
            "pipelineInfo": {"name": name},
            "root": {"inputDefinitions": {"parameters": PARAMETERS}},
        }
        path.write_text(yaml.safe_dump(spec))
        return str(path)

    return written


def deepfm(monkeypatch, *args):
    """Returns the exit code of a command."""
    monkeypatch.setattr("sys.argv", ["deepfm", "submit", *args])
    with pytest.raises(SystemExit) as ended:
        cli.main()
    return ended.value.code or 0


def test_a_run_is_of_a_version_that_is_uploaded_once(
    kfp, pipeline, monkeypatch, capsys
):
    path = pipeline()
    asked = [path, "--host", kfp.url, "--experiment", "nightly"]
    given = ["--set", "span=7", "--set", "learning_rate=1", "--set", "data=gs://c/1"]
    root = ["--pipeline-root", "gs://other/root"]
    assert deepfm(monkeypatch, *asked, *given, *root) == 0
    assert f"{kfp.url}/#/runs/details/runs-1" in capsys.readouterr().out
    assert kfp.uploads[0][0] == "small"
    assert all(yaml.safe_load(file) == submit.read(path) for _, file in kfp.uploads)
    [(_, experiment), (_, run)] = kfp.posted
    assert experiment["display_name"] == "nightly"
    assert run["experiment_id"] == "experiments-1"
    assert run["runtime_config"] == {
        "parameters": {"span": 7, "learning_rate": 1.0, "data": "gs://c/1"},
        "pipeline_root": "gs://other/root",
    }
    version = run["pipeline_version_reference"]
    assert version == {"pipeline_id": "p1", "pipeline_version_id": "v1"}

    before = len(kfp.uploads)
    assert deepfm(monkeypatch, *asked) == 0
    assert len(kfp.uploads) == before  # the same file
    with open(path, "a") as file:
        file.write("# another\n")
    assert deepfm(monkeypatch, *asked) == 0
    assert (
        kfp.posted[-1][1]["pipeline_version_reference"]["pipeline_version_id"] == "v2"
    )


def test_a_schedule_is_handed_over(kfp, pipeline, monkeypatch):
    asked = [pipeline(), "--host", kfp.url, "--recurring", "0 0 3 * * *"]
    assert deepfm(monkeypatch, *asked) == 0
    kind, recurring = kfp.posted[-1]
    assert kind == "recurringruns"
    assert recurring["trigger"]["cron_schedule"]["cron"] == "0 0 3 * * *"
    assert recurring["mode"] == "ENABLE"
    assert deepfm(monkeypatch, *asked, "--wait") == 2


@pytest.mark.parametrize(
    ("state", "failed", "code"),
    [
        ("SUCCEEDED", [], 0),
        ("FAILED", ["Verdict"], 3),
        ("FAILED", ["AnomalyGate"], 4),
        ("FAILED", ["Trainer"], 1),
        ("CANCELED", [], 5),
    ],
)
def test_a_run_that_is_waited_for_gives_its_verdict(
    kfp, pipeline, monkeypatch, capsys, state, failed, code
):
    details = [{"display_name": name, "state": "FAILED"} for name in failed]
    details.append({"display_name": "ExampleGen", "state": "SUCCEEDED"})
    kfp.run = {"state": state, "run_details": {"task_details": details}}
    assert deepfm(monkeypatch, pipeline(), "--host", kfp.url, "--wait") == code
    assert "Traceback" not in capsys.readouterr().err


@pytest.mark.parametrize("status", [401, 403, 500])
def test_an_installation_that_refuses_is_said_in_a_sentence(
    kfp, pipeline, monkeypatch, capsys, status
):
    kfp.refusal = status
    assert deepfm(monkeypatch, pipeline(), "--host", kfp.url) == 5
    error = capsys.readouterr().err
    assert f"({status})" in error and len(error.splitlines()) == 1
    assert ("credentials" in error) is (status != 500)


def test_a_host_that_is_not_there_is_said_in_a_sentence(pipeline, monkeypatch, capsys):
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))  # and does not listen
        host = f"http://127.0.0.1:{taken.getsockname()[1]}"
        assert deepfm(monkeypatch, pipeline(), "--host", host) == 5
    assert f"no answer from {host}" in capsys.readouterr().err
    assert deepfm(monkeypatch, pipeline(), "--host", "kubeflow") == 2


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("span=seven", "expected an integer"),
        ("learning_rate=high", "expected a number"),
        ("learning_rat=1", "no parameter 'learning_rat'.*'learning_rate'"),
        ("span", "expected NAME=VALUE"),
    ],
)
def test_a_parameter_of_another_type_is_refused(pipeline, given, message):
    with pytest.raises(ConfigError, match=message):
        submit.typed(pipeline(), [given])


def test_a_file_that_is_no_pipeline_is_refused(tmp_path):
    path = tmp_path / "x.yaml"
    for text in ("", "dataset: generated", "a: [", "\udcff"):
        path.write_text(text, errors="surrogateescape")
        with pytest.raises(ConfigError, match=r"x\.yaml"):
            submit.read(str(path))
    with pytest.raises(ConfigError, match="cannot be read"):
        submit.read(str(tmp_path / "absent.yaml"))


def test_without_the_sdk_it_is_said_what_to_install(monkeypatch, pipeline, capsys):
    monkeypatch.setitem(sys.modules, "kfp", None)
    monkeypatch.delitem(sys.modules, "pipeline.kubeflow.submit")
    asked = [pipeline(), "--host", "http://127.0.0.1:1"]
    assert deepfm(monkeypatch, *asked) == 2
    assert "pip install 'deepfm-tfx[kfp]'" in capsys.readouterr().err
