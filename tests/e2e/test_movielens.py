"""A drawn log in the files of MovieLens 1M, from `deepfm run` to a pushed model."""

import json
from pathlib import Path

import numpy as np
import pytest

from tests.e2e.running import deepfm, reused, setting, small_policy

pytestmark = pytest.mark.pipeline
CONFIG = Path(__file__).parents[2] / "pipeline" / "configs" / "movielens_1m.yaml"
GENRES = ["Drama", "Comedy|Romance", "Action|Sci-Fi", "Horror"]
RATINGS, USERS, FILMS = 2000, 60, 40


def draw(folder):
    """Writes ratings that hang on the film's genres and the user's gender only."""
    rng = np.random.default_rng(1)
    users, films, ratings = [], [], []
    for user in range(USERS):
        users.append(f"{user}::{'FM'[user % 2]}::25::{user % 21}::{user:05}\n")
    for film in range(1, FILMS):  # the first is in no table
        films.append(f"{film}::Été {film}: a film::{GENRES[film % 4]}\n")
    for second in range(RATINGS):
        user, film = rng.integers(USERS), rng.integers(FILMS)
        liked = rng.random() < (0.9 if (user + film) % 2 else 0.1)
        rating = rng.integers(4, 6) if liked else rng.integers(1, 4)
        ratings.append(f"{user}::{film}::{rating}::{900_000_000 + second}\n")
    rng.shuffle(ratings)
    files = {"users.dat": users, "movies.dat": films, "ratings.dat": ratings}
    for name, lines in files.items():
        (folder / name).write_bytes("".join(lines).encode("latin-1"))


def run(folder):
    policy = small_policy(16, 16)["scoring_policy"]
    settings = [f"policy_configs.scoring_policy.{k}={v}" for k, v in policy.items()]
    settings += ["name=films", "training.epochs=10", "training.batch_size=64"]
    settings += ["evaluation.calibration=null"]  # of 400 rows
    root = folder / "runs"
    done = deepfm("run", CONFIG, "--data", folder, "--root", root, *setting(*settings))
    assert done.returncode == 0, done.stderr
    summary = json.loads((root / "films" / "summary.json").read_text())
    return summary, reused(done.stdout)


def test_the_files_as_they_come_make_a_model_and_a_changed_table_is_seen(tmp_path):
    draw(tmp_path)
    summary, _ = run(tmp_path)
    assert summary["rows"] == {"train": 1600, "eval": 400, "quarantined": 0}
    assert summary["pushed_version"]
    assert summary["metrics"]["auc"] > 0.8

    users = (tmp_path / "users.dat").read_text()
    (tmp_path / "users.dat").write_text(users.replace("::25::", "::35::"))
    assert "ExampleGen" not in run(tmp_path)[1]
