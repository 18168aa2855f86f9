"""Mistakes that must be caught before anything slow: each by the real command."""

import subprocess
import sys

import pytest

HEADER = "click,user,ad,site,device,price,age\n"


def deepfm(*args):
    return subprocess.run(
        [sys.executable, "-m", "pipeline", *map(str, args)],
        capture_output=True,
        text=True,
        timeout=100,
    )


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "does not exist"),
        ("", "is empty"),
        (HEADER, "only a header"),
        (HEADER.replace("ad", "add") + "1,u,a,s,d,1,2\n", "no column 'ad'"),
        (HEADER + "7,u,a,s,d,1,2\n", "neither 0 nor 1"),
        ("PAR1", "cannot be read to its end: Parquet"),
    ],
)
def test_bad_data_ends_in_a_sentence(tmp_path, write_config, content, message):
    path = tmp_path / "log.csv"
    if content is not None:
        path.write_text(content)
    output = deepfm("run", write_config(), "--data", path, "--root", tmp_path / "runs")
    assert output.returncode == 2
    assert message in output.stderr
    assert "Traceback" not in output.stderr
    assert str(path) in output.stderr


def test_a_folder_that_cannot_be_written_to(tmp_path, write_config):
    blocked = tmp_path / "file"
    blocked.write_text("")
    output = deepfm("run", write_config(), "--data", blocked, "--root", blocked)
    assert output.returncode == 2
    assert "cannot be written to" in output.stderr


@pytest.mark.parametrize("key", ["push.destination", "dataset.curated_schema"])
def test_places_are_checked_before_long_work(tmp_path, write_config, key):
    log = tmp_path / "log.csv"
    log.write_text(HEADER + "1,u,a,s,d,1,2\n")
    output = deepfm(
        "run", write_config(), "--data", log, "--root", tmp_path / "runs",
        "--set", f"{key}={log}/below",
    )  # fmt: skip
    assert output.returncode == 2
    assert f"{key}: {log}/below" in output.stderr


def test_debug_shows_where(tmp_path, write_config):
    output = deepfm(
        "run", write_config(), "--data", tmp_path / "nowhere", "--debug",
        "--root", tmp_path,
    )  # fmt: skip
    assert output.returncode != 0
    assert "Traceback" in output.stderr


def test_bad_config(write_config):
    output = deepfm("run", write_config(), "--set", "training.epochs=-1")
    assert output.returncode == 2
    assert "training.epochs: received -1" in output.stderr


def test_checking_a_config_needs_no_tensorflow(write_config):
    code = (
        "import sys; from pipeline import loading; loading.load(sys.argv[1]); "
        "sys.exit('tensorflow' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code, write_config()]).returncode == 0


def test_unlabelled_scores_need_a_readable_table(tmp_path, write_config):
    output = deepfm(
        "score", tmp_path / "nowhere.csv", tmp_path / "out.csv", "--model", "m",
        "--config", write_config(),
    )  # fmt: skip
    assert output.returncode == 2
    assert "does not exist" in output.stderr
