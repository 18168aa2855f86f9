from pathlib import Path

import mlflow
import pytest

from components.tracking import tracker
from components.tracking.tracker import Figure


def test_a_run_is_kept_whole(mlflow_server, tmp_path):
    figures = [Figure("training/loss", 0.7, 0), Figure("training/loss", 0.5, 1)]
    tracker.log(
        mlflow_server,
        "shop",
        {"policy.embedding_dim": 8, "policy.crosses": ["a", "b"]},
        figures,
        {"dataset": "clicks"},
        {"report.html": "<p>ä</p>"},
    )
    client = mlflow.MlflowClient(mlflow_server)
    [run] = client.search_runs([client.get_experiment_by_name("shop").experiment_id])
    assert run.info.status == "FINISHED"
    assert run.data.params == {
        "policy.embedding_dim": "8",
        "policy.crosses": "['a', 'b']",
    }
    assert run.data.tags.items() >= {("dataset", "clicks")}
    history = client.get_metric_history(run.info.run_id, "training/loss")
    assert sorted((one.step, one.value) for one in history) == [(0, 0.7), (1, 0.5)]
    path = client.download_artifacts(run.info.run_id, "report.html", str(tmp_path))
    assert Path(path).read_text() == "<p>ä</p>"


def test_runs_of_a_name_are_in_one_experiment(mlflow_server):
    for _ in range(2):
        tracker.log(mlflow_server, "twice", {}, [], {}, {})
    client = mlflow.MlflowClient(mlflow_server)
    experiment = client.get_experiment_by_name("twice").experiment_id
    assert len(client.search_runs([experiment])) == 2


@pytest.mark.parametrize("uri", ["http://127.0.0.1:9", "ftp://nowhere"])
def test_without_an_answer_it_says_so(uri):
    with pytest.raises(ConnectionError, match=rf"^mlflow: {uri} takes no run: "):
        tracker.log(uri, "shop", {}, [], {}, {})
