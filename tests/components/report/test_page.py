import dataclasses
import re
import shutil
from html.parser import HTMLParser

import pytest
from tfx.utils import path_utils

from components import correction
from components.correction import Correction, Figures
from components.evaluator import results
from components.report import page
from tests.components.report import made


class Tags(HTMLParser):
    """The tags of a page, and the text between them."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.text = [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text += data


@pytest.fixture(scope="module")
def text(run):
    return page.write(run)


@pytest.fixture(scope="module")
def tags(text):
    return Tags(text)


def test_the_page_needs_nothing_else(text, tags):
    assert len(text.encode()) < 3_000_000
    for tag, attributes in tags.tags:
        assert tag not in ("script", "img", "iframe", "object")
        for key in ("src", "href", "xlink:href", "action"):
            address = attributes.get(key) or "#"
            assert address.startswith(("#", "data:")), (tag, address)
    assert "@import" not in text
    assert re.findall(r"url\((?!#)", text) == []


def test_ids_are_unique_and_links_lead_to_them(tags):
    ids = [found["id"] for _, found in tags.tags if "id" in found]
    assert len(ids) == len(set(ids))
    links = {found["href"] for tag, found in tags.tags if tag == "a"}
    assert {link.removeprefix("#") for link in links} <= set(ids)
    used = {found["xlink:href"] for tag, found in tags.tags if tag == "use"}
    assert used and {link.removeprefix("#") for link in used} <= set(ids)


def test_what_comes_of_data_is_text(text, tags):
    assert made.SCRIPT not in text
    assert f"device={made.SCRIPT}" in tags.text
    assert "Too few values. <b>" in tags.text
    assert "a$b$c & 'd'" in tags.text


def test_the_verdict_comes_first_and_figures_are_those_of_the_evaluation(run, tags):
    heading = tags.text.index("Blessed, pushed as version 17")
    assert heading < tags.text.index("Metrics")
    every = results.load(run.evaluation).candidate[results.EVERY_ROW]
    shown = {
        found["data-metric"]: float(found["data-value"])
        for _, found in tags.tags
        if "data-metric" in found
    }
    assert {"auc", "logloss", "calibration", "example_count"} <= set(shown)
    assert shown == {name: every[name] for name in shown}
    assert f"{every['auc']:.6f}" in tags.text


def test_a_slice_of_one_class_is_not_defined(tags):
    row = re.search(r"one_class=clicks(.*?)one_class|one_class=clicks(.*)", tags.text)
    assert "not defined" in (row[1] or row[2])


def test_every_chart_is_there(tags):
    charts = [f for tag, f in tags.tags if tag == "svg" and f.get("class") == "chart"]
    said = {chart["aria-label"] for chart in charts}
    assert len(charts) == len(said) == 7
    assert {"ROC curve", "loss by epoch", "AUC by epoch"} <= said


def test_the_same_run_gives_the_same_page(run, text):
    assert page.write(run) == text


def test_a_model_that_is_not_blessed_has_a_page_that_says_why(tmp_path):
    sources = made.run(
        tmp_path / "refused", baseline=False, blessed=False, auc_floor=0.99, slices=[]
    )
    found = Tags(page.write(sources)).text
    assert "Not blessed, nothing was pushed" in found
    assert re.search(r"AUC 0\.\d+ is 0\.\d+ below the floor of 0\.99", found)
    assert "There is no blessed model to compare with yet" in found
    assert "None were asked for" in found


def test_an_eval_split_of_one_row_has_a_page(tmp_path):
    columns = {name: cells[:1] for name, cells in made.log().items()}
    sources = made.run(
        tmp_path / "one", baseline=False, blessed=False, columns=columns, slices=[]
    )
    assert "not defined" in Tags(page.write(sources)).text


def test_a_corrected_model_says_by_what(run, tags, tmp_path):
    assert "corrected" not in tags.text
    figures = Figures(1.25, 0.02, 0.4), Figures(1.0, 0.001, 0.375)
    done = Correction("platt", 1234, *figures)
    model = str(tmp_path / "model")
    shutil.copytree(run.model, model)
    correction.write(done, path_utils.serving_model_path(model))
    found = Tags(page.write(dataclasses.replace(run, model=model))).text
    assert f"Probabilities are corrected {done.words()}. Seed 42." in found


def test_settings_are_on_one_level_a_feature_is_one():
    found = page.settings(made.CONFIG)
    assert found["dataset.features.user"] == "type: categorical, min_count: 2"
    assert found["policy_configs.scoring_policy.embedding_dim"] == 4
    assert found["training.seed"] == 42
    assert not {key for key in found if "spare" in key or "epochs" in key}
