"""What the compiled file says; tests/kubeflow/ runs it."""

import json
import sys
from pathlib import Path

import pytest
import yaml
from kfp import components

from pipeline.config import PipelineConfig
from pipeline.kubeflow import compiling
from schema.errors import ConfigError
from tests.conftest import SMALL
from tests.pipeline.kubeflow.experiments import IMAGE, settings

SUMMARY = Path(__file__).with_name("summary.yaml")


def compiled(code_version="v1", **changed):
    config = PipelineConfig.model_validate(settings(**changed))
    return compiling.compiled(config, code_version)


@pytest.fixture(scope="module")
def spec():
    return compiled()[0]


def tasks(spec):
    return spec["root"]["dag"]["tasks"]


def container(spec, name):
    label = spec["components"][name]["executorLabel"]
    return spec["deploymentSpec"]["executors"][label]["container"]


def test_the_structure_is_as_reviewed(spec):
    """To review a change: `python -m tests.pipeline.kubeflow.test_compiling`."""
    assert summary(spec) == yaml.safe_load(SUMMARY.read_text())


def summary(spec):
    parameters = spec["root"]["inputDefinitions"]["parameters"]
    return {
        "parameters": {
            name: f"{one['parameterType']} {one['defaultValue']}"
            for name, one in parameters.items()
        },
        "tasks": {
            name: {
                "after": sorted(task.get("dependentTasks", [])),
                "artifacts": {
                    key: "{producerTask}.{outputArtifactKey}".format(
                        **one["taskOutputArtifact"]
                    )
                    for key, one in task.get("inputs", {}).get("artifacts", {}).items()
                },
                "parameters": sorted(task.get("inputs", {}).get("parameters", {})),
                "cached": task.get("cachingOptions", {}).get("enableCache", False),
                "retries": task.get("retryPolicy", {}).get("maxRetryCount", 0),
            }
            for name, task in tasks(spec).items()
        },
    }


def test_kubeflows_own_loader_takes_the_file(tmp_path):
    config = PipelineConfig.model_validate(settings())
    path = tmp_path / "pipeline.yaml"
    warning = compiling.compile_to(config, str(path))
    assert "kubeflow.image" in str(warning)
    loaded = components.load_component_from_file(str(path))
    assert loaded.pipeline_spec.schema_version == "2.1.0"
    assert loaded.pipeline_spec.default_pipeline_root.startswith("minio://")
    mounted = loaded.platform_spec.platforms["kubernetes"].deployment_spec.executors
    assert set(mounted) == set(loaded.pipeline_spec.deployment_spec["executors"])
    written = path.read_bytes()
    compiling.compile_to(config, str(path))
    assert path.read_bytes() == written


def test_the_open_backend_has_an_answer_to_every_task(spec):
    """It runs containers; a resolver it refuses, a lifecycle it does not see."""
    for executor in spec["deploymentSpec"]["executors"].values():
        assert list(executor) == ["container"]
        assert not set(executor["container"]) - {
            "image",
            "command",
            "args",
            "resources",
        }
        assert executor["container"]["image"] == IMAGE


def test_other_code_is_another_key_of_the_cache(spec):
    other = compiled("v2")[0]
    for name in spec["components"]:
        if container(spec, name)["command"][-1].endswith("container"):
            assert container(spec, name)["args"] != container(other, name)["args"]


def test_containers_get_what_was_asked_for():
    args = ["--runner=DirectRunner", "--direct_num_workers=2"]
    spec = compiled(
        kubeflow={
            "containers": {"memory_request": "1Gi", "retries": 1},
            "components": {
                "Trainer": {"memory_limit": "16Gi", "cpu_request": "500m"},
                "Transform": {"beam_args": args, "retries": 0},
            },
        }
    )[0]
    assert container(spec, "Trainer")["resources"] == {
        "resourceMemoryRequest": "1Gi",
        "resourceMemoryLimit": "16Gi",
        "resourceCpuRequest": "500m",
    }
    assert container(spec, "Transform")["args"][-2:] == args
    assert "--runner=FnApiRunner" in container(spec, "Analyzer")["args"]
    assert "retryPolicy" not in tasks(spec)["Transform"]
    assert tasks(spec)["Trainer"]["retryPolicy"]["maxRetryCount"] == 1


def test_a_reviewed_schema_is_where_a_container_finds_it(tmp_path):
    import schema

    own = Path(schema.__path__[0]) / "adult" / "schema.pbtxt"
    places = {
        str(own): "package://schema/adult/schema.pbtxt",
        "/shared/schema.pbtxt": "/shared/schema.pbtxt",
        "gs://bucket/schema.pbtxt": "gs://bucket/schema.pbtxt",
    }
    for given, expected in places.items():
        dataset = {**SMALL, "path": "/shared/log.csv", "curated_schema": given}
        inputs = tasks(compiled(dataset=dataset)[0])["ImportSchemaGen"]["inputs"]
        found = inputs["parameters"]["schema_file"]["runtimeValue"]["constant"]
        assert found == expected
    dataset["curated_schema"] = str(tmp_path / "schema.pbtxt")
    with pytest.raises(ConfigError, match=r"dataset\.curated_schema"):
        compiled(dataset=dataset)


def test_requests_that_were_served_are_read_and_watched():
    schema = {"curated_schema": "/shared/schema.pbtxt"}
    spec = compiled(
        dataset={**SMALL, **schema, "path": "/shared/log.csv"},
        validation={"serving_data": "gs://bucket/served.csv"},
    )[0]
    reader = tasks(spec)["ServingExampleGen"]
    assert reader["inputs"]["parameters"]["serving_data"] == {
        "componentInputParameter": "serving_data"
    }
    assert "ServingDataState" in reader["dependentTasks"]
    args = container(spec, "ServingDataState")["args"]
    assert args[args.index("--labelled") + 1] == "false"
    assert "span" not in reader["inputs"]["parameters"]


def test_the_file_has_to_be_yaml(tmp_path):
    config = PipelineConfig.model_validate(settings())
    with pytest.raises(ConfigError, match=r"ends in \.yaml"):
        compiling.compile_to(config, str(tmp_path / "pipeline.json"))


def test_without_the_sdk_it_is_said_what_to_install(monkeypatch):
    from tfx.orchestration.kubeflow import v2

    monkeypatch.delattr(v2, "kubeflow_v2_dag_runner")
    monkeypatch.setitem(sys.modules, f"{v2.__name__}.kubeflow_v2_dag_runner", None)
    with pytest.raises(ConfigError, match="SDK is not installed"):
        compiled()


def test_the_demo_fits_into_200_kb():
    import schema

    path = Path(schema.__path__[0]) / "generated" / "dataset.yaml"
    declared = yaml.safe_load(path.read_text())
    dataset = {
        **declared,
        "path": "/shared/clicks.csv",
        "curated_schema": str(path.with_name("schema.pbtxt")),
    }
    documents = compiled(name="generated", dataset=dataset)
    assert len(yaml.safe_dump_all(documents)) < 200_000
    assert str(path.parents[2]) not in json.dumps(documents)


if __name__ == "__main__":
    SUMMARY.write_text(yaml.safe_dump(summary(compiled()[0]), sort_keys=True))
