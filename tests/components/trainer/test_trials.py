"""Trials of our models and of LightGBM, on rows that went through a real transform."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from components.trainer import datasets, gbdt, trials
from components.trainer.config import TrainConfig
from model.config import ModelConfig
from schema.contract import IDS, VALUES, WEIGHT
from schema.errors import DataError
from schema.features import Dataset, Sampling
from tests import fitting
from tests.tagged import TAGGED, TRAIN, row

DATASET = Dataset.model_validate(TAGGED)
ROWS = 600


def drawn(rows, seed):
    """Rows whose click hangs on whether a tag and a site go together, and on age."""
    rng = np.random.default_rng(seed)
    table = []
    for _ in range(rows):
        tag, site, age = rng.integers(3), rng.integers(3), rng.normal(40.0, 10.0)
        logit = 4.0 * (tag == site) - 2.0 + 0.1 * (age - 40.0)
        table.append(
            row(
                tags=["red", "blue", "green"][tag : tag + 1],
                site=[f"s{site}"],
                price=[],
                age=[age] if rng.random() < 0.9 else [],
                click=[int(rng.random() < 1.0 / (1.0 + np.exp(-logit)))],
            )
        )
    return table


@pytest.fixture(scope="module")
def raw(tmp_path_factory):
    """Returns the splits as they are trained on, and both as raw batches."""
    folder = tmp_path_factory.mktemp("splits")
    train, evaluation = drawn(ROWS, 0), drawn(ROWS, 1)
    transform = fitting.fit(DATASET, train)
    layer = transform.transform_features_layer()
    files, transformed = [], []
    for name, rows in (("train", train), ("eval", evaluation)):
        files.append(fitting.write_examples(rows, folder / f"{name}.gz"))
        columns = layer(fitting.raw(DATASET, rows))
        path = folder / f"{name}_xf.gz"
        transformed.append(fitting.write_blocks(columns, path))
    splits = datasets.TransformedSplits(DATASET, transform, *transformed)
    return splits, *(datasets.read_raw(paths, DATASET, transform) for paths in files)


def test_raw_rows_come_whole_and_in_order(tmp_path):
    transform = fitting.fit(DATASET, TRAIN)
    files = fitting.write_examples(TRAIN, tmp_path / "rows.gz")
    [(features, numbers, labels, weights)] = datasets.read_raw(
        files, DATASET, transform
    )
    expected = transform.transform_features_layer()(fitting.raw(DATASET, TRAIN))
    np.testing.assert_array_equal(features[IDS], expected[IDS])
    np.testing.assert_array_equal(features[VALUES], expected[VALUES])
    nan = float("nan")
    ages = [(r["age"] or [nan])[0] for r in TRAIN]
    prices = [(r["price"] or [nan])[0] for r in TRAIN]
    np.testing.assert_array_equal(numbers, np.transpose([prices, ages]).astype("f4"))
    assert labels.numpy().tolist() == [[1.0]] * len(TRAIN)
    assert weights.numpy().tolist() == [[1.0]] * len(TRAIN)


def test_without_numbers_there_are_no_columns_of_them(tmp_path):
    user = {"type": "categorical", "min_count": 1}
    dataset = Dataset.model_validate(
        {"name": "n", "label": {"column": "click"}, "features": {"user": user}}
    )
    rows = [{"user": ["u"], "click": [1]}, {"user": [], "click": [0]}]
    transform = fitting.fit(dataset, rows)
    files = fitting.write_examples(rows, tmp_path / "rows.gz")
    [(features, numbers, _, _)] = datasets.read_raw(files, dataset, transform)
    assert numbers.shape == (2, 0)
    assert features[IDS].numpy().tolist() == [[1], [0]]


def test_a_model_is_scored_row_by_row_and_measured(raw):
    splits, _, evaluation = raw
    policy = ModelConfig(policy_type="lr", learning_rate=0.1)
    trial = trials.run(splits, evaluation, policy, TrainConfig(epochs=2))
    labels = np.concatenate([label[:, 0] for _, _, label, _ in evaluation])
    np.testing.assert_array_equal(trial.labels, labels)
    assert trial.scores.shape == (ROWS,)
    assert 0.5 < trial.auc() < 0.75  # age helps; which tag meets which site cannot
    assert 0.0 < trial.log_loss() < 1.0
    weights = sum(field.num_ids for field in splits.fields) + 1
    assert (trial.parameters, trial.size_bytes) == (weights, 4 * weights)
    assert trial.examples_per_second > 0
    assert trial.latencies_ms.min() > 0


def test_trees_see_ids_as_categories_and_numbers_with_gaps(raw):
    splits, train, evaluation = raw
    trial = gbdt.run(splits.fields, train, evaluation, seed=1)
    assert trial.auc() > 0.85  # only a pair of categories can say so much
    assert trial.log_loss() < 0.5
    assert trial.parameters > 10
    assert trial.size_bytes > 100
    assert trial.examples_per_second > 0


def test_trees_of_one_seed_are_the_same_trees(raw):
    splits, train, evaluation = raw
    first, again, other = (
        gbdt.run(splits.fields, train, evaluation, seed).scores for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first, other)


SHARE = 0.2


def thinned(splits, folder):
    """Returns the splits with a share of the train split's negatives."""
    spec = splits.transform.transformed_feature_spec()
    [(rows, labels)] = datasets.read(splits.train_files, spec, "click", ROWS)
    kept = (labels[:, 0] == 1) | (tf.range(ROWS) % round(1 / SHARE) == 0)
    columns = {**rows, "click": tf.cast(labels, tf.int64)}
    path = folder / "thinned.gz"
    files = fitting.write_blocks({n: v[kept] for n, v in columns.items()}, path)
    dataset = splits.dataset.model_copy(update={"sampling": Sampling(negatives=SHARE)})
    return dataclasses.replace(splits, dataset=dataset, train_files=files)


def test_scores_of_a_sampled_log_are_those_of_the_whole_one(raw, tmp_path):
    splits, train, evaluation = raw
    policy = ModelConfig(policy_type="lr", learning_rate=0.03)
    config = TrainConfig(batch_size=ROWS, epochs=150, early_stopping=None)
    sampled = trials.run(thinned(splits, tmp_path), evaluation, policy, config)
    truth = sampled.labels.mean()
    assert sampled.scores.mean() == pytest.approx(truth, rel=0.15)

    def few():
        for features, *others in train:
            label = others[1]
            kept = (label[:, 0] == 1) | (tf.range(len(label)) % round(1 / SHARE) == 0)
            yield {n: v[kept] for n, v in features.items()}, *(v[kept] for v in others)

    trees = [
        gbdt.run(splits.fields, few(), evaluation, seed=1, negatives=negatives)
        for negatives in (SHARE, 1.0)
    ]
    corrected, biased = (trial.scores.mean() for trial in trees)
    assert corrected == pytest.approx(truth, rel=0.15)
    assert biased > 1.5 * truth
    assert trees[0].auc() == pytest.approx(trees[1].auc(), abs=1e-9)


def contradicted(rows, unit):
    """Returns the rows and, of a third of their weight, each with the other label."""
    for one in rows:
        yield {**one, "worth": [3.0 * unit]}
        yield {**one, "click": [1 - one["click"][0]], "worth": [1.0 * unit]}


@pytest.fixture(scope="module")
def weighted(tmp_path_factory):
    """Rows that say something only where weights are minded."""
    folder = tmp_path_factory.mktemp("weighted")
    dataset = Dataset.model_validate({**TAGGED, "weight": "worth"})
    train, evaluation = drawn(ROWS, 0), drawn(ROWS, 1)
    rows = [*contradicted(train, 100.0)], [*contradicted(evaluation, 0.01)]
    transform = fitting.fit(dataset, rows[0])
    files = [
        fitting.write_examples(part, folder / f"{i}.gz") for i, part in enumerate(rows)
    ]
    return files, dataset, transform


def test_raw_rows_bring_their_weights(weighted):
    (_, evaluation), dataset, transform = weighted
    [(features, _, _, weights)] = datasets.read_raw(evaluation, dataset, transform)
    assert WEIGHT not in features
    expected = np.tile([[0.03], [0.01]], (ROWS, 1)).astype("f4")
    np.testing.assert_array_equal(weights, expected)


def test_trees_and_their_metrics_mind_the_weights(weighted):
    files, dataset, transform = weighted
    raw = [datasets.read_raw(paths, dataset, transform) for paths in files]
    fields = datasets.TransformedSplits(dataset, transform, *files).fields
    trial = gbdt.run(fields, *raw, seed=1)
    share = trial.weights / trial.weights.sum()
    y, p = trial.labels, trial.scores.astype(np.float64)
    mean = -np.sum(share * np.where(y == 1, np.log(p), np.log(1 - p)))
    assert trial.log_loss() == pytest.approx(mean)
    assert trial.auc() > 0.6
    alike = dataclasses.replace(trial, weights=np.ones(len(y)))
    assert alike.auc() == pytest.approx(0.5)  # each row has both labels
    assert alike.log_loss() > trial.log_loss()


def test_trials_are_corrected_where_runs_are(raw):
    splits, _, evaluation = raw
    # So much smoothed, labels leave a model near one half, whatever it knows.
    config = TrainConfig(
        batch_size=50, epochs=5, label_smoothing=0.8, early_stopping=None
    )
    policy = ModelConfig(policy_type="lr", learning_rate=0.1)
    plain = trials.run(splits, evaluation, policy, config)
    splits = dataclasses.replace(splits, hold_out=True)
    config = config.model_copy(update={"calibration": "platt"})
    corrected = trials.run(splits, evaluation, policy, config)
    assert plain.scores.std() < 0.05
    assert corrected.scores.std() > 3 * plain.scores.std()


def test_trees_are_corrected_by_rows_that_they_have_not_seen(raw):
    splits, train, evaluation = raw
    fields = splits.fields
    plain = gbdt.run(fields, train, evaluation, seed=1)
    corrected = gbdt.run(fields, train, evaluation, seed=1, calibration="platt")
    assert corrected.auc() == pytest.approx(plain.auc(), abs=0.05)
    assert corrected.log_loss() < 0.5
    assert not np.array_equal(corrected.scores, plain.scores)
    with pytest.raises(
        DataError, match=r"isotonic needs 100 rows of each label\. Of the 60 "
    ):
        gbdt.run(fields, train, evaluation, seed=1, calibration="isotonic")
