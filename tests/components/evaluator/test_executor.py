import json
import os

import pytest
from tfx.types import standard_artifacts

from components.evaluator import executor
from schema.contract import STORING_PATH

COST = {"embeddings": "int8", "float32_auc": 0.8, "max_auc_loss": 0.0005, "rows": 9}


@pytest.fixture
def blessing(tmp_path):
    """As TFMA's gate leaves it for a model that it lets through."""
    artifact = standard_artifacts.ModelBlessing()
    artifact.uri = str(tmp_path / "blessing")
    (tmp_path / "blessing").mkdir()
    (tmp_path / "blessing" / "BLESSED").touch()
    artifact.set_int_custom_property("blessed", 1)
    return artifact


def model(tmp_path, auc):
    path = tmp_path / "model" / STORING_PATH
    path.parent.mkdir(parents=True)
    path.write_text(json.dumps(COST | {"auc": auc}))
    return str(tmp_path / "model")


def files(tmp_path):
    return [path.name for path in (tmp_path / "blessing").iterdir()]


@pytest.mark.parametrize("auc", [0.7994, float("nan")])
def test_a_model_that_lost_too_much_is_not_blessed(tmp_path, blessing, auc):
    executor.judge(model(tmp_path, auc), blessing)
    assert blessing.get_int_custom_property("blessed") == 0
    assert files(tmp_path) == ["NOT_BLESSED"]


@pytest.mark.parametrize(
    ("auc", "words"),
    [
        (0.7996, "stored as int8 it lost 0.000400 of its AUC in float32 (0.800000)"),
        (0.8001, "it gained 0.000100"),
    ],
)
def test_a_model_that_lost_little_stays_blessed(tmp_path, blessing, auc, words):
    executor.judge(model(tmp_path, auc), blessing)
    assert blessing.get_int_custom_property("blessed") == 1
    assert files(tmp_path) == ["BLESSED"]
    assert words in blessing.get_string_custom_property("storing")


def test_what_tfma_lets_through_is_judged_again(tmp_path, blessing, monkeypatch):
    saved_model = tmp_path / "artifact" / "Format-Serving"
    trained = standard_artifacts.Model()
    trained.uri = str(tmp_path / "artifact")
    os.renames(model(tmp_path, 0.5), saved_model)
    monkeypatch.setattr(executor.executor.Executor, "Do", lambda *_: None)
    executor.Executor().Do({"model": [trained]}, {"blessing": [blessing]}, {})
    assert files(tmp_path) == ["NOT_BLESSED"]


def test_a_model_that_tfma_refused_stays_refused(tmp_path, blessing):
    blessing.set_int_custom_property("blessed", 0)
    (tmp_path / "blessing" / "BLESSED").rename(tmp_path / "blessing" / "NOT_BLESSED")
    executor.judge(model(tmp_path, 0.5), blessing)
    assert blessing.get_int_custom_property("blessed") == 0
    assert files(tmp_path) == ["NOT_BLESSED"]


def test_a_model_stored_as_it_was_trained_is_left_alone(tmp_path, blessing):
    executor.judge(str(tmp_path), blessing)
    assert blessing.get_int_custom_property("blessed") == 1
    assert blessing.get_string_custom_property("storing") == ""


def test_a_baseline_without_a_model_is_none(tmp_path):
    with_model, without = (standard_artifacts.Model() for _ in range(2))
    with_model.uri, without.uri = str(tmp_path / "model"), str(tmp_path / "nothing")
    (tmp_path / "model" / "Format-Serving").mkdir(parents=True)
    (tmp_path / "nothing").mkdir()
    for model_artifact, kept in ((with_model, [with_model]), (without, [])):
        inputs = {"model": [], "baseline_model": [model_artifact]}
        found = executor.with_baseline(inputs)
        assert found == {"model": [], "baseline_model": kept}
    assert executor.with_baseline({"model": []})["baseline_model"] == []
