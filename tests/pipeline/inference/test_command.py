"""`deepfm schema infer`, as it is typed."""

import subprocess
import sys

import pytest
import yaml

from pipeline import loading

LOG = "click,user\n" + "1,a\n0,b\n" * 20


def infer(*args):
    return subprocess.run(
        [sys.executable, "-m", "pipeline", "schema", "infer", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.fixture
def log(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text(LOG)
    return path


def test_it_prints_yaml_and_nothing_else(log):
    output = infer(log)
    assert output.returncode == 0
    assert list(yaml.safe_load(output.stdout)["features"]) == ["user"]
    assert "Next:" in output.stderr


def test_the_next_steps_can_be_followed(tmp_path, log):
    output = infer(log, "-o", tmp_path / "mine.yaml")
    assert output.returncode == 0
    experiment = output.stdout.partition("beside it:")[2].partition("3. ")[0]
    (tmp_path / "experiment.yaml").write_text(experiment)
    dataset = loading.load(str(tmp_path / "experiment.yaml")).dataset
    assert dataset.path == str(log)


def test_a_file_is_not_overwritten_unasked(tmp_path, log):
    mine = tmp_path / "mine.yaml"
    mine.write_text("mended by hand")
    output = infer(log, "-o", mine)
    assert output.returncode == 2
    assert f"{mine} exists" in output.stderr
    assert mine.read_text() == "mended by hand"
    assert infer(log, "-o", mine, "--force").returncode == 0
    assert "features:" in mine.read_text()
    assert [path.name for path in sorted(tmp_path.iterdir())] == [
        "log.csv",
        "mine.yaml",
    ]


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["--label", "clack"], "did you mean 'click'"),
        (["--delimiter", ";;"], "expected one ASCII character"),
        (["-o", "nowhere/mine.yaml"], "lies in none"),
    ],
)
def test_mistakes_end_in_a_sentence(log, args, message):
    output = infer(log, *args)
    assert output.returncode == 2
    assert message in output.stderr
    assert "Traceback" not in output.stderr


def test_options_reach_the_inference(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text("yes;a\nno;b\nno;a\n" * 9)
    output = infer(
        path, "--columns", "bought_it, who", "--label", "bought_it",
        "--positive", "no", "--delimiter", ";",
    )  # fmt: skip
    settings = yaml.safe_load(output.stdout)
    assert settings["file"]["columns"] == ["bought_it", "who"]
    assert settings["label"] == {"column": "bought_it", "positive": ["no"]}


def test_it_needs_no_tensorflow(log):
    code = (
        "import sys; from pipeline.inference import declaration; "
        "declaration.infer(sys.argv[1]); sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, str(log)]).returncode == 0
