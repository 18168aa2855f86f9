import pytest
from pydantic import ValidationError

from pipeline.kubeflow.config import ContainerConfig, KubeflowConfig


def test_a_component_has_its_own_settings_over_those_of_all():
    config = KubeflowConfig(
        containers={"memory_limit": "2Gi", "retries": 3},
        components={"Trainer": {"memory_limit": "16Gi"}, "Pusher": {"retries": 0}},
    )
    assert config.container("Trainer").memory_limit == "16Gi"
    assert config.container("Trainer").retries == 3
    assert config.container("Pusher").retries == 0
    assert config.container("Evaluator").memory_limit == "2Gi"


@pytest.mark.parametrize(
    "wrong",
    [{"memory_limit": "16 GB"}, {"cpu_request": "two"}, {"retries": -1}, {"gpu": "1"}],
)
def test_what_kubernetes_would_refuse_is_refused(wrong):
    with pytest.raises(ValidationError):
        ContainerConfig(**wrong)
