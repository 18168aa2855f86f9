from types import SimpleNamespace

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import expit
from sklearn.metrics import log_loss

from components.trainer import correcting
from components.trainer.scoring import Scored
from schema.errors import ConfigError, DataError
from tests.gradients import randomise
from tests.model.examples import batch, make

ROWS = 4000
BOTH = pytest.mark.parametrize("method", ["isotonic", "platt"])


@pytest.fixture
def model():
    made = make("deepfm")
    made(batch())
    randomise(made)
    return made


def clicks(logits, seed=0):
    """Labels by which the model is three times too sure, and shifted."""
    rng = np.random.default_rng(seed)
    return (rng.random(logits.shape) < expit((logits - 1.0) / 3.0)).astype(np.float32)


def splits(*columns, negatives=1.0):
    """Splits whose held-out rows are these."""
    rows = tf.data.Dataset.from_tensor_slices(columns).batch(512)
    dataset = SimpleNamespace(negatives=lambda: negatives)
    return SimpleNamespace(held_out=lambda: rows, dataset=dataset)


@BOTH
def test_the_model_is_corrected_and_what_it_changed_is_told(model, method):
    inputs = batch(rows=ROWS)
    before = np.array(model(inputs))
    labels = clicks(before)
    done = correcting.correct(model, splits(inputs, labels), method)
    after = np.array(model(inputs))
    assert (done.method, done.rows) == (method, ROWS)
    for figures, logits in ((done.before, before), (done.after, after)):
        found = expit(logits.astype(np.float64))
        ratio = found.mean() / labels.mean()
        assert figures.calibration == pytest.approx(ratio, rel=1e-6)
        assert figures.logloss == pytest.approx(log_loss(labels, found), rel=1e-5)
    assert done.after.ece < 0.3 * done.before.ece
    assert done.after.logloss < done.before.logloss
    # What training is given stays as it is: losses know logits only.
    assert not np.array_equal(before, after)
    fresh = batch(rows=ROWS, seed=1)
    model.curve, curve = None, model.curve
    raw = np.array(model(fresh))
    model.curve = curve
    np.testing.assert_allclose(model(fresh), curve.of(raw), rtol=1e-5, atol=1e-5)


def test_a_model_that_is_stored_in_fewer_bits_is_corrected_as_it_is_served(model):
    model.store_embeddings_as("int8")
    inputs = batch(rows=ROWS)
    labels = clicks(np.array(model(inputs)))
    done = correcting.correct(model, splits(inputs, labels), "platt")
    found = expit(np.array(model(inputs)))
    assert done.after.calibration == pytest.approx(found.mean() / labels.mean(), 1e-5)
    assert done.after.calibration == pytest.approx(1.0, abs=1e-3)


def test_nothing_is_done_where_nothing_is_asked_for(model):
    assert correcting.correct(model, None, None) is None
    assert model.curve is None


@BOTH
def test_rows_that_are_left_stand_for_those_that_sampling_took(model, method):
    """The true logits are known: of the whole log, which a tenth of them is left of."""
    inputs = batch(rows=40_000)
    logits = np.array(model(inputs))
    labels = clicks(logits - 6.0)
    kept = (labels[:, 0] == 1) | (np.random.default_rng(2).random(len(labels)) < 0.1)
    held = {name: column[kept] for name, column in inputs.items()}
    correcting.correct(model, splits(held, labels[kept], negatives=0.1), method)
    found = expit(np.array(model(inputs)))
    assert found.mean() / labels.mean() == pytest.approx(1.0, abs=0.05)
    assert labels[kept].mean() > 3 * labels.mean()


@BOTH
def test_rows_weigh_what_they_are_declared_to(model, method):
    inputs = batch(rows=ROWS)
    labels = clicks(np.array(model(inputs)))
    weights = np.where(labels > 0, 1.5, 0.5).astype(np.float32)
    correcting.correct(model, splits(inputs, labels, weights), method)
    found = expit(np.array(model(inputs)))
    mean = np.average(found, weights=weights)
    assert mean == pytest.approx(np.average(labels, weights=weights), rel=0.01)
    assert mean > labels.mean() + 0.1


def scored(labels, logits=None, weights=None):
    count = len(labels)
    return Scored(
        np.linspace(-1.0, 1.0, count) if logits is None else np.array(logits),
        np.array(labels, np.float32),
        np.ones(count) if weights is None else np.array(weights),
    )


@pytest.mark.parametrize(
    ("method", "labels", "message"),
    [
        ("platt", [], "10 rows of each label. Of the 0 rows held out, .* 0 have the"),
        (
            "platt",
            [0] * 500,
            "platt needs 10 .* 500 rows held out.* 0 have the label 1",
        ),
        ("platt", [1] * 500, "0 have the label 0"),
        ("platt", [0] * 500 + [1] * 9, "509 rows held out, .* 9 have the label 1"),
        ("isotonic", [0] * 500 + [1] * 99, "needs 100.* 99 have.*out. platt needs 10."),
    ],
)
def test_too_few_rows_of_a_label_are_refused(method, labels, message):
    with pytest.raises(DataError, match=message):
        correcting.fit(scored(labels), method)


@BOTH
def test_just_enough_rows_are_enough(method):
    count = {"platt": 10, "isotonic": 100}[method]
    labels = [0, 1] * count
    curve = correcting.fit(scored(labels), method)
    assert expit(curve.of(np.array(0.0))) == pytest.approx(0.5, abs=0.05)


@BOTH
@pytest.mark.parametrize("wrong", [float("nan"), float("inf")])
def test_a_model_that_diverged_is_named_as_such(method, wrong):
    logits = np.zeros(400)
    logits[[3, 5]] = wrong
    with pytest.raises(ConfigError, match=r"diverged: of 400 rows held out for .* 2 "):
        correcting.fit(scored([0, 1] * 200, logits), method)


def test_rows_of_no_weight_do_not_count():
    rows = scored([0, 1] * 50, weights=[1.0, 0.0] * 50)
    found = correcting.of_whole_log(rows, 0.25)
    assert len(found.labels) == 50
    np.testing.assert_array_equal(found.weights, np.full(50, 4.0))
    with pytest.raises(DataError, match=r"50 rows held out.* 0 have the label 1"):
        correcting.fit(found, "platt")
