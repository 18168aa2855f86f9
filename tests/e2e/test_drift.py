"""Data that has drifted from the run before it, through the command line."""

import csv

import numpy as np
import pytest

from tests.e2e import shop

pytestmark = pytest.mark.pipeline
ROWS = 1000
SCHEMA = """
feature { name: "click" type: INT }
feature {
  name: "device"
  type: BYTES
  drift_comparator { infinity_norm { threshold: 0.2 } }
}
feature {
  name: "price"
  type: FLOAT
  drift_comparator { jensen_shannon_divergence { threshold: 0.2 } }
}
"""


def write_log(path, tv, price):
    """A log of which a share `tv` comes from televisions."""
    rng = np.random.default_rng(0)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click", "device", "price"])
        for _ in range(ROWS):
            device = "tv" if rng.random() < tv else "phone"
            writer.writerow([rng.integers(2), device, rng.normal(price)])


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    folder = tmp_path_factory.mktemp("drift")
    (folder / "schema.pbtxt").write_text(SCHEMA)
    write_log(folder / "may.csv", tv=0.2, price=10.0)
    write_log(folder / "june.csv", tv=0.7, price=20.0)
    return shop.experiment(folder)


# The tests stand in the order in which one run leads to the next.


def test_the_first_data_has_nothing_to_drift_from(place):
    output = place.run(f"dataset.path={place.folder / 'may.csv'}")
    assert output.returncode == 0, output.stderr
    assert place.summary()["findings"] == []


def test_drifted_data_stops_the_run(place):
    output = place.run(f"dataset.path={place.folder / 'june.csv'}")
    assert output.returncode == 4, output.stderr
    device, price = place.summary()["findings"]
    assert "feature 'device' of split 'train'" in device
    assert "feature 'price' of split 'train'" in price
    assert device in output.stderr
    assert "Traceback" not in output.stderr
    assert "  Transform ..." not in output.stdout
    assert "AnomalyGate" in place.summary()["error"]


def test_what_was_stopped_is_nothing_to_drift_from(place):
    output = place.run(f"dataset.path={place.folder / 'may.csv'}")
    assert output.returncode == 0, output.stderr
    assert place.summary()["findings"] == []
    for component in ("ExampleGen", "StatisticsGen", "Transform", "Trainer"):
        assert f"  {component} reused" in output.stdout
