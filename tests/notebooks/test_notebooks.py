"""Every notebook, from top to bottom, on a small run of the generated log."""

import json
import os
import re
import subprocess
import sys

import nbformat
import pytest
from nbclient import NotebookClient

from components.example_gen import click_log
from tests.notebooks.test_stripped import FOLDER

pytestmark = pytest.mark.pipeline
ROWS = 20_000
# Of the planted pairs, that of the fewest values: so few rows are enough to find it.
STRONGEST = "gender x position"
JUPYTERS = ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR", "JUPYTER_RUNTIME_DIR")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """The folder of a run whose log is a fifth of the generated one."""
    place = tmp_path_factory.mktemp("notebooks")
    data = click_log.ensure(
        str(place / "data"), {**click_log.load_plan(), "rows": ROWS}
    )
    done = subprocess.run(
        [
            sys.executable, "-m", "pipeline", "run", "--data", data,
            "--root", place / "runs", "--set", "evaluation.auc_floor=0.6",
            "--set", "evaluation.calibration=[0.8, 1.25]",
        ],
        capture_output=True, text=True, timeout=300,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return place / "runs" / "generated"


@pytest.fixture
def execute(run, tmp_path, monkeypatch):
    """Returns a function that executes a notebook, by its number, and returns it.

    Nothing of the user's Jupyter is read, and nothing is written to their home.
    """
    for name in (*JUPYTERS, "IPYTHONDIR"):
        monkeypatch.setenv(name, str(tmp_path / name.lower()))
    monkeypatch.delenv("JUPYTER_PATH", raising=False)
    environment = {**os.environ, "DEEPFM_RUN": str(run)}
    # It makes a kernel leave alone what libraries write to file descriptors.
    environment.pop("PYTEST_CURRENT_TEST", None)

    def executed(number):
        [path] = FOLDER.glob(f"{number}_*.ipynb")
        notebook = nbformat.read(path, as_version=4)
        nbformat.validate(notebook)
        place = {"metadata": {"path": str(FOLDER)}}
        client = NotebookClient(
            notebook, timeout=300, kernel_name="python3", resources=place
        )
        client.execute(env=environment)  # raises where a cell does
        return {cell.id: said(cell) for cell in notebook.cells if "outputs" in cell}

    return executed


def said(cell):
    """Returns what a cell gave, of each kind, as one text."""
    texts = []
    for output in cell.outputs:
        if output.output_type == "stream":
            assert output.name == "stdout", output.text  # no library's chatter
            texts.append(output.text)
        else:
            texts += [f"{kind} {value}" for kind, value in output.data.items()]
    return "\n".join(texts)


def summary(run):
    return json.loads((run / "summary.json").read_text())


def small(text):
    """Returns the difference that a cell found."""
    return float(re.search(r"(\d\.\de[-+]\d\d) at most", text)[1])


def test_data_and_schema(run, execute):
    cells = execute("01")
    for split in ("train", "eval"):
        rows = summary(run)["rows"][split]
        assert f"{split}: {rows:,} rows" in cells["statistics-read"]
    assert "facets-overview" in cells["facets-view"]
    assert "No anomalies found" in cells["validated"]
    assert "Column dropped" in cells["broken-view"]
    assert "feature 'user_id' of a bad day: " in cells["broken-view"]
    assert "feature 'click' of a bad day: " in cells["broken-view"]
    for feature in click_log.load_plan()["categorical"]:
        assert feature in cells["fields-view"]


def test_deepfm_from_the_inside(execute):
    cells = execute("02")
    assert small(cells["sum"]) < 1e-5
    assert small(cells["served-same"]) < 1e-6
    tables = re.findall(r"embedding/\S*table\b", cells["variables"])
    assert len(set(tables)) == 1
    assert "image/png" in cells["histogram"]
    for chart in ("importance", "pairs-chart"):
        assert "<svg" in cells[chart]
    places = re.findall(
        r"(\S+ x \S+), planted .*: (\d+) of (\d+)", cells["planted-found"]
    )
    assert len(places) == 3
    place, pairs = {pair: (int(n), int(of)) for pair, n, of in places}[STRONGEST]
    assert place <= 20 < pairs == 741


def test_evaluation(run, execute):
    found = summary(run)
    cells = execute("03")
    assert found["verdict"] in cells["verdict-words"]
    auc = f"{found['metrics']['auc']:.6f}"
    assert auc in cells["metrics-table"]
    assert auc in cells["tfma-frame"]
    for view in ("slicing-metrics", "plot"):
        assert "application/vnd.jupyter.widget-view+json" in cells[view]
    assert cells["curves"].count("<svg") == 4
    assert cells["slices-table"].count("is_mobile") >= 2
    assert auc in cells["report-page"]


def test_serving(run, execute):
    cells = execute("04")
    version = summary(run)["pushed_version"]
    assert cells["started"].strip() == f"generated, version {version}"
    assert len(re.findall(r"0\.\d+", cells["grpc-scores"])) == 5
    assert small(cells["rest-scores"]) < 1e-6
    assert len(re.findall(r"^\d\. candidate \d", cells["rank-scores"], re.M)) == 5
    assert "did you mean 'user_id'?" in cells["mistake"]
    assert "AVAILABLE" in cells["rest-state"]


def test_models_compared(run, execute):
    cells = execute("05")
    result = json.loads((run / "compare" / "compare.json").read_text())
    assert set(result["models"]) == {"lr", "fm", "deepfm", "gbdt"}
    assert result["verdict"] in cells["compared"]
    for name, model in result["models"].items():
        auc = model["auc"]["mean"]
        assert re.search(rf"^{name} +{auc:.4f} ±", cells["compared"], re.M)
    assert f"{result['lead']['first']} before" in cells["lead"]
    assert "image/png" in cells["chart"]
