"""A weighted log whose files say what is for evaluation, through the whole pipeline."""

import csv
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
from sklearn import metrics

from components.example_gen import encoding, reader
from schema.features import Dataset
from tests.conftest import SMALL
from tests.e2e.running import Experiment, small_policy

pytestmark = pytest.mark.pipeline
ROWS = 1500  # of each of the two files
LOG = {**SMALL, "weight": "worth"}


def write_log(path, seed):
    """Users of the upper half click; rows of weight 9 say so more clearly."""
    rng = np.random.default_rng(seed)
    labels, weights = [], []
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click", *SMALL["features"], "worth"])
        for _ in range(ROWS):
            user, weight = rng.integers(6), rng.choice([1.0, 9.0])
            click = int(rng.random() < (0.5 + 0.04 * weight * (1 if user > 2 else -1)))
            cells = [f"u{user}", f"a{rng.integers(4)}", "s", "tv", rng.lognormal(), 30]
            writer.writerow([click, *cells, weight])
            labels.append(click)
            weights.append(weight)
        writer.writerow([1, *cells, -1.0])
    return np.array(labels), np.array(weights)


def test_metrics_are_weighted_and_serving_needs_no_weight(tmp_path):
    log = tmp_path / "log"
    log.mkdir()
    write_log(log / "train.csv", 0)
    labels, weights = write_log(log / "test.csv", 1)
    split = {"by": "files", "eval": "test.csv"}
    experiment = Experiment(tmp_path, "weighted").write(
        dataset={**LOG, "path": str(log), "split": split, "max_bad_fraction": 0.01},
        policy_configs=small_policy(),
        training={"epochs": 4, "batch_size": 64},
        evaluation={"auc_floor": 0.7, "calibration": None},
    )
    output = experiment.run()
    assert output.returncode == 0, output.stderr
    found = experiment.summary()
    assert found["rows"] == {"train": ROWS, "eval": ROWS, "quarantined": 2}
    assert found["quarantined"] == {"no weight of 0 or more": 2}

    # Neither label nor weight is there when rows are scored.
    lines = [
        line.split(",", 1)[1].rsplit(",", 1)[0]
        for line in (log / "test.csv").read_text().splitlines()
    ]
    table = tmp_path / "bare.csv"
    table.write_text("\n".join(lines[:-1]) + "\n")
    dataset = Dataset.model_validate(LOG)
    [batch] = reader.read_batches(str(table), dataset, labelled=False)
    served = tf.saved_model.load(str(Path(found["pushed_path"])))
    examples = tf.constant(encoding.encode(batch))
    scores = served.signatures["serving_default"](examples=examples)["probabilities"]
    scores = scores.numpy()[:, 0].astype(np.float64)

    auc = metrics.roc_auc_score(labels, scores, sample_weight=weights)
    log_loss = metrics.log_loss(labels, scores, sample_weight=weights)
    calibration = np.sum(weights * scores) / np.sum(weights * labels)
    assert found["metrics"]["auc"] == pytest.approx(auc, abs=1e-3)
    assert found["metrics"]["logloss"] == pytest.approx(log_loss, abs=1e-5)
    assert found["metrics"]["calibration"] == pytest.approx(calibration, abs=1e-5)
    assert auc > 0.03 + metrics.roc_auc_score(labels, scores)
    assert calibration == pytest.approx(1.0, abs=0.1)
