import json

import numpy as np
import pytest

from components.example_gen import click_log
from tests import reference

PLAN = {
    **click_log.load_plan(),
    "rows": 2000,
}


def test_the_log_has_the_shape_that_the_docs_name():
    plan = click_log.load_plan()
    sizes = [field["cardinality"] for field in plan["categorical"].values()]
    assert plan["rows"] == 100_000
    assert 1 + len(plan["categorical"]) + len(plan["numeric"]) == 40
    assert (min(sizes), max(sizes)) == (2, 20_000)


def test_effects_of_one_two_and_three_fields_are_planted():
    orders = {len(effect["fields"]) for effect in click_log.load_plan()["effects"]}
    assert orders == {1, 2, 3}


def test_same_plan_same_log():
    first, second = click_log.draw(PLAN), click_log.draw(PLAN)
    assert first[0].equals(second[0])
    assert not first[0].equals(click_log.draw({**PLAN, "seed": 1})[0])


def test_expected_auc_is_the_mean_over_drawn_labels():
    rng = np.random.default_rng(0)
    probabilities = rng.beta(1, 3, 60).round(1)  # with ties
    drawn = []
    for _ in range(2000):
        labels = rng.random(60) < probabilities
        pairs = labels.sum() * (~labels).sum()
        drawn.append((reference.auc(labels, probabilities) * pairs, pairs))
    expected = sum(a for a, _ in drawn) / sum(b for _, b in drawn)
    assert click_log.expected_auc(probabilities) == pytest.approx(expected, abs=0.005)


def test_written_once_and_kept(tmp_path):
    path = click_log.ensure(str(tmp_path), PLAN)
    assert 0.5 < click_log.read_truth(path) < 1.0
    before = (tmp_path / "clicks.csv").stat().st_mtime_ns
    click_log.ensure(str(tmp_path), PLAN)
    assert (tmp_path / "clicks.csv").stat().st_mtime_ns == before
    (tmp_path / "truth.json").write_text(json.dumps({"plan": "old", "bayes_auc": 0}))
    click_log.ensure(str(tmp_path), PLAN)
    assert (tmp_path / "clicks.csv").stat().st_mtime_ns > before


def test_other_data_has_no_known_truth(tmp_path):
    assert click_log.read_truth(str(tmp_path / "other.csv")) is None
