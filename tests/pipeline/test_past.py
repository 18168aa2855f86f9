import pytest

from pipeline import loading
from pipeline.pipeline import create_pipeline


@pytest.fixture
def stages(write_config, tmp_path):
    def made(memory):
        config = loading.load(write_config(), data=str(tmp_path / "log.csv"))
        dag = create_pipeline(config, "root", "", "serving", "v1", memory)
        return {component.id: component for component in dag.components}

    return made


def test_a_run_that_metadata_cannot_be_asked_for_keeps_copies(stages):
    here, there = stages(None), stages("memory")
    assert set(here) - set(there) == {"latest_blessed_model_resolver"}
    assert set(there) - set(here) == {
        "RecallStatistics", "RecallModel", "RememberStatistics", "RememberModel",
        "Verdict",
    }  # fmt: skip
    for name in ("RecallModel", "RememberModel", "RememberStatistics"):
        assert there[name].exec_properties["folder"] == "memory"


def test_a_run_looks_back_before_it_leaves_anything_for_the_next(stages):
    there = stages("memory")
    assert there["RecallStatistics"] in there["AnomalyGate"].upstream_nodes
    assert there["AnomalyGate"] in there["RememberStatistics"].upstream_nodes
    assert there["RecallModel"] in there["Evaluator"].upstream_nodes
    assert there["Evaluator"] in there["RememberModel"].upstream_nodes
    assert there["InfraValidator"] in there["RememberModel"].upstream_nodes
