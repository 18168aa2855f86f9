import pytest

from pipeline.config import PipelineConfig
from pipeline.kubeflow import checks
from schema.errors import ConfigError
from tests.conftest import SMALL
from tests.pipeline.kubeflow.experiments import settings

DATAFLOW = ["--runner=DataflowRunner"]


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"kubeflow": {"image": None}}, "kubeflow.image: the key is missing"),
        ({"kubeflow": {"image": "two words"}}, "'two words' is no image"),
        ({"kubeflow": {"pipeline_root": "/runs"}}, "kubeflow.pipeline_root.*minio://"),
        ({"kubeflow": {"memory": None}}, "kubeflow.memory: not given"),
        ({"kubeflow": {"memory": "runs/memory"}}, "kubeflow.memory: runs/memory is"),
        ({"push": {}}, "push.destination: not given"),
        ({"push": {"destination": "/sharedish/x"}}, "push.destination.*below /shared"),
        ({"dataset": {**SMALL, "path": "/home/log.csv"}}, "dataset.path.*out of reach"),
        ({"dataset": {**SMALL, "path": "s3://a/b.csv"}}, "dataset.path.*gs://"),
        (
            {"dataset": {**SMALL, "path": "/shared/{SPAN}.csv", "window": 7}},
            "dataset.window: 7 spans",
        ),
        ({"name": "My_Run"}, "name: .*'My_Run'.*lower case.*'my-run'"),
        ({"kubeflow": {"pipeline_name": "-a"}}, "kubeflow.pipeline_name: "),
        ({"beam_args": DATAFLOW}, "beam_args: the workers of DataflowRunner"),
        (
            {"kubeflow": {"components": {"Transform": {"beam_args": DATAFLOW}}}},
            "kubeflow.components.Transform.beam_args",
        ),
    ],
)
def test_what_no_cluster_could_run_is_refused_by_its_key(changed, message):
    config = PipelineConfig.model_validate(settings(**changed))
    with pytest.raises(ConfigError, match=message):
        checks.settings(config)


def test_an_experiment_without_the_block_is_refused():
    config = PipelineConfig.model_validate({**settings(), "kubeflow": None})
    with pytest.raises(ConfigError, match="kubeflow: the block is missing"):
        checks.settings(config)


def test_what_a_cluster_can_run_is_let_through():
    root = {"pipeline_root": "gs://bucket/root", "memory": "gs://bucket/memory"}
    config = PipelineConfig.model_validate(
        settings(
            name="My_Run",
            beam_args=DATAFLOW,
            kubeflow={**root, "pipeline_name": "my-run"},
        )
    )
    assert checks.settings(config) == config.kubeflow
    assert checks.pipeline_name(config) == "my-run"


@pytest.mark.parametrize(
    ("image", "told"),
    [
        ("registry:5000/deepfm:latest", True),
        ("registry:5000/deepfm", True),
        ("registry:5000/deepfm:0123456789abcdef", False),
        (f"registry:5000/deepfm@sha256:{'0' * 64}", False),
    ],
)
def test_an_image_of_other_code_is_warned_of(image, told):
    warning = checks.image_warning(image, "0123456789abcdef")
    assert (warning is not None) is told
    assert not told or "0123456789abcdef" in str(warning)
    config = PipelineConfig.model_validate(settings(kubeflow={"image": image}))
    assert checks.settings(config)


def test_settings_of_a_component_that_is_not_there_are_refused():
    kubeflow = PipelineConfig.model_validate(
        settings(kubeflow={"components": {"Trainr": {}}})
    ).kubeflow
    with pytest.raises(ConfigError, match=r"components\.Trainr.*'Trainer'"):
        checks.check_components(kubeflow, ["Trainer", "Pusher"])
