import os

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import hypothesis
import pytest
import yaml

from schema.features import Dataset
from tests.scheduling import ByRun

# One commit, one result; --hypothesis-profile=default draws anew.
hypothesis.settings.register_profile("repeatable", derandomize=True)
hypothesis.settings.load_profile("repeatable")

SMALL = {
    "name": "small",
    "label": {"column": "click"},
    "features": {
        "user": {"type": "categorical", "min_count": 2},
        "ad": {"type": "categorical", "min_count": 2, "oov_buckets": 2},
        "site": {"type": "categorical", "hash_buckets": 10},
        "device": {"type": "categorical", "min_count": 1, "default": "phone"},
        "price": {"type": "numeric", "buckets": 4, "scale": "log_z_score"},
        "age": {"type": "numeric", "buckets": 4},
    },
}


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    return ByRun(config, log) if config.getvalue("dist") == "loadfile" else None


@pytest.fixture
def small() -> Dataset:
    return Dataset.model_validate(SMALL)


@pytest.fixture
def write_config(tmp_path):
    """Returns a function that writes an experiment and returns its path."""

    def write(**blocks):
        settings = {
            "dataset": SMALL,
            "policy_configs": {"scoring_policy": {"policy_type": "deepfm"}},
            **blocks,
        }
        path = tmp_path / "experiment.yaml"
        path.write_text(yaml.safe_dump(settings))
        return str(path)

    return write
