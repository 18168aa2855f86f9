"""An experiment that a cluster can run, to be changed by tests."""

from tests.conftest import SMALL

IMAGE = "registry.example/deepfm:v1"


def settings(**changed):
    kubeflow = {
        "image": IMAGE,
        "pipeline_root": "minio://mlpipeline/v2/artifacts",
        "memory": "/shared/memory",
        "volumes": [{"claim": "shared", "path": "/shared"}],
    } | changed.pop("kubeflow", {})
    return {
        "name": "small",
        "dataset": {**SMALL, "path": "/shared/log.csv"},
        "policy_configs": {"scoring_policy": {"policy_type": "deepfm"}},
        "push": {"destination": "/shared/serving/small"},
        "kubeflow": kubeflow,
        **changed,
    }
