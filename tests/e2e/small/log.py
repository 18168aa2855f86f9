"""The experiment that the files of this folder go on with, one after the other."""

import csv
import math
import os
import signal
import subprocess
import sys
import time

import numpy as np

from tests.conftest import SMALL
from tests.e2e.running import Experiment, small_policy

ROWS, BAD_ROWS = 4000, 3
TAGS = {"type": "categorical", "separator": "|", "max_values": 3}
LOG = {**SMALL, "features": {**SMALL["features"], "tags": TAGS}}


def write_log(path):
    """A log whose clicks hang on a pair of fields and on a number."""
    rng = np.random.default_rng(0)
    with open(path, "w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["click", *LOG["features"]])
        for _ in range(ROWS):
            user, ad, price = rng.integers(6), rng.integers(6), rng.lognormal()
            logit = 3.0 * ((user + ad) % 2) - 2.0 + 0.5 * math.log(price)
            click = int(rng.random() < 1 / (1 + math.exp(-logit)))
            age = "" if rng.random() < 0.2 else int(rng.integers(18, 80))
            tags = "|".join(f"t{tag}" for tag in rng.integers(9, size=rng.integers(5)))
            cells = [f"u{user}", f"a{ad}", f"s{rng.integers(30)}", "tv", price, age]
            writer.writerow([click, *cells, tags])
        writer.writerows([["0.3", *cells, tags]] * BAD_ROWS)


def experiment(folder):
    """Returns the experiment and its log, not run yet."""
    write_log(folder / "log.csv")
    return Experiment(folder, "small").write(
        dataset={**LOG, "path": str(folder / "log.csv")},
        policy_configs=small_policy(embedding_dim=4, units=16),
        training={"epochs": 8, "batch_size": 64, "embedding_stddev": 0.5},
        evaluation={
            "auc_floor": 0.7,
            "calibration": [0.8, 1.25],
            "slices": [["user"], ["ad_unseen"], ["price"]],
            "buckets": {"price": [1.0]},
            "group_by": "user",
        },
    )


def run_and_kill(place):
    """Runs an experiment until it trains."""
    command = [sys.executable, "-m", "pipeline", "run", place.config]
    process = subprocess.Popen(
        [*map(str, command), "--root", str(place.folder / "runs")],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    for line in process.stdout:
        if "Trainer ..." in line:
            time.sleep(0.5)
            os.killpg(process.pid, signal.SIGKILL)
    process.wait()
