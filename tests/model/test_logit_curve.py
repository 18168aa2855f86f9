import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given
from hypothesis import strategies as st

from model.logit_curve import LIMIT, LogitCurve

CURVE = LogitCurve((-9.0, -1.0, -0.999, 2.0, 30.0), (-LIMIT, -3.0, 0.5, 0.5, LIMIT))


def column(values):
    return np.array(values, np.float32)[:, None]


def test_it_is_straight_between_knots_and_level_beyond_them():
    logits = column([*np.linspace(-12.0, 34.0, 5001), -1.0, -0.999, 1e30, -np.inf])
    found = np.array(CURVE(logits))
    assert (found.shape, found.dtype) == (logits.shape, np.float32)
    expected = np.interp(logits, CURVE.logits, CURVE.corrected)
    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)
    np.testing.assert_array_equal(CURVE.of(logits), expected)


def test_what_is_no_number_stays_none_and_no_rows_are_none():
    found = np.array(CURVE(column([0.0, np.nan, np.inf])))
    assert np.isnan(found[:, 0]).tolist() == [False, True, False]
    assert CURVE(column([])).shape == (0, 1)


def test_no_probability_is_0_or_1():
    logits = column([-np.inf, -1e38, -1e3, 1e3, 1e38, np.inf])
    found = tf.sigmoid(CURVE(logits)).numpy()
    assert found.min() > 0.0
    assert found.max() < 1.0


def test_a_knot_far_away_costs_no_digits():
    curve = LogitCurve((-1e9, 3e9), (-LIMIT, LIMIT))
    logits = column(np.linspace(-5.0, 5.0, 11))
    expected = -LIMIT + (logits.astype(np.float64) + 1e9) * 2 * LIMIT / 4e9
    np.testing.assert_allclose(curve(logits), expected, rtol=1e-7)


NUMBERS = st.floats(-50.0, 50.0, width=32)
KNOTS = st.lists(
    st.tuples(st.floats(-50.0, 50.0), st.floats(0.0, 5.0)),
    min_size=2,
    max_size=8,
    unique_by=lambda knot: knot[0],
)


@given(KNOTS, st.lists(NUMBERS, min_size=2, max_size=50))
def test_it_never_falls(knots, logits):
    x = sorted(logit for logit, _ in knots)
    curve = LogitCurve(tuple(x), tuple(np.cumsum([rise for _, rise in knots])))
    found = np.array(curve(column(sorted([*logits, *np.float32(x)]))))
    assert np.all(np.diff(found[:, 0]) >= 0.0)
    assert np.all(found >= np.float32(curve.corrected[0]))
    assert np.all(found <= np.float32(curve.corrected[-1]))


@pytest.mark.parametrize(
    ("logits", "corrected"),
    [
        ((0.0,), (0.0,)),
        ((0.0, 1.0), (0.0, 1.0, 2.0)),
        ((0.0, 0.0), (0.0, 1.0)),
        ((0.0, 1.0), (1.0, 0.0)),
        ((0.0, float("nan")), (0.0, 1.0)),
        ((0.0, 1.0), (0.0, float("inf"))),
    ],
)
def test_what_is_no_curve_is_refused(logits, corrected):
    with pytest.raises(ValueError, match=r"two knots or more.*received logits=\("):
        LogitCurve(logits, corrected)
