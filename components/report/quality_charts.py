"""Draws what TFMA's plots say: ROC, precision and recall, reliability, scores."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from markupsafe import Markup
from matplotlib.figure import Figure

from components.report import svg

Plots = Mapping[str, Mapping[str, Any]]  # TFMA's plots by model, `evaluation.plots`

# As TFMA's PlotData has them, in JSON.
_CONFUSION, _CALIBRATION = "confusionMatrixAtThresholds", "calibrationHistogramBuckets"
_Parts = tuple[str, str]  # of a confusion matrix: what a share is of, and the rest
_RECALL: _Parts = ("truePositives", "falseNegatives")
_SIZE = (4.6, 3.5)  # inches: the text is as large as the page's on a phone
_COLOURS = (svg.BLUE, svg.ORANGE)
_RELIABILITY_POINTS = 20  # of a hundred bins: one would be noise
_SCORE_BINS = 40


def draw(plots: Plots, prefix: str = "") -> dict[str, Markup]:
    """Returns the charts by name, none if TFMA has no plots.

    Args:
        plots: Of up to two models; the first is in front.
        prefix: Of the charts' ids.
    """
    draws = {
        "roc": (_roc, "ROC curve"),
        "precision-recall": (_precision_recall, "Precision by recall"),
        "reliability": (_reliability, "Share of clicks by prediction"),
        "scores": (_scores, "Distribution of predictions"),
    }
    if not plots:
        return {}
    charts = {}
    for name, (drawn, description) in draws.items():
        with svg.style():
            figure = Figure(figsize=_SIZE, layout="constrained")
            drawn(figure.subplots(), plots)
            charts[name] = svg.inline(figure, prefix + name, description)
    return charts


def _roc(axes: Any, plots: Plots) -> None:
    axes.plot([0, 1], [0, 1], color=svg.GREY, linewidth=0.8, linestyle=(0, (4, 3)))
    _rates(axes, plots, ("falsePositives", "trueNegatives"), _RECALL)
    _finish(axes, "false positive rate", "true positive rate", plots, "lower right")


def _precision_recall(axes: Any, plots: Plots) -> None:
    _rates(axes, plots, _RECALL, ("truePositives", "falsePositives"))
    axes.set_ylim(0.0, 1.02)
    _finish(axes, "recall", "precision", plots, "upper right")


def _rates(axes: Any, plots: Plots, x: _Parts, y: _Parts) -> None:
    """Draws one share by another, a line for each model."""
    for (model, plot), colour in reversed(_coloured(plots)):
        counts = _confusion(plot)
        shares = [_divided(counts[part], counts[rest]) for part, rest in (x, y)]
        axes.plot(*shares, color=colour, label=model)


def _reliability(axes: Any, plots: Plots) -> None:
    largest = 0.0
    for (model, plot), colour in reversed(_coloured(plots)):
        bins = _bins(plot)
        groups = np.array_split(
            np.arange(len(bins["weight"])),
            min(_RELIABILITY_POINTS, len(bins["weight"])),
        )
        weight, labels, predictions = (
            np.array([bins[key][group].sum() for group in groups])
            for key in ("weight", "labels", "predictions")
        )
        said, seen = predictions / weight, labels / weight
        axes.plot(said, seen, "o-", color=colour, markersize=4, label=model)
        largest = max(largest, said.max(), seen.max())
    axes.plot(
        [0, largest], [0, largest], color=svg.GREY, linewidth=0.8,
        linestyle=(0, (4, 3)), zorder=0,
    )  # fmt: skip
    _finish(axes, "mean prediction", "share of clicks", plots, "upper left")


def _scores(axes: Any, plots: Plots) -> None:
    (model, plot), *_ = plots.items()
    bins = _bins(plot)
    edges = np.linspace(0.0, min(1.0, bins["upper"][-1]), _SCORE_BINS + 1)
    clicks = bins["labels"]
    parts = {"clicks": clicks, "no clicks": bins["weight"] - clicks}
    for (name, counts), colour in zip(parts.items(), _COLOURS[::-1], strict=True):
        if counts.sum() > 0:
            axes.stairs(
                _spread(bins, counts, edges), edges, fill=True, color=colour,
                alpha=0.35, label=name,
            )  # fmt: skip
    axes.legend(loc="upper right")
    axes.set_xlabel(f"prediction of the {model}")
    axes.set_ylabel("share of the rows of a kind")


def _spread(bins: dict[str, np.ndarray], counts: np.ndarray, edges: Any) -> np.ndarray:
    """Returns the share of rows in even bins; those of TFMA are even in weight."""
    ends = np.concatenate([bins["lower"][:1], bins["upper"]])
    below = np.interp(edges, ends, np.concatenate([[0.0], np.cumsum(counts)]))
    return np.diff(below) / counts.sum()


def _coloured(plots: Plots) -> Sequence[tuple[tuple[str, Any], str]]:
    return list(zip(plots.items(), _COLOURS, strict=False))


def _finish(axes: Any, x: str, y: str, plots: Plots, place: str) -> None:
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    axes.set_xlim(left=0.0)
    axes.set_ylim(bottom=0.0)
    if len(plots) > 1:
        handles, labels = axes.get_legend_handles_labels()
        axes.legend(handles[::-1], labels[::-1], loc=place)


def _confusion(plot: Mapping[str, Any]) -> dict[str, np.ndarray]:
    matrices = plot[_CONFUSION]["matrices"]
    keys = ("truePositives", "falsePositives", "trueNegatives", "falseNegatives")
    return {key: np.array([m.get(key, 0.0) for m in matrices]) for key in keys}


def _bins(plot: Mapping[str, Any]) -> dict[str, np.ndarray]:
    buckets = plot[_CALIBRATION]["buckets"]
    keys = {
        "lower": "lowerThresholdInclusive",
        "upper": "upperThresholdExclusive",
        "weight": "numWeightedExamples",
        "labels": "totalWeightedLabel",
        "predictions": "totalWeightedRefinedPrediction",
    }
    kept = [b for b in buckets if b.get(keys["weight"], 0.0) > 0.0]
    return {n: np.array([b.get(key, 0.0) for b in kept]) for n, key in keys.items()}


def _divided(part: np.ndarray, rest: np.ndarray) -> np.ndarray:
    """Returns the share, not a number where there is nothing to take it of."""
    whole = part + rest
    return np.divide(part, whole, out=np.full(len(whole), np.nan), where=whole > 0)
