import pytest
from tfx.types import standard_artifacts

from components.memory import component
from schema.errors import NotPushedError


def artifact(kind, folder):
    folder.mkdir(parents=True, exist_ok=True)
    made = kind()
    made.uri = str(folder)
    return made


def run(made, inputs, outputs, **properties):
    inputs = {key: [value] for key, value in inputs.items()}
    outputs = {key: [value] for key, value in outputs.items()}
    made.EXECUTOR_SPEC.executor_class().Do(inputs, outputs, properties)


@pytest.fixture
def memory(tmp_path):
    return str(tmp_path / "memory")


def test_statistics_come_back_as_they_were_accepted(tmp_path, memory):
    kind = standard_artifacts.ExampleStatistics
    accepted, none, found = (artifact(kind, tmp_path / name) for name in "abc")
    run(component.RecallStatistics, {}, {"statistics": none}, folder=memory)
    assert none.split_names == "[]"

    (tmp_path / "a" / "Split-train").mkdir()
    (tmp_path / "a" / "Split-train" / "FeatureStats.pb").write_text("numbers")
    accepted.split_names, accepted.span = '["train"]', 7
    accepted.set_float_custom_property("negatives", 0.25)
    run(component.RememberStatistics, {"statistics": accepted}, {}, folder=memory)
    run(component.RecallStatistics, {}, {"statistics": found}, folder=memory)
    assert (found.split_names, found.span) == ('["train"]', 7)
    assert found.get_float_custom_property("negatives") == 0.25
    copied = tmp_path / "c" / "Split-train" / "FeatureStats.pb"
    assert copied.read_text() == "numbers"


@pytest.mark.parametrize(
    ("evaluator", "infra_validator", "kept"),
    [
        ("BLESSED", "INFRA_BLESSED", True),
        ("BLESSED", "INFRA_NOT_BLESSED", False),
        ("NOT_BLESSED", "INFRA_BLESSED", False),
    ],
)
def test_only_a_model_that_both_blessed_is_what_the_next_one_is_compared_with(
    tmp_path, memory, evaluator, infra_validator, kept
):
    inputs = {
        "model": artifact(standard_artifacts.Model, tmp_path / "model"),
        "blessing": artifact(standard_artifacts.ModelBlessing, tmp_path / "one"),
        "infra_blessing": artifact(standard_artifacts.InfraBlessing, tmp_path / "two"),
    }
    (tmp_path / "model" / "weights").write_text("new")
    (tmp_path / "one" / evaluator).touch()
    (tmp_path / "two" / infra_validator).touch()
    run(component.RememberModel, inputs, {}, folder=memory)
    found = artifact(standard_artifacts.Model, tmp_path / "found")
    run(component.RecallModel, {}, {"model": found}, folder=memory)
    assert (tmp_path / "found" / "weights").exists() is kept
    assert list((tmp_path / "found").iterdir())  # an object store keeps no empty one


def test_a_run_that_pushed_nothing_fails(tmp_path):
    pushed = artifact(standard_artifacts.PushedModel, tmp_path)
    pushed.set_int_custom_property("pushed", 1)
    run(component.Verdict, {"pushed_model": pushed}, {})
    pushed.set_int_custom_property("pushed", 0)
    with pytest.raises(NotPushedError, match="not blessed"):
        run(component.Verdict, {"pushed_model": pushed}, {})
