"""Writes the page of a run: gathers what is known, and fills the template in."""

from collections.abc import Mapping
from typing import Any

import jinja2
import pyarrow as pa
from markupsafe import Markup
from tfx.utils import path_utils

from components import correction, model_run
from components.evaluator import results
from components.evaluator.results import EVERY_ROW
from components.evaluator.verdict import title
from components.report import (
    data,
    fields,
    learned,
    lineage,
    other_charts,
    quality,
    quality_charts,
    sample,
    wording,
)
from components.report.sources import Sources
from components.settings import flattened
from schema.contract import EXAMPLES, PROBABILITIES, SERVING_DEFAULT

_SAMPLE_ROWS = 10_000  # of the eval split: for what is unseen
_ASKED_ROWS = 1_000  # of these: for what the model learned, once for each field
_SHOWN_SLICES = 50
_FILTERS = ("number", "signed", "short", "count", "share", "setting", "seconds")
_FEATURES = "dataset.features."
# Of the table of slices; the page of all metrics is TFMA's.
_SLICE_METRICS = ("auc", "logloss", "calibration", "mean_label", "mean_prediction")


def write(sources: Sources) -> str:
    """Returns the page of a run, one HTML text that needs nothing else.

    Args:
        sources: The run.
    """
    dataset = sources.dataset
    columns = data.statistics(sources.statistics)
    batch = sample.read(sources.examples, dataset, _SAMPLE_ROWS)
    return render(
        "report.html",
        sources=sources,
        dataset=dataset,
        policy_type=sources.policy["policy_type"],
        columns=columns,
        rows=_rows(columns),
        spark=other_charts.spark,
        anomalies=data.anomalies(sources.anomalies),
        fields=fields.describe(dataset, columns, sources.transform_graph, batch),
        sample_rows=batch.num_rows,
        steps=lineage.read(sources.metadata_path) if sources.metadata_path else [],
        settings=settings(sources.config),
        signature=(SERVING_DEFAULT, EXAMPLES, PROBABILITIES),
        **_quality(sources),
        **_training(sources, batch),
    )


def _quality(sources: Sources) -> dict[str, Any]:
    """Returns how good the model is."""
    found = results.load(sources.evaluation)
    every, slices = found.candidate[EVERY_ROW], quality.slices(found)
    return {
        "correction": correction.words(path_utils.serving_model_path(sources.model)),
        "verdict": quality.say(sources, found),
        "stands": quality.stands(sources.gate, found),
        "every": every,
        "figures": quality.figures(found),
        "has_baseline": found.baseline is not None,
        "charts": quality_charts.draw(found.plots),
        "slices": slices[:_SHOWN_SLICES],
        "slices_left_out": len(slices[_SHOWN_SLICES:]),
        "slice_metrics": {n: title(n) for n in _SLICE_METRICS if n in every},
        "harm": quality.harm_in_words(found),
    }


def _training(sources: Sources, batch: pa.RecordBatch) -> dict[str, Any]:
    """Returns how the model was trained, and what it learned."""
    epochs = model_run.history(sources.model_run)
    found = learned.look(
        sources.model,
        sources.policy["policy_type"],
        sources.dataset,
        batch,
        _ASKED_ROWS,
    )
    return {
        "epochs": epochs,
        "training": other_charts.training(epochs),
        "learned": found,
        "importance": other_charts.importance(found.importances),
        "pairs": other_charts.pairs(found.pairs) if found.pairs else None,
    }


def _rows(columns: Mapping[str, Mapping[str, data.Column]]) -> dict[str, int]:
    """Returns how many rows each split has."""
    return {split: column.rows for c in columns.values() for split, column in c.items()}


def render(template: str, **content: Any) -> str:
    """Returns a filled-in template; what comes of data is escaped.

    Args:
        template: Its file.
        **content: What its names stand for.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("components.report"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    for name in _FILTERS:
        environment.filters[name] = getattr(wording, name)
    environment.filters["breakable"] = breakable
    return environment.get_template(template).render(content)


def settings(config: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what was asked for, by key; a feature and its options are one setting.

    Policies that were not trained are left out, and keys without a value.
    """
    policies = {"scoring_policy": config["policy_configs"]["scoring_policy"]}
    found: dict[str, Any] = {}
    for key, value in flattened({**config, "policy_configs": policies}).items():
        if value in (None, [], {}):
            continue
        if key.startswith(_FEATURES):
            name, _, option = key.removeprefix(_FEATURES).partition(".")
            said = [found[_FEATURES + name]] if _FEATURES + name in found else []
            found[_FEATURES + name] = ", ".join(
                [*said, f"{option}: {wording.setting(value)}"]
            )
        else:
            found[key] = value
    return found


def breakable(text: Any) -> Markup:
    """Returns a name that a narrow column may break after its points and the like."""
    escaped = str(Markup.escape(text))
    for mark in ("_", ".", "/"):
        escaped = escaped.replace(mark, f"{mark}<wbr>")
    return Markup(escaped)
