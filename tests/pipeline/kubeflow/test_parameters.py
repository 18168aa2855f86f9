import json

import pytest
from tfx.utils import json_utils

from components.example_gen import component as example_gen
from pipeline.config import PipelineConfig
from pipeline.kubeflow import data_state, parameters
from schema.errors import ConfigError, DataError
from schema.features import Dataset
from tests.conftest import SMALL
from tests.pipeline.kubeflow.experiments import settings


def test_the_policys_numbers_are_parameters_with_the_experiments_defaults():
    policy = {"policy_type": "deepfm", "learning_rate": 0.01, "embedding_dim": 4}
    config = PipelineConfig.model_validate(
        settings(policy_configs={"scoring_policy": policy}, training={"batch_size": 64})
    )
    found = {one.name: one for one in parameters.declared(config)}
    assert (found["learning_rate"].default, found["learning_rate"].type) == (
        0.01,
        "NUMBER_DOUBLE",
    )
    assert (found["embedding_dim"].default, found["embedding_dim"].type) == (
        4,
        "NUMBER_INTEGER",
    )
    assert found["batch_size"].default == 64
    assert found["data"].default == "/shared/log.csv"
    assert found["destination"].component == "Pusher"
    for key in ("mixed_precision", "epochs", "attention_dim"):
        assert key not in found  # no number, not given, of another model


def trainer_properties():
    policy = {"policy_type": "deepfm", "dropout": 0.3}
    custom = {"policy": json.dumps(policy), "training": "{}", "code_version": "v1"}
    return {"custom_config": json_utils.dumps(custom), "run_fn": "x"}


def test_hyperparameters_take_the_place_of_what_was_compiled():
    given = {"learning_rate": 0.5, "batch_size": 8, "code_version": "x"}
    changed = parameters.with_hyperparameters(trainer_properties(), given)
    custom = json_utils.loads(changed["custom_config"])
    policy, training = json.loads(custom["policy"]), json.loads(custom["training"])
    assert (policy["learning_rate"], policy["dropout"]) == (0.5, 0.3)
    assert training["batch_size"] == 8
    assert custom["code_version"] == "v1"
    assert changed["run_fn"] == "x"


def test_a_hyperparameter_out_of_its_bounds_is_the_users_to_mend():
    with pytest.raises(ConfigError, match=r"parameter dropout: received 2\.0"):
        parameters.with_hyperparameters(trainer_properties(), {"dropout": 2.0})


@pytest.fixture
def log(tmp_path):
    """Three spans, of which the second has two versions."""
    for name in ("1-1", "2-1", "2-2", "3-1"):
        (tmp_path / f"{name}.csv").write_text(f"click,user\n{name}\n")
    return str(tmp_path / "{SPAN}-{VERSION}.csv")


def properties(path):
    dataset = Dataset.model_validate({**SMALL, "path": path})
    made = example_gen.unseen_example_gen(dataset, "v1")
    return {k: v for k, v in made.exec_properties.items() if v is not None}


def test_the_span_is_found_where_the_data_is(log):
    compiled = properties("gs://elsewhere/{SPAN}-{VERSION}.csv")
    latest = parameters.with_examples(compiled, log, parameters.LATEST)
    second = parameters.with_examples(compiled, log, 2)
    span = json.loads(latest["range_config"])["static_range"]["start_span_number"]
    assert int(span) == 3
    assert "2-2.csv" in second["custom_config"]
    with pytest.raises(DataError, match="no span up to 0"):
        parameters.with_examples(compiled, log, 0)


def test_a_log_that_changes_in_place_is_another(tmp_path, log):
    dataset = Dataset.model_validate({**SMALL, "path": "gs://elsewhere/x"})

    def found(span=parameters.LATEST):
        return data_state.state(dataset, True, log, span)

    first, second = found(), found(2)
    assert found() == first != second
    (tmp_path / "2-2.csv").write_text("click,user\nlonger\n")
    assert found() == first
    assert found(2) != second
    (tmp_path / "4-1.csv").touch()
    assert found() != first


def test_the_state_is_written_where_the_launcher_looks(tmp_path, log):
    dataset = Dataset.model_validate(SMALL)
    place = tmp_path / "outputs" / "state"
    data_state.main(
        ["--dataset", dataset.model_dump_json(), "--labelled", "true", "--data", log,
         "--span", "-1", "--state", str(place)]
    )  # fmt: skip
    assert place.read_text() == data_state.state(dataset, True, log, -1)
