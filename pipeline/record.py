"""Reads a finished run back from ML Metadata: the record of what happened."""

import json
import os
from typing import Any

import tensorflow_model_analysis as tfma
from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components.evaluator.config import EvalConfig
from components.example_gen.executor import REASONS_PROPERTY, ROWS_PROPERTY
from components.example_gen.splits import QUARANTINE

_OVERALL = ()  # TFMA's slice of all rows
_METRICS = {
    "auc": "auc",
    "logloss": "binary_crossentropy",
    "calibration": "calibration",
}


class RunRecord:
    """The latest run in a metadata file."""

    def __init__(self, metadata_path: str) -> None:
        connection = mlmd.ConnectionConfig()
        connection.sqlite.filename_uri = metadata_path
        connection.sqlite.connection_mode = mlmd.SqliteMetadataSourceConfig.READONLY
        self._store = MetadataStore(connection)
        runs = self._store.get_contexts_by_type("pipeline_run")
        self._run = max(runs, key=lambda run: run.id)

    def output(self, component: str, key: str) -> Any:
        """Returns an artifact that a component of the run wrote or reused, or None."""
        for execution in self._store.get_executions_by_context(self._run.id):
            if self._node_of(execution) != component:
                continue
            for event in self._store.get_events_by_execution_ids([execution.id]):
                if (
                    event.type == mlmd.Event.OUTPUT
                    and event.path.steps
                    and event.path.steps[0].key == key
                ):
                    return self._store.get_artifacts_by_id([event.artifact_id])[0]
        return None

    def rows(self) -> dict[str, int]:
        """Returns how many rows each split has, and how many are in none and why."""
        return self._counts(ROWS_PROPERTY)

    def quarantined(self) -> dict[str, int]:
        """Returns how many rows were set aside for which reason."""
        return self._counts(REASONS_PROPERTY)

    def quarantine(self) -> str:
        """Returns the folder that holds the rows that were set aside."""
        return os.path.join(self.output("ExampleGen", "examples").uri, QUARANTINE)

    def metrics(self) -> dict[str, float]:
        """Returns the metrics over all rows of the model that was trained."""
        metrics = self._metrics("candidate") or self._metrics("")
        if metrics is None:
            raise RuntimeError("the evaluation holds no metrics over all rows")
        return metrics

    def baseline_metrics(self) -> dict[str, float] | None:
        """Returns those of the latest blessed model, None if there was none."""
        return self._metrics("baseline")

    def blessed(self) -> bool:
        """Returns whether the Evaluator let the model through."""
        blessing = self.output("Evaluator", "blessing")
        return bool(blessing.custom_properties["blessed"].int_value)

    def pushed(self) -> tuple[str, str] | None:
        """Returns version and path of the pushed model, None if nothing was pushed."""
        properties = self.output("Pusher", "pushed_model").custom_properties
        if not properties["pushed"].int_value:
            return None
        return (
            properties["pushed_version"].string_value,
            properties["pushed_destination"].string_value,
        )

    def _counts(self, key: str) -> dict[str, int]:
        examples = self.output("ExampleGen", "examples")
        return dict(json.loads(examples.custom_properties[key].string_value))

    def _metrics(self, model: str) -> dict[str, float] | None:
        evaluation = self.output("Evaluator", "evaluation")
        result = tfma.load_eval_result(evaluation.uri, model_name=model)
        for key, values in result.slicing_metrics if result else ():
            if key == _OVERALL:
                found = values[""][""]
                return {
                    ours: float(found[theirs]["doubleValue"])
                    for ours, theirs in _METRICS.items()
                }
        return None

    def _node_of(self, execution: Any) -> str:
        for context in self._store.get_contexts_by_execution(execution.id):
            if context.type == "node":
                return str(context.name.rsplit(".", 1)[-1])
        return ""


def verdict(
    config: EvalConfig,
    candidate: dict[str, float],
    baseline: dict[str, float] | None,
) -> str:
    """Returns in words how the AUC stands to each bound of the gate."""
    auc = candidate["auc"]
    words = []
    if config.auc_floor is not None:
        margin = auc - config.auc_floor
        side = "above" if margin >= 0 else "below"
        words.append(
            f"AUC {auc:.6f} is {abs(margin):.6f} {side} the floor of {config.auc_floor}"
        )
    if config.max_auc_drop is not None and baseline is None:
        words.append("there is no blessed model to compare with yet")
    elif config.max_auc_drop is not None and baseline is not None:
        change = auc - baseline["auc"]
        moved = "gained" if change >= 0 else "lost"
        words.append(
            f"it {moved} {abs(change):.6f} against the latest blessed model "
            f"({baseline['auc']:.6f}); at most {config.max_auc_drop} may be lost"
        )
    return "; ".join(words)
