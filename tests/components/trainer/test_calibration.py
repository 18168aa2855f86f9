"""Curves that are fitted to rows whose true probabilities are known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from components.trainer import calibration
from model.logit_curve import LIMIT

BOTH = pytest.mark.parametrize("method", calibration.METHODS)


def wrong(rows, seed, rate=-3.0):
    """Returns three times too large logits, shifted by 1, and labels of the true."""
    rng = np.random.default_rng(seed)
    truth = rng.normal(rate, 1.0, rows)
    labels = (rng.random(rows) < expit(truth)).astype(np.float32)
    return (3.0 * truth + 1.0).astype(np.float32), labels


def fit(method, logits, labels, weights=None):
    if weights is None:
        weights = np.ones(len(labels))
    logits, labels = np.asarray(logits, np.float32), np.asarray(labels, np.float32)
    return calibration.METHODS[method](logits, labels, weights)


def ece(predictions, labels, bins=20):
    order = np.argsort(predictions, kind="stable")
    parts = np.array_split(order, bins)
    return sum(abs(np.sum(predictions[i] - labels[i])) for i in parts) / len(labels)


@BOTH
def test_a_model_that_is_too_sure_is_right_about_rows_it_has_not_seen(method):
    curve = fit(method, *wrong(20_000, 0))
    logits, labels = wrong(100_000, 1)
    before, after = expit(logits.astype(np.float64)), expit(curve.of(logits))
    assert ece(before, labels) > 0.03
    assert ece(after, labels) < 0.1 * ece(before, labels)
    assert after.mean() / labels.mean() == pytest.approx(1.0, abs=0.04)
    assert log_loss(labels, after) < log_loss(labels, before) - 0.01
    # The order is as it was: only what float64 cannot tell apart may be tied.
    expected = roc_auc_score(labels, logits)
    assert roc_auc_score(labels, after) == pytest.approx(expected, abs=1e-9)


@BOTH
def test_a_model_that_is_right_stays_as_it_is(method):
    logits, labels = wrong(50_000, 0)
    curve = fit(method, (logits - 1.0) / 3.0, labels)
    common = np.linspace(-4.5, -1.5, 7)
    np.testing.assert_allclose(expit(curve.of(common)), expit(common), rtol=0.3)


def test_platts_line_makes_the_drawn_in_labels_likeliest():
    logits, labels = wrong(300, 2, rate=-1.0)
    weights = np.random.default_rng(3).lognormal(size=len(labels))
    clicks, others = weights[labels == 1].sum(), weights[labels == 0].sum()
    targets = np.where(labels == 1, (clicks + 1) / (clicks + 2), 1 / (others + 2))

    def loss(line):
        found = line[0] * logits.astype(np.float64) + line[1]
        return np.sum(weights * (np.logaddexp(0.0, found) - targets * found))

    slope, intercept = minimize(loss, [1.0, 0.0], tol=1e-10).x
    curve = fit("platt", logits, labels, weights)
    some = np.linspace(-10.0, 10.0, 21)
    expected = np.clip(slope * some + intercept, -LIMIT, LIMIT)
    np.testing.assert_allclose(curve.of(some), expected, atol=1e-4)


def steps_by_hand(labels, weights):
    """The isotonic regression by its definition: largest least mean (min-max)."""
    rows = len(labels)

    def mean(a, b):
        return np.average(labels[a : b + 1], weights=weights[a : b + 1])

    return [
        max(min(mean(a, b) for b in range(i, rows)) for a in range(i + 1))
        for i in range(rows)
    ]


def test_isotonic_steps_are_joined_at_their_middles():
    logits, labels = wrong(1500, 4, rate=-1.0)
    order = np.argsort(logits)
    logits, labels = logits[order].astype(np.float64), labels[order]
    rate = labels.mean()
    # Groups of 50 rows; a click more in the first one and another row more in the last,
    # each among so many that the mean stays.
    clicks, rows = labels.reshape(30, 50).sum(axis=1), np.full(30, 50.0)
    clicks[[0, -1]] += [1.0, rate / (1 - rate)]
    rows[[0, -1]] += [1 / rate, 1 / (1 - rate)]
    expected = np.array(steps_by_hand(clicks / rows, rows))

    curve = fit("isotonic", logits, labels)
    knots = expit(np.array(curve.corrected[1:-1]))
    assert len(knots) > 5
    np.testing.assert_allclose(knots, np.unique(expected.round(12)), atol=1e-9)
    groups = logits.reshape(30, 50)
    middles = [groups[np.isclose(expected, knot)].mean() for knot in knots]
    np.testing.assert_allclose(curve.logits[1:-1], middles, rtol=1e-6)
    slopes = np.diff(curve.corrected) / np.diff(curve.logits)
    mean_slope = (curve.corrected[-2] - curve.corrected[1]) / (middles[-1] - middles[0])
    assert slopes[[0, -1]] == pytest.approx([mean_slope, mean_slope], rel=1e-5)


@pytest.mark.parametrize("rows", [300, 30_000])
def test_no_line_is_so_steep_that_rounding_shows(rows):
    """A logit of a row alone and among others differs by 1e-6; scores may by 1e-5."""
    logits, labels = wrong(rows, 9, rate=-1.0)
    for method in calibration.METHODS:
        curve = fit(method, logits, labels)
        some = np.linspace(logits.min(), logits.max(), 1_000_000)
        moved = expit(curve.of(some + 1e-6)) - expit(curve.of(some))
        assert np.abs(moved).max() < 1e-6


@BOTH
def test_a_row_of_weight_two_is_two_rows(method):
    logits, labels = wrong(30_000, 5, rate=0.0)
    weights = np.random.default_rng(6).integers(1, 4, 30_000).astype(np.float64)
    twice = np.repeat(np.arange(30_000), weights.astype(int))
    some = np.linspace(-6.0, 8.0, 50)
    np.testing.assert_allclose(
        fit(method, logits, labels, weights).of(some),
        fit(method, logits[twice], labels[twice]).of(some),
        atol=1e-6,
    )


@BOTH
def test_equal_scores_become_the_base_rate(method):
    labels = np.arange(200) < 14
    curve = fit(method, np.full(200, 2.5), labels)
    assert expit(curve.of(np.array(2.5))) == pytest.approx(0.07)
    assert curve.of(np.array(3.5)) > curve.of(np.array(2.5)) > curve.of(np.array(1.5))


@BOTH
def test_a_model_that_is_the_wrong_way_round_keeps_its_order(method):
    """Whether it is good enough is for the gate to say."""
    logits, labels = wrong(1000, 7)
    curve = fit(method, -logits, labels)
    found = expit(curve.of(-logits))
    assert found.mean() == pytest.approx(labels.mean(), rel=0.01)
    assert roc_auc_score(labels, found) == pytest.approx(roc_auc_score(labels, -logits))


@BOTH
def test_rows_that_a_threshold_parts_leave_doubt(method):
    logits = np.concatenate([np.linspace(-3, -1, 100), np.linspace(1, 3, 100)])
    curve = fit(method, logits, logits > 0)
    found = expit(curve.of(logits))
    assert found[0] < 0.05 < 0.95 < found[-1]
    assert 1e-4 < found.min() < found.max() < 1.0 - 1e-4


@BOTH
def test_extreme_logits_are_taken_as_they_are(method):
    logits, labels = wrong(2000, 8)
    logits[:4] = [3e38, -3e38, 1e20, -1e20]
    labels[:4] = [1, 0, 1, 0]
    curve = fit(method, logits, labels)
    found = curve.of(np.sort(logits))
    assert np.all(np.isfinite(found))
    assert np.all(np.diff(found) >= 0.0)
    # Of the wrong order, only the mean is corrected, however far apart they are.
    curve = fit(method, logits, 1.0 - labels)
    mean = expit(curve.of(logits)).mean()
    assert mean == pytest.approx(1.0 - labels.mean(), abs=0.01)


ROWS = st.lists(
    st.tuples(
        st.integers(-2000, 2000).map(lambda n: n / 50),
        st.booleans(),
        st.floats(0.0625, 16.0),
    ),
    min_size=1,
    max_size=60,
)


@BOTH
@given(rows=ROWS)
def test_whatever_the_rows_the_curve_never_falls(method, rows):
    # One of each label at least, as whoever fits has checked.
    rows = [*rows, (0.0, True, 1.0), (1.0, False, 1.0)]
    columns = zip(*rows, strict=True)
    # As many rows of each as make a group.
    logits, labels, weights = (np.repeat(column, 50) for column in columns)
    curve = fit(method, logits, labels, weights)
    levels = np.unique(logits)
    found = curve.of(levels)
    assert np.all(np.diff(found) >= 0.0)
    assert np.all(np.abs(found) <= LIMIT)
    assert np.all(np.diff(found[np.abs(found) < LIMIT]) > 0.0)
