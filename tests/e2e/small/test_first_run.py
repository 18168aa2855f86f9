"""The whole pipeline on a small log, as a user runs it: through the command line."""

import json
import math
import os
import re
import shutil
from pathlib import Path

import pytest

from tests import browser
from tests.e2e.running import deepfm, reused, started
from tests.e2e.small.log import BAD_ROWS, ROWS

pytestmark = pytest.mark.pipeline


# The tests stand in the order in which one run leads to the next, and begin with what
# the first one left.


def test_a_killed_run_leaves_nothing_half_done_and_is_taken_up_again(place):
    assert place.left_behind == []
    done_before = {"ExampleGen", "StatisticsGen", "SchemaGen", "Analyzer", "Transform"}
    assert done_before <= set(reused(place.first.stdout))
    assert "Trainer" not in reused(place.first.stdout)


def test_the_summary_says_what_came_of_it(place):
    found = place.summary()
    assert found["blessed"] is True
    assert found["rows"]["train"] + found["rows"]["eval"] == ROWS
    assert found["rows"]["quarantined"] == BAD_ROWS
    assert found["quarantined"] == {"neither 0 nor 1": BAD_ROWS}
    [quarantine] = Path(found["quarantine"]).iterdir()
    bad = [json.loads(line) for line in quarantine.read_text().splitlines()]
    assert [row["line"] for row in bad] == [ROWS + 2 + i for i in range(BAD_ROWS)]
    assert 0.7 < found["metrics"]["auc"] < 1.0
    assert 0.8 < found["metrics"]["calibration"] < 1.25
    assert 0.0 < found["metrics"]["logloss"] < math.log(2)
    assert 0.7 < found["metrics"]["gauc"] < 1.0
    assert found["metrics"]["example_count"] == found["rows"]["eval"]
    assert found["dataset"] == "small"
    assert found["policy_type"] == "deepfm"
    assert found["bayes_auc"] is None
    assert {"Trainer", "Evaluator", "Pusher", "total"} <= set(found["seconds"])
    [version] = place.versions()
    assert found["pushed_path"] == str(version)
    assert found["pushed_version"] == version.name
    assert (version / "saved_model.pb").is_file()


def test_the_run_ends_with_a_page_of_its_figures(place):
    found = place.summary()
    assert found["report"] == str(place.run_folder / "report.html")
    page = Path(found["report"]).read_text()
    assert f"Blessed, pushed as version {found['pushed_version']}" in page
    shown = dict(re.findall(r'data-metric="(\S+)" data-value="(\S+)"', page))
    for name, value in found["metrics"].items():
        assert float(shown[name]) == value
    assert "The pairs that interact most" in page
    assert 'href="#artifact-' in page  # lineage
    for component in set(place.summary()["seconds"]) - {"Report", "total"}:
        assert component in re.sub("<wbr>", "", page)
    [logs] = (place.run_folder / "tensorboard").iterdir()
    written = {"train", "validation", "history.csv", "settings.json"}
    assert set(os.listdir(logs)) == written


@pytest.mark.browser
@pytest.mark.parametrize("width", [1280, 390])
def test_the_page_can_be_read_in_a_browser(place, width, tmp_path):
    address = Path(place.summary()["report"]).as_uri()
    with browser.opened(address, width, tmp_path) as shown:
        shown.screenshot(f"run-{width}")
        assert shown.trouble == shown.requests == []
        assert shown.evaluate("document.querySelectorAll('svg.chart').length") == 8
        assert shown.evaluate(browser.EMPTY_CHARTS) == []
        assert shown.evaluate(browser.BROKEN_LINKS) == []
        assert shown.evaluate(browser.TOO_WIDE) == []
        auc = shown.evaluate("document.querySelector('[data-metric=auc]').innerText")
    assert auc == f"{place.summary()['metrics']['auc']:.6f}"


def test_the_page_is_made_anew_wherever_the_run_has_been_moved(place, tmp_path):
    run_folder = place.run_folder
    moved = tmp_path / "moved"
    shutil.copytree(run_folder, moved, symlinks=True)
    before = (moved / "report.html").read_text()
    (moved / "report.html").unlink()
    output = deepfm("report", moved)
    assert output.returncode == 0, output.stderr
    assert output.stdout == f"{moved / 'report.html'}\n"
    assert (moved / "report.html").read_text() == before

    output = deepfm("report", run_folder, moved)
    assert output.returncode == 0, output.stderr
    page = Path(output.stdout.strip()).read_text()
    assert "The same settings." in page
    assert deepfm("report", tmp_path).returncode == 2


def test_the_user_sees_components_and_no_library(place):
    output = place.run("evaluation.auc_floor=0.71")
    assert output.returncode == 0
    assert f"{BAD_ROWS} set aside ({BAD_ROWS} neither 0 nor 1), see" in output.stdout
    assert output.stderr == ""
    names = started(output.stdout)
    assert names.index("AnomalyGate") < names.index("Transform") < names.index("Pusher")
    assert output.stdout.strip().endswith("summary.json")
    for noise in ("WARNING", "INFO:", "I0000", "absl"):
        assert noise not in output.stdout
