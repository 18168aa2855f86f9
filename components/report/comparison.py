"""Writes one page of two runs: what changed, and what that did."""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

from components.evaluator import results
from components.evaluator.names import EXAMPLE_COUNT
from components.evaluator.results import EVERY_ROW, Evaluation
from components.evaluator.verdict import words_of
from components.report import page, quality, quality_charts
from components.report.sources import Sources
from components.settings import flattened

NAMES = ("A", "B")
_SHOWN_SLICES = 50


class Change(NamedTuple):
    """A slice that both runs have.

    Attributes:
        words: Which.
        rows: How many it has in B.
        before: The log loss of A.
        after: The log loss of B.
        harm: What B lost on it: rows times the rise of the log loss.
    """

    words: str
    rows: float
    before: float
    after: float
    harm: float


def write(runs: Mapping[str, Sources]) -> str:
    """Returns the page of two runs, one HTML text that needs nothing else.

    Args:
        runs: Two, by the names of their folders.
    """
    found = [results.load(sources.evaluation) for sources in runs.values()]
    first, second = found
    slices = changes(first, second)
    flat = [flattened(sources.config) for sources in runs.values()]
    return page.render(
        "comparison.html",
        runs=[
            (name, folder, sources, quality.say(sources, evaluation))
            for name, (folder, sources), evaluation in zip(
                NAMES, runs.items(), found, strict=True
            )
        ],
        same_rows=_same_rows(first, second),
        figures=_figures(first, second),
        charts=quality_charts.draw(
            {
                name: plot
                for name, evaluation in zip(NAMES, found, strict=True)
                for model, plot in evaluation.plots.items()
                if model != "baseline"
            }
        ),
        slices=slices[:_SHOWN_SLICES],
        slices_left_out=len(slices[_SHOWN_SLICES:]),
        differences=differences(*flat),
    )


def changes(first: Evaluation, second: Evaluation) -> list[Change]:
    """Returns the slices that both have, those that the second harmed most first."""
    found = []
    for key, metrics in second.candidate.items():
        if key == EVERY_ROW or key not in first.candidate:
            continue
        rows, after = metrics[EXAMPLE_COUNT], metrics["logloss"]
        before = first.candidate[key]["logloss"]
        harm = rows * (after - before)
        found.append(Change(words_of(key), rows, before, after, harm))
    return sorted(found, key=lambda one: (math.isnan(one.harm), -one.harm, one.words))


def differences(
    first: Mapping[str, Any], second: Mapping[str, Any]
) -> list[tuple[str, Any, Any]]:
    """Returns the settings that differ: key, value of the first, of the second."""
    keys = dict.fromkeys([*first, *second])
    return [
        (key, first.get(key), second.get(key))
        for key in keys
        if first.get(key) != second.get(key)
    ]


def _figures(first: Evaluation, second: Evaluation) -> list[quality.Figure]:
    before, after = first.candidate[EVERY_ROW], second.candidate[EVERY_ROW]
    names = [name for name in quality.metric_names(second) if name in before]
    return [quality.figure(name, after[name], before[name]) for name in names]


def _same_rows(first: Evaluation, second: Evaluation) -> bool:
    """Returns whether both were evaluated on the same rows, as far as sums can tell."""
    sums = [
        (
            found.candidate[EVERY_ROW][EXAMPLE_COUNT],
            found.candidate[EVERY_ROW]["mean_label"],
        )
        for found in (first, second)
    ]
    return sums[0] == sums[1]
