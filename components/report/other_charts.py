"""Draws training, importance and interactions, and small bars for tables."""

from collections.abc import Sequence
from typing import Any

from markupsafe import Markup
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from components.report import svg
from components.report.data import Column
from components.report.learned import Importance, Pair

SHOWN = 20  # fields, and pairs
_HALF, _ROW = 4.6, 0.19  # inches: width of a chart, height of a bar
_FIGURES = {"loss": "loss", "auc": "AUC"}  # of the history, and their titles
_SPARK_WIDTH, _SPARK_HEIGHT = 132, 28  # pixels


def training(epochs: Sequence[dict[str, float]]) -> dict[str, Markup]:
    """Returns a chart for each figure that both splits have.

    Args:
        epochs: What `history` returned.
    """
    charts = {}
    numbers = [1 + int(epoch["epoch"]) for epoch in epochs]
    for key, title in _FIGURES.items():
        if not epochs or f"val_{key}" not in epochs[0]:
            continue
        with svg.style():
            figure = Figure(figsize=(_HALF, 3.0), layout="constrained")
            axes = figure.subplots()
            lines = {"train": (key, svg.GREY), "eval": (f"val_{key}", svg.BLUE)}
            for label, (name, colour) in lines.items():
                values = [epoch[name] for epoch in epochs]
                axes.plot(
                    numbers, values, "o-", color=colour, markersize=3.5, label=label
                )
            axes.set_xlabel("epoch")
            axes.set_ylabel(title)
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.legend()
            charts[key] = svg.inline(figure, f"training-{key}", f"{title} by epoch")
    return charts


def importance(found: Sequence[Importance]) -> Markup:
    """Returns the most important fields as bars, each with its standard error."""
    shown = found[:SHOWN]
    return _bars(
        [one.field for one in shown],
        [one.rise for one in shown],
        [one.error for one in shown],
        "rise of the log loss, values shuffled",
        "importance",
    )


def pairs(found: Sequence[Pair]) -> Markup:
    """Returns the strongest pairs as bars."""
    shown = found[:SHOWN]
    return _bars(
        [" \N{MULTIPLICATION SIGN} ".join(one.fields) for one in shown],
        [one.strength for one in shown],
        None,
        "mean of |⟨e_i, e_j⟩|, in logits",
        "pairs",
    )


def spark(column: Column | None, name: str) -> Markup:
    """Returns how a column's values are distributed, as bars without axes."""
    if column is None:
        return Markup("")
    shares = [s for _, _, s in column.bars] or [s for _, s in column.top]
    highest = max(shares, default=0.0)
    if not highest:
        return Markup("")
    step = _SPARK_WIDTH / max(len(shares), 10)
    bars = Markup("").join(
        Markup('<rect x="{:.1f}" y="{:.1f}" width="{:.1f}" height="{:.1f}"/>').format(
            i * step,
            _SPARK_HEIGHT * (1.0 - share / highest),
            step - 1.0,
            _SPARK_HEIGHT * share / highest,
        )
        for i, share in enumerate(shares)
    )
    return Markup(
        '<svg class="spark" role="img" aria-label="distribution of {}" '
        'viewBox="0 0 {} {}">{}</svg>'
    ).format(name, _SPARK_WIDTH, _SPARK_HEIGHT, bars)


def _bars(
    labels: list[str],
    values: list[float],
    errors: list[float] | None,
    title: str,
    name: str,
) -> Markup:
    with svg.style():
        height = 0.7 + _ROW * len(labels)
        figure = Figure(figsize=(_HALF, height), layout="constrained")
        axes: Any = figure.subplots()
        places = range(len(labels))
        axes.barh(places, values, 0.62, color=svg.BLUE)
        if errors:
            axes.errorbar(
                values, places, xerr=errors, fmt="none", ecolor=svg.INK, elinewidth=0.9
            )
        # A dollar sign in a name would begin a formula.
        axes.set_yticks(places, [label.replace("$", r"\$") for label in labels])
        axes.invert_yaxis()
        axes.grid(axis="y", visible=False)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.set_major_locator(MaxNLocator(5))
        axes.set_xlabel(title)
        return svg.inline(figure, name, title)
