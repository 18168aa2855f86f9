"""Which models of the small experiment go out, and which are refused."""

import json
import re
from pathlib import Path

import pytest
import tensorflow as tf

from schema import contract
from tests.e2e.running import reused, started
from tests.e2e.small.log import ROWS

pytestmark = pytest.mark.pipeline


# The tests stand in the order in which one run leads to the next.


def test_a_model_below_the_floor_is_not_pushed(place):
    before = place.versions()
    output = place.run("evaluation.auc_floor=0.999")
    assert output.returncode == 3
    assert re.search(r"AUC 0\.\d+ is 0\.\d+ below the floor of 0\.999", output.stdout)
    assert place.versions() == before
    assert place.summary()["blessed"] is False
    assert place.summary()["pushed_version"] is None
    page = Path(place.summary()["report"]).read_text()
    assert "Not blessed, nothing was pushed" in page
    assert "below the floor of 0.999" in page
    assert "Trainer" in reused(output.stdout)


def test_a_model_that_is_not_served_in_time_is_not_pushed(place):
    before = place.versions()
    output = place.run(
        "infra_validation.max_p99_ms=0.001",
        "training.epochs=7",
        "evaluation.max_auc_drop=null",
    )
    assert output.returncode == 3, output.stderr
    [finding] = place.summary()["findings"]
    assert "infra_validation.max_p99_ms allows 0.001" in finding
    assert f"it is not fit to be served: {finding}" in output.stdout
    assert place.versions() == before
    assert place.summary()["blessed"] is False


def test_a_model_worse_than_the_latest_blessed_one_is_not_pushed(place):
    before = place.versions()
    output = place.run(
        "training.epochs=1",
        "evaluation.auc_floor=null",
        "policy_configs.scoring_policy.learning_rate=0.00001",
    )
    assert output.returncode == 3, output.stdout
    assert re.search(r"0\.\d+ worse than the latest blessed model's", output.stdout)
    assert place.versions() == before
    # That is not the one of seven epochs, which was not fit to be served.
    assert place.summary()["baseline_metrics"] == place.first_summary["metrics"]


def test_a_sampled_log_gives_the_probabilities_of_the_whole_one(place):
    rows, auc = place.summary()["rows"], place.summary()["baseline_metrics"]["auc"]
    output = place.run(
        "dataset.sampling={negatives: 0.3}",
        "evaluation.auc_floor=0.6",
        "evaluation.max_auc_drop=null",
    )
    assert output.returncode == 0, output.stderr
    found = place.summary()
    assert found["rows"]["eval"] == rows["eval"]
    assert found["rows"]["train"] + found["rows"]["sampled_out"] == rows["train"]
    assert f"{found['rows']['sampled_out']:,} sampled out" in output.stdout
    assert found["metrics"]["auc"] > auc - 0.05
    assert 0.85 < found["metrics"]["calibration"] < 1.18  # uncorrected: above 1.4


def test_a_model_can_be_pushed_in_fewer_bits_and_corrected(place):
    output = place.run(
        "serving={embeddings: int8, max_auc_loss: 0.01}",
        "training.calibration=platt",
        "evaluation.auc_floor=0.6",
        "evaluation.max_auc_drop=null",
    )
    assert output.returncode == 0, output.stdout
    assert re.search(
        r"stored as int8 it \w+ 0\.00\d+ of its AUC", place.summary()["verdict"]
    )
    assert place.summary()["metrics"]["auc"] > 0.7
    version = place.versions()[-1]
    cost = json.loads((version / contract.STORING_PATH).read_text())
    assert cost["rows"] == place.summary()["rows"]["eval"]
    assert cost["auc"] == pytest.approx(place.summary()["metrics"]["auc"], abs=1e-4)
    words = place.summary()["correction"]
    done = json.loads((version / contract.CORRECTION_PATH).read_text())
    assert words.startswith(f"by Platt scaling on {done['rows']} held-out rows; ")
    assert 0.08 * ROWS * 0.8 < done["rows"] <= 0.1 * ROWS * 0.85
    assert done["after"]["logloss"] < done["before"]["logloss"]
    assert f"corrected   {words}" in output.stdout
    page = Path(place.summary()["report"]).read_text()
    assert f"corrected {words}" in page
    # The model that is pushed is stored so, and the files say where it lies.
    checkpoint = tf.train.load_checkpoint(str(version / "variables" / "variables"))
    kinds = set(checkpoint.get_variable_to_dtype_map().values())
    assert {tf.int8, tf.bfloat16, tf.float16, tf.float32} <= kinds
    assert (version / contract.WARMUP_PATH).is_file()
    labels = (version.parents[1] / "models.config").read_text()
    assert f'key: "canary"\n      value: {version.name}' in labels


def test_an_anomaly_stops_the_run_before_training(place):
    schema = place.folder / "schema.pbtxt"
    schema.write_text(
        'feature { name: "click" type: INT }\n'
        + "".join(
            f'feature {{ name: "{name}" type: BYTES }}\n'
            for name in ("user", "ad", "site", "tags")
        )
        + 'feature { name: "device" type: BYTES domain: "device" }\n'
        + 'string_domain { name: "device" value: "phone" }\n'
        + 'feature { name: "price" type: FLOAT }\nfeature { name: "age" type: FLOAT }\n'
    )
    output = place.run(f"dataset.curated_schema={schema}")
    assert output.returncode == 4
    assert "feature 'device' of split 'eval'" in output.stderr
    assert "ExampleValidator/anomalies" in output.stderr
    assert "Traceback" not in output.stderr
    assert "Transform" not in started(output.stdout)
    assert "AnomalyGate" in place.summary()["error"]
