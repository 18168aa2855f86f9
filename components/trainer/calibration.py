"""Fits the curve that turns a model's logits into those of what came true."""

from collections.abc import Callable, Iterable, Mapping

import numpy as np
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.isotonic import isotonic_regression
from sklearn.linear_model import LogisticRegression

from components.evaluator.measures import equal_weight_bins
from model.logit_curve import LIMIT, LogitCurve

# A slope of standardised logits that is not above this orders nothing.
_LEAST_SLOPE = 1e-6
_ENDS = LIMIT - 1.0  # of the isotonic steps; the curve goes on to the limit
# Of which isotonic steps are made. Between two rows that are next to each other a line
# could be so steep that the last digit of a logit, which hangs on how many rows are
# scored at once, shows in the probability.
_GROUP_ROWS, _MAX_GROUPS = 50, 500

Fit = Callable[[np.ndarray, np.ndarray, np.ndarray], LogitCurve]


def platt(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> LogitCurve:
    """Returns a straight line: the slope and intercept that make the rows likeliest.

    Labels are drawn in a little from 0 and 1, as if each class had a row more that says
    the other thing, so that rows which a threshold parts do not ask for an infinite
    slope. A model that orders rows the wrong way round, or all alike, keeps its order:
    then only the mean is corrected.

    Args:
        logits: The model's, (N,), all of them numbers.
        labels: 0 or 1, (N,), some of each.
        weights: Above 0, (N,), about 1 for a row.

    Reference:
        Platt, Probabilistic Outputs for Support Vector Machines and Comparisons to
        Regularized Likelihood Methods, 1999; as Lin, Lin and Weng write it, Machine
        Learning 2007, https://doi.org/10.1007/s10994-007-5018-6, Eq. 2.
    """
    clicks = float(np.sum(weights * labels))
    others = float(np.sum(weights)) - clicks
    targets = np.where(labels > 0, (clicks + 1) / (clicks + 2), 1 / (others + 2))
    mean = np.average(logits, weights=weights)
    spread = np.sqrt(np.average((logits - mean) ** 2, weights=weights))
    if spread == 0.0:
        return _shift(logits, labels, weights)
    scaled = ((logits - mean) / spread)[:, None]
    # Each row as a click and as none, as much of either as its target says.
    found = LogisticRegression(penalty=None, solver="newton-cholesky", tol=1e-8).fit(
        np.concatenate([scaled, scaled]),
        np.repeat([1, 0], len(logits)),
        np.concatenate([weights * targets, weights * (1.0 - targets)]),
    )
    slope, intercept = found.coef_[0, 0], found.intercept_[0]
    if slope <= _LEAST_SLOPE:
        return _shift(logits, labels, weights)
    return _line(slope / spread, intercept - slope / spread * mean)


def isotonic(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> LogitCurve:
    """Returns the steps that fit best of those that never fall, joined by lines.

    Steps are of whole groups of neighbours, of equal weight, 50 rows each or more. Rows
    of one step are not tied: a line goes from the middle of each step to that of the
    next, and beyond the outermost ones at the mean slope of all. So the order stays as
    it was, and ties stay ties. To the lowest group one click is added, to the highest
    one other row, each among as many more as keep the mean: no step is then 0 or 1.
    Where there is one step only, only the mean is corrected.

    Args:
        logits: The model's, (N,), all of them numbers.
        labels: 0 or 1, (N,), some of each.
        weights: Above 0, (N,), about 1 for a row.

    Reference:
        Zadrozny and Elkan, Transforming Classifier Scores into Accurate Multiclass
        Probability Estimates, KDD 2002, https://doi.org/10.1145/775047.775151; the
        steps are of Ayer et al., 1955, https://doi.org/10.1214/aoms/1177728423.
    """
    rate = np.average(labels, weights=weights)
    groups = _groups(logits, weights)
    held = np.bincount(groups, weights)  # (G,)
    added = np.zeros_like(held)
    added[0] += 1.0 / rate
    added[-1] += 1.0 / (1.0 - rate)
    total = held + added
    means = (np.bincount(groups, weights * labels) + rate * added) / total
    fitted = isotonic_regression(means, sample_weight=total)
    steps = np.cumsum(np.diff(fitted, prepend=fitted[0]) > 0.0)
    if steps[-1] == 0:
        return _shift(logits, labels, weights)
    step_weights = np.bincount(steps, held)  # (K,)
    middles = np.bincount(steps[groups], weights * logits) / step_weights
    _, firsts = np.unique(steps, return_index=True)
    corrected = np.clip(logit(fitted[firsts]), -_ENDS, _ENDS)
    slope = (corrected[-1] - corrected[0]) / (middles[-1] - middles[0])
    return _curve(
        [
            middles[0] - (corrected[0] + LIMIT) / slope,
            *middles,
            middles[-1] + (LIMIT - corrected[-1]) / slope,
        ],
        [-LIMIT, *corrected, LIMIT],
    )


METHODS: Mapping[str, Fit] = {"isotonic": isotonic, "platt": platt}


def _groups(logits: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Returns which group each row is in, by rising logit, (N,); ties are in one."""
    _, places = np.unique(logits, return_inverse=True)
    count = int(np.clip(len(logits) // _GROUP_ROWS, 1, _MAX_GROUPS))
    bins = equal_weight_bins(np.bincount(places, weights), count)  # (levels,)
    return np.unique(bins, return_inverse=True)[1][places]


def _shift(logits: np.ndarray, labels: np.ndarray, weights: np.ndarray) -> LogitCurve:
    """Returns what adds to all logits what makes the mean prediction the mean label."""
    rate, wide = np.average(labels, weights=weights), logits.astype(np.float64)

    def surplus(shift: float) -> float:
        return float(np.average(expit(wide + shift), weights=weights) - rate)

    low, high = logit(rate) - wide.max() - 1.0, logit(rate) - wide.min() + 1.0
    return _line(1.0, brentq(surplus, low, high, maxiter=1000))


def _line(slope: float, intercept: float) -> LogitCurve:
    ends = np.array([-LIMIT, LIMIT])
    return _curve((ends - intercept) / slope, ends)


def _curve(logits: Iterable[float], corrected: Iterable[float]) -> LogitCurve:
    return LogitCurve(tuple(map(float, logits)), tuple(map(float, corrected)))
