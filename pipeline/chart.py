"""Draws a comparison."""

import io
from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

_COLOUR = "#1f6f8b"
_QUALITY = {"AUC": "auc", "log loss": "log_loss"}


def draw(models: Mapping[str, Any]) -> bytes:
    """Returns a PNG with a dot per model and figure: how good it is, what it costs.

    Args:
        models: The figures of each, best first, as in `compare.json`.
    """
    figure = Figure(figsize=(13, 1.6 + 0.4 * len(models)), layout="constrained")
    axes = figure.subplots(1, 4, sharey=True)
    places = range(len(models))
    for axis, (title, key) in zip(axes, _QUALITY.items(), strict=False):
        spreads = [model[key] for model in models.values()]
        axis.errorbar(
            [spread["mean"] for spread in spreads],
            places,
            xerr=[spread["sd"] or 0.0 for spread in spreads],
            fmt="o",
            color=_COLOUR,
            capsize=3,
        )
        axis.set_title(title, fontsize=10)
        axis.grid(axis="x", alpha=0.3)
    costs = {
        "training, examples/s": (
            "{:,.0f}",
            [model["training_examples_per_second"] for model in models.values()],
        ),
        "100 candidates, ms": (
            "{:.2f}",
            [model["latency_ms"]["p50"] for model in models.values()],
        ),
    }
    for axis, (title, (form, values)) in zip(axes[2:], costs.items(), strict=True):
        bars = axis.barh(places, values, color=_COLOUR, height=0.5)
        axis.bar_label(bars, fmt=form, fontsize=8, padding=2)
        axis.set_title(title, fontsize=10)
        axis.margins(x=0.25)
    for axis in axes:
        axis.tick_params(labelsize=8)
    axes[0].set_yticks(places, list(models), fontsize=10)
    axes[0].invert_yaxis()
    seeds = len(next(iter(models.values()))["auc"]["values"])
    figure.supxlabel(
        f"bars: one standard deviation over {seeds} seeds"
        if seeds > 1
        else "one seed: the spread is not known",
        fontsize=8,
    )
    png = io.BytesIO()
    figure.savefig(png, format="png", dpi=120)
    return png.getvalue()
