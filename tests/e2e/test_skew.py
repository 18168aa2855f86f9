"""Requests that are not what the model was trained on, through the command line."""

import csv
import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e import shop

pytestmark = pytest.mark.pipeline
ROWS, REQUESTS, BAD_REQUESTS = 1000, 600, 2
SCHEMA = """
feature {
  name: "click"
  type: INT
  presence { min_fraction: 1.0 min_count: 1 }
  skew_comparator { jensen_shannon_divergence { threshold: 0.01 } }
}
feature {
  name: "device"
  type: BYTES
  presence { min_fraction: 0.9 min_count: 1 }
  domain: "device"
  distribution_constraints { min_domain_mass: 0.95 }
  skew_comparator { infinity_norm { threshold: 0.2 } }
}
feature {
  name: "price"
  type: FLOAT
  float_domain { min: -50 max: 100 }
  skew_comparator { jensen_shannon_divergence { threshold: 0.2 } }
}
string_domain { name: "device" value: "phone" value: "tv" }
"""


def write_log(path, rows, tv=0.2, price=10.0, label=True, odd=()):
    """A log of which a share `tv` comes from televisions, and odd rows after it."""
    rng = np.random.default_rng(0)
    first = 0 if label else 1  # column
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click", "device", "price"][first:])
        for i in range(rows):
            device = "tv" if rng.random() < tv else "phone"
            writer.writerow([i % 2, device, rng.normal(price)][first:])
        writer.writerows(row[first:] for row in odd)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("skew")
    (folder / "schema.pbtxt").write_text(SCHEMA)
    write_log(folder / "log.csv", ROWS)
    bad = [[0, "tv", "cheap"]] * BAD_REQUESTS
    write_log(folder / "like.csv", REQUESTS, tv=0.25, label=False, odd=bad)
    write_log(folder / "unlike.csv", REQUESTS, tv=0.7, price=20.0)
    odd = [["fridge", 1], ["", 2], ["", 3], ["phone", 1000]]
    odd = [[i % 2, device, price + i / 100] for i in range(60) for device, price in odd]
    write_log(folder / "odd.csv", ROWS // 2, odd=odd)
    return shop.experiment(
        folder,
        dataset={"max_bad_fraction": 0.01},
        validation={"serving_data": "like.csv"},
    )


# The tests stand in the order in which one run leads to the next.


def test_what_could_not_be_compared_is_said_first(place):
    output = place.run("validation.serving_data=none.csv")
    assert output.returncode == 2
    assert "validation.serving_data: " in output.stderr
    assert "none.csv does not exist" in output.stderr
    assert "ExampleGen" not in output.stdout


def test_requests_that_are_like_the_training_data_let_the_run_go_on(place):
    output = place.run()
    assert output.returncode == 0, output.stderr
    found = place.summary()
    assert found["findings"] == []
    assert found["rows"]["train"] + found["rows"]["eval"] == ROWS
    assert found["rows"]["quarantined"] == 0
    serving = found["serving"]
    assert serving["rows"] == {"serving": REQUESTS, "quarantined": BAD_REQUESTS}
    assert serving["quarantined"] == {"not a number": BAD_REQUESTS}
    assert list(Path(serving["quarantine"]).iterdir())
    assert (
        "serving     600 requests compared with training, 2 set aside (2 not a num"
        in (output.stdout)
    )


def test_requests_that_are_not_stop_the_run(place):
    output = place.run(f"validation.serving_data={place.folder / 'unlike.csv'}")
    assert output.returncode == 4, output.stderr
    device, price = place.summary()["findings"]
    assert device.startswith("feature 'device' of split 'train': the share of 'phone' ")
    assert "in the serving data" in device
    assert price.startswith(
        "feature 'price' of split 'train': its distribution differs"
    )
    assert device in output.stderr and price in output.stderr
    assert "  Transform ..." not in output.stdout


def test_requests_are_held_against_the_schema_too(place):
    output = place.run(f"validation.serving_data={place.folder / 'odd.csv'}")
    assert output.returncode == 4, output.stderr
    found = place.summary()["findings"]
    assert [sentence.partition(": ")[0] for sentence in found[:3]] == [
        "feature 'device' of the serving data",
        "feature 'device' of the serving data",
        "feature 'price' of the serving data",
    ]


def test_every_threshold_of_the_schema_stops_a_run(place):
    output = place.run("validation={}", f"dataset.path={place.folder / 'odd.csv'}")
    assert output.returncode == 4, output.stderr
    assert "Serving" not in output.stdout
    found = "\n".join(place.summary()["findings"])
    for split in ("train", "eval"):
        for feature, key in (
            ("device", "presence.min_fraction"),
            ("device", "distribution_constraints.min_domain_mass"),
            ("price", "float_domain.max"),
        ):
            [sentence] = [
                line
                for line in found.splitlines()
                if line.startswith(f"feature {feature!r} of split {split!r}: ")
                and f"({key})" in line
            ]
            assert sentence in output.stderr


def test_rows_of_a_run_with_too_many_bad_ones_are_kept(place):
    bad = [[7, "tv", 1]] * 30
    write_log(place.folder / "bad.csv", ROWS, odd=bad)
    output = place.run("validation={}", f"dataset.path={place.folder / 'bad.csv'}")
    assert output.returncode == 2, output.stderr
    assert "30 of 1,030 rows cannot be used" in output.stderr
    folder = Path(output.stderr.rpartition(" is in ")[2].strip().rstrip("."))
    kept = [
        json.loads(line)
        for file in folder.iterdir()
        for line in file.read_text().splitlines()
    ]
    assert len(kept) == len(bad)
    assert {row["reason"] for row in kept} == {"neither 0 nor 1"}
