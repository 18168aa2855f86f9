"""What is not seen when all goes well; tests/kubeflow/ shows that."""

import json

import pytest
from tfx.orchestration.kubeflow.v2.compiler_utils import get_artifact_schema
from tfx.types import standard_artifacts

from pipeline.kubeflow import container

_VERDICT = "components.memory.component.Verdict_Executor"


@pytest.fixture
def launch(tmp_path):
    """Returns a function that runs a component and returns its exit code."""

    def launched(executor, inputs, parameters=None, declared=()):
        kinds = {
            name: {
                "artifactType": {"instanceSchema": get_artifact_schema(kind).decode()}
            }
            for name, (kind, _) in inputs.items()
        }
        artifacts = {
            name: {
                "artifacts": [
                    {"name": "7", "uri": str(tmp_path / name), "metadata": metadata}
                ]
            }
            for name, (_, metadata) in inputs.items()
        }
        task = {
            "inputs": {"artifacts": artifacts, "parameterValues": parameters or {}},
            "outputs": {"outputFile": str(tmp_path / "out" / "output_metadata.json")},
        }
        spec = {"artifacts": kinds, "parameters": dict(declared)}
        argv = ["--code_version=v1", "--executor_class_path", executor]
        argv += ["--json_serialized_invocation_args", json.dumps(task)]
        argv += ["--json_serialized_inputs_spec_args", json.dumps(spec)]
        try:
            container.main([*argv, "--runner=FnApiRunner"])
        except SystemExit as ended:
            return ended.code
        return 0

    return launched


@pytest.mark.parametrize(("pushed", "code"), [(1.0, 0), (0.0, 3)])
def test_the_verdict_is_the_containers_exit_code(launch, capsys, pushed, code):
    model = (standard_artifacts.PushedModel, {"pushed": pushed})
    assert launch(_VERDICT, {"pushed_model": model}) == code
    assert ("deepfm: nothing was pushed" in capsys.readouterr().err) is (code == 3)


def test_data_that_is_not_there_is_the_users_to_mend(launch, capsys, tmp_path):
    from components.example_gen import component
    from schema.features import Dataset
    from tests.conftest import SMALL

    dataset = Dataset.model_validate({**SMALL, "path": "gs://elsewhere/log.csv"})
    made = component.unseen_example_gen(dataset, "v1")
    values = {k: v for k, v in made.exec_properties.items() if v is not None}
    values |= {"data": str(tmp_path / "{SPAN}.csv"), "span": 7.0}
    declared = {"span": {"parameterType": "NUMBER_INTEGER"}}
    executor = "components.example_gen.executor.Executor"
    assert launch(executor, {}, values, declared) == 2
    assert "holds no span up to 7" in capsys.readouterr().err


def test_what_a_driver_found_is_in_the_outputs(tmp_path):
    path = tmp_path / "output_metadata.json"
    told = {"uri": "x", "metadata": {"span": 7.0}}
    path.write_text(json.dumps({"artifacts": {"examples": {"artifacts": [told]}}}))
    artifact = {"uri": "x"}
    outputs = {"examples": {"artifacts": [artifact]}}
    container._take_metadata({"outputs": {"artifacts": outputs, "outputFile": path}})
    assert artifact["metadata"] == {"span": 7.0}
