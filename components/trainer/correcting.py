"""Corrects a trained model by rows that it has not seen, and says what that changed."""

import logging

import numpy as np
from scipy.special import expit

from components.correction import Correction, Figures
from components.evaluator import measures
from components.evaluator.histogram import ScoreHistogram
from components.trainer import calibration
from components.trainer.config import Calibration
from components.trainer.datasets import TransformedSplits
from components.trainer.scoring import Scored, score
from model.base import CTRModel
from model.logit_curve import LogitCurve
from schema.errors import ConfigError, DataError

# Held-out rows of either label: a line has two numbers to find, steps as many as the
# rows ask for (Niculescu-Mizil and Caruana, Predicting Good Probabilities with
# Supervised Learning, ICML 2005, https://doi.org/10.1145/1102351.1102430).
_LEAST_ROWS = {"platt": 10, "isotonic": 100}
_LABELS = (0, 1)


def correct(
    model: CTRModel, splits: TransformedSplits, method: Calibration | None
) -> Correction | None:
    """Corrects the logits that a model returns from now on.

    Args:
        model: Trained, and stored as it is to be exported.
        splits: What it was trained on, with rows held out.
        method: How, if at all.

    Returns:
        What it changed, measured on the held-out rows; None where nothing is asked for.

    Raises:
        DataError: There are too few rows of a label.
        ConfigError: The model's logits are not numbers.
    """
    if method is None:
        return None
    scored = score(model, splits.held_out())
    rows = of_whole_log(scored, splits.dataset.negatives())
    curve = fit(rows, method)
    model.correct_by(curve)
    done = Correction(
        method,
        len(rows.labels),
        before=_figures(rows),
        after=_figures(rows._replace(logits=curve.of(rows.logits))),
    )
    logging.info("Probabilities are corrected %s", done.words())
    return done


def of_whole_log(scored: Scored, negatives: float) -> Scored:
    """Returns the rows that count, those with label 0 also for those left out.

    Args:
        scored: Rows of the train split.
        negatives: Share of the rows with label 0 that it keeps.
    """
    weights = np.where(scored.labels > 0, 1.0, 1.0 / negatives) * scored.weights
    counting = weights > 0.0
    return Scored(scored.logits[counting], scored.labels[counting], weights[counting])


def fit(rows: Scored, method: Calibration) -> LogitCurve:
    """Returns the curve that corrects logits like those of held-out rows.

    Args:
        rows: That count.
        method: How.

    Raises:
        DataError: There are too few of a label.
        ConfigError: The logits are not numbers.
    """
    least = _LEAST_ROWS[method]
    for label in _LABELS:
        count = np.count_nonzero(rows.labels == label)
        if count < least:
            few = f" platt needs {_LEAST_ROWS['platt']}." if method != "platt" else ""
            raise DataError(
                f"training.calibration: {method} needs {least} rows of each label. Of "
                f"the {len(rows.labels):,} rows held out, every tenth of the train "
                f"split, {count:,} have the label {label}. Give it more rows, or leave "
                f"training.calibration out.{few}"
            )
    if wrong := np.count_nonzero(~np.isfinite(rows.logits)):
        raise ConfigError(
            f"training diverged: of {len(rows.logits):,} rows held out for "
            f"training.calibration, {wrong:,} have a score that is not a number. Lower "
            "the learning_rate, or scale the numeric features."
        )
    return calibration.METHODS[method](*rows)


def _figures(rows: Scored) -> Figures:
    scores = ScoreHistogram()
    scores.add(rows.labels, expit(rows.logits.astype(np.float64)), rows.weights)
    return Figures(
        measures.calibration(scores), measures.ece(scores), measures.logloss(scores)
    )
