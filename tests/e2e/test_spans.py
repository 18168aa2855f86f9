"""A log that grows by a day, trained on its last three."""

import csv
import re

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_model_analysis as tfma

from components.trainer import datasets
from pipeline.record import RunRecord
from tests.conftest import SMALL
from tests.e2e.running import Experiment, small_policy

pytestmark = pytest.mark.pipeline
ROWS, BAD = 200, 1  # a day has ROWS + its number good ones, the third a bad one too
FIRST = 19843  # the span of the first day, 2024-04-30


def name_of(day):
    return "2024-04-30" if day == 1 else f"2024-05-{day - 1:02}"


def add_day(place, day, device="tv"):
    folder = place.folder / "log" / name_of(day)
    folder.mkdir(parents=True)
    rng = np.random.default_rng(day)
    with open(folder / "clicks.csv", "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click", *SMALL["features"]])
        for _ in range(ROWS + day):
            user, ad = rng.integers(5), rng.integers(5)
            click = int(rng.random() < (0.8 if user > 2 else 0.2))
            cells = [f"u{user}", f"a{ad}", f"s{ad}", device, rng.lognormal(), 30 + ad]
            writer.writerow([click, *cells])
        if day == 3:
            writer.writerow([7, *cells])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("spans")
    path = str(folder / "log" / "{YYYY}-{MM}-{DD}" / "clicks.csv")
    return Experiment(folder, "daily").write(
        dataset={**SMALL, "path": path, "window": 3, "max_bad_fraction": 0.01},
        policy_configs=small_policy(),
        training={"epochs": 1, "batch_size": 32},
        evaluation={"auc_floor": 0.01, "calibration": None},
    )


def rows_of(artifacts, split):
    patterns = [f"{artifact.uri}/Split-{split}/*" for artifact in artifacts]
    return [
        len(list(tf.data.TFRecordDataset(tf.io.gfile.glob(p), "GZIP")))
        for p in patterns
    ]


def transformed_rows_of(artifacts, split):
    return [
        datasets.count([f"{artifact.uri}/Split-{split}/*"]) for artifact in artifacts
    ]


def judged_rows(record):
    uri = record.output("Evaluator", "evaluation").uri
    results = (tfma.load_eval_result(uri, model_name=m) for m in ("candidate", ""))
    [(_, metrics)] = next(r.slicing_metrics for r in results if r.slicing_metrics)
    return metrics[""][""]["example_count"]["doubleValue"]


# The tests stand in the order in which the days come.


def test_without_a_day_there_is_nothing_to_do(place):
    (place.folder / "log").mkdir()
    output = place.run()
    assert output.returncode == 2
    assert "holds no span" in output.stderr
    assert "ExampleGen" not in output.stdout


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("path=log/clicks.csv", "dataset.window: 3 spans are wanted"),
        ("path=log/{SPAN}/{YYYY}.csv", "{SPAN} and {YYYY} both"),
        ("window=0", "dataset.window: received 0"),
    ],
)
def test_a_window_that_cannot_be_meant_is_refused(place, override, message):
    output = place.run(f"dataset.{override}")
    assert (output.returncode, message in output.stderr) == (2, True), output.stderr


@pytest.mark.parametrize(
    ("days", "new"), [([1, 2, 3], [1, 2, 3]), ([2, 3, 4], [4]), ([3, 4, 5], [5])]
)
def test_a_day_is_read_once_and_used_while_in_the_window(place, days, new):
    for day in new:
        add_day(place, day)
    output = place.run()
    assert output.returncode in (0, 3), output.stderr
    for component in ("ExampleGen", "Analyzer"):
        read = re.findall(rf"^  {component}-(\S+) done", output.stdout, re.M)
        reused = re.findall(rf"^  {component}-(\S+) reused", output.stdout, re.M)
        assert read == [name_of(day) for day in new]
        assert reused == [name_of(day) for day in days if day not in new]
    assert re.search(r"^  Trainer done", output.stdout, re.M)

    found = place.summary()
    assert found["spans"] == [FIRST + day - 1 for day in days]
    assert found["span_names"] == [name_of(day) for day in days]
    rows = found["rows"]
    assert rows["train"] + rows["eval"] == sum(ROWS + day for day in days)
    record = RunRecord(str(place.run_folder / "metadata.db"))
    raw = record.outputs("ExampleGen", "examples")
    transformed = record.outputs("Transform", "transformed_examples")
    for split in ("train", "eval"):
        assert sum(rows_of(raw, split)) == rows[split]
        assert transformed_rows_of(transformed, split) == rows_of(raw, split)
    assert judged_rows(record) == rows_of(raw, "eval")[-1]
    assert rows["quarantined"] == BAD
    assert found["quarantined"] == {"neither 0 nor 1": BAD}
    assert f"judged by the eval split of {name_of(days[-1])}" in output.stdout
    assert found["blessed"] == (output.returncode == 0)
    assert bool(found["pushed_version"]) == found["blessed"]
    assert found["metrics"]["auc"] > 0.0


def test_the_same_window_again_is_reused_as_a_whole(place):
    output = place.run()
    assert " done in" not in re.sub(
        "  (Pusher|latest_b|AnomalyGate).*", "", output.stdout
    )
    assert len(re.findall("^  ExampleGen-.* reused", output.stdout, re.M)) == 3


def test_models_are_compared_on_the_window_and_judged_by_its_latest_day(place):
    output = place.ask("compare", "--models", "lr,gbdt", "--seeds", 1)
    assert output.returncode == 0, output.stderr
    assert "Transform reused" in output.stdout


def test_a_day_that_stopped_a_run_stops_the_next_one_too(place):
    schema = place.folder / "schema.pbtxt"
    kinds = {"click": "INT", "price": "FLOAT", "age": "FLOAT"}
    schema.write_text(
        'string_domain { name: "device" value: "tv" }\n'
        'feature { name: "device" type: BYTES domain: "device" }\n'
        + "".join(
            f'feature {{ name: "{name}" type: {kinds.get(name, "BYTES")} }}\n'
            for name in ("click", *SMALL["features"])
            if name != "device"
        )
    )
    curated = f"dataset.curated_schema={schema}"
    add_day(place, 6, device="fridge")
    output = place.run(curated)
    assert output.returncode == 4, output.stderr
    findings = place.summary()["findings"]
    assert [sentence.partition(": ")[0] for sentence in findings] == [
        f"feature 'device' of split '{split}'" for split in ("train", "eval")
    ]
    add_day(place, 7)
    output = place.run(curated)
    assert output.returncode == 4, output.stderr
    findings = place.summary()["findings"]
    assert [sentence.partition(": ")[0] for sentence in findings] == [
        f"feature 'device' of split '{split}' of span {name_of(6)}"
        for split in ("train", "eval")
    ]
    found = re.findall(r"^  StatisticsGen-(\S+) (done|reused)", output.stdout, re.M)
    assert dict(found) == {
        name_of(5): "reused", name_of(6): "reused", name_of(7): "done",
    }  # fmt: skip
