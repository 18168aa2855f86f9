"""Logs that a run cannot use, in whatever part of them that shows."""

import pytest

from tests.conftest import SMALL
from tests.e2e.running import Experiment, started

pytestmark = pytest.mark.pipeline


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("1,u{i},a,s,d,1,2", "have the label 1"),
        ("{even},u{i},,s,d,1,2", "column 'ad'"),
        ("{even},u{i},a,s,d,{price},2", "100 of 200 rows cannot be used"),
    ],
)
def test_what_only_the_whole_file_shows_ends_in_a_sentence(tmp_path, row, message):
    lines = [
        row.format(i=i, even=i % 2, price="cheap" if i % 2 else 1) for i in range(200)
    ]
    header = "click,user,ad,site,device,price,age"
    (tmp_path / "log.csv").write_text("\n".join([header, *lines]) + "\n")
    experiment = Experiment(tmp_path, "bad").write(
        dataset={**SMALL, "path": "log.csv"},
        policy_configs={"scoring_policy": {"policy_type": "deepfm"}},
    )
    output = experiment.run()
    assert output.returncode == 2
    assert message in output.stderr
    assert "Traceback" not in output.stderr
    assert "StatisticsGen" not in started(output.stdout)
