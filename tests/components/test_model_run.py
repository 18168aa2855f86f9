from components import model_run
from tests.components.report import made

CONFIG = {
    "policy_configs": {"scoring_policy": {"learning_rate": 1.0}, "other": {}},
    "training": {"epochs": 1},
    "dataset": "shop",
}


def test_a_history_is_read_as_it_was_written(tmp_path):
    made.write_history(tmp_path / "run", made.HISTORY)
    assert model_run.history(str(tmp_path / "run")) == made.HISTORY


def test_a_run_without_a_history_has_no_figures(tmp_path):
    assert model_run.history(str(tmp_path)) == []


def test_what_a_model_was_trained_with_takes_the_place_of_what_was_planned(tmp_path):
    folder = str(tmp_path / "not" / "yet" / "there")
    model_run.write_settings(folder, {"learning_rate": 0.5}, {"epochs": 7})
    assert model_run.as_trained(CONFIG, folder) == {
        "policy_configs": {"scoring_policy": {"learning_rate": 0.5}, "other": {}},
        "training": {"epochs": 7},
        "dataset": "shop",
    }


def test_without_such_settings_it_is_as_planned(tmp_path):
    assert model_run.as_trained(CONFIG, str(tmp_path)) == CONFIG
