"""Reads a finished run back from ML Metadata: the record of what happened."""

import json
import os
from typing import Any

import tensorflow_transform as tft
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx.utils import path_utils

from components import correction, metadata
from components.evaluator import results
from components.evaluator.config import STORING_PROPERTY
from components.evaluator.results import Evaluation
from components.example_gen.component import (
    BEFORE_SPAN,
    EXAMPLE_GEN,
    SERVING_EXAMPLE_GEN,
)
from components.example_gen.executor import REASONS_PROPERTY, ROWS_PROPERTY
from components.example_gen.splits import QUARANTINE
from components.trainer.datasets import TransformedSplits
from schema.contract import FINDINGS_PROPERTY
from schema.features import Dataset


class RunRecord:
    """The latest run in a metadata file."""

    def __init__(self, metadata_path: str) -> None:
        self._store = metadata.opened(metadata_path)
        runs = self._store.get_contexts_by_type("pipeline_run")
        self._run = max(runs, key=lambda run: run.id)

    def output(self, component: str, key: str) -> Any:
        """Returns an artifact that a component of the run wrote or reused, or None.

        Of several, that of the latest span.
        """
        return next(reversed(self.outputs(component, key)), None)

    def outputs(self, component: str, key: str) -> list[Any]:
        """Returns the artifacts that a component of the run wrote or reused.

        Where each span has a component or an artifact, by rising span.
        """
        return [artifact for _, artifact in self._outputs(component, key)]

    def spans(self) -> dict[str, int]:
        """Returns the spans that were worked on, by name; none of a log without."""
        return {
            node.partition(BEFORE_SPAN)[2]: examples.custom_properties["span"].int_value
            for node, examples in self._outputs(EXAMPLE_GEN, "examples")
            if BEFORE_SPAN in node
        }

    def ingested(self, reader: str = EXAMPLE_GEN) -> dict[str, Any]:
        """Returns what became of the rows that a component, or one a span, read.

        Args:
            reader: The component.

        Returns:
            `rows`: how many each split has, and how many are in none and why;
            `quarantined`: how many were set aside for which reason; `quarantine`: the
            folder that holds these, or, by comma, the folders of spans that have any.
        """
        written = self.outputs(reader, "examples")
        holding = [one for one in written if _read_counts(one, REASONS_PROPERTY)]
        folders = [os.path.join(one.uri, QUARANTINE) for one in holding or written[-1:]]
        return {
            "rows": _sum_counts(written, ROWS_PROPERTY),
            "quarantined": _sum_counts(written, REASONS_PROPERTY),
            "quarantine": ", ".join(folders),
        }

    def served(self) -> dict[str, Any] | None:
        """Returns the same of the requests that were served, None if none were read."""
        if not self.outputs(SERVING_EXAMPLE_GEN, "examples"):
            return None
        return self.ingested(SERVING_EXAMPLE_GEN)

    def transformed(
        self, dataset: Dataset, hold_out: bool = False
    ) -> TransformedSplits:
        """Returns what Transform made of the rows, for a model to be trained on.

        Args:
            dataset: The run's.
            hold_out: Whether rows are kept from training, to correct the model by.
        """
        transformed = self.outputs("Transform", "transformed_examples")
        return TransformedSplits(
            dataset,
            tft.TFTransformOutput(self.output("Transform", "transform_graph").uri),
            [f"{artifact.uri}/Split-train/*" for artifact in transformed],
            [f"{artifact.uri}/Split-eval/*" for artifact in transformed],
            hold_out,
        )

    def evaluation(self) -> Evaluation:
        """Returns what the Evaluator found."""
        return results.load(self.output("Evaluator", "evaluation").uri)

    def blessed(self) -> bool:
        """Returns whether Evaluator and InfraValidator let the model through."""
        return all(
            self.output(component, "blessing").custom_properties["blessed"].int_value
            for component in ("Evaluator", "InfraValidator")
        )

    def infra_findings(self) -> list[str]:
        """Returns what is wrong with the model as a server serves it."""
        blessing = self.output("InfraValidator", "blessing")
        return list(
            json.loads(blessing.custom_properties[FINDINGS_PROPERTY].string_value)
        )

    def storing(self) -> str:
        """Returns in words what storing embeddings in fewer bits cost, if they are."""
        properties = self.output("Evaluator", "blessing").custom_properties
        return str(properties[STORING_PROPERTY].string_value)

    def correction(self) -> str:
        """Returns in words how probabilities were corrected, if they were."""
        model = self.output("Trainer", "model").uri
        return correction.words(path_utils.serving_model_path(model))

    def pushed(self) -> tuple[str, str] | None:
        """Returns version and path of the pushed model, None if nothing was pushed."""
        properties = self.output("Pusher", "pushed_model").custom_properties
        if not properties["pushed"].int_value:
            return None
        return (
            properties["pushed_version"].string_value,
            properties["pushed_destination"].string_value,
        )

    def _outputs(self, component: str, key: str) -> list[tuple[str, Any]]:
        found = []
        for execution in self._store.get_executions_by_context(self._run.id):
            node = metadata.component_of(self._store, execution)
            if node.partition(BEFORE_SPAN)[0] != component:
                continue
            for event in self._store.get_events_by_execution_ids([execution.id]):
                steps = event.path.steps
                if event.type == mlmd.Event.OUTPUT and steps and steps[0].key == key:
                    [artifact] = self._store.get_artifacts_by_id([event.artifact_id])
                    index = steps[1].index if len(steps) > 1 else 0
                    span = artifact.custom_properties["span"].int_value
                    found.append(((span, index), node, artifact))
        return [(node, one) for _, node, one in sorted(found, key=lambda f: f[0])]


def _sum_counts(written: list[Any], key: str) -> dict[str, int]:
    total: dict[str, int] = {}
    for examples in written:
        for name, count in _read_counts(examples, key).items():
            total[name] = total.get(name, 0) + count
    return total


def _read_counts(examples: Any, key: str) -> dict[str, int]:
    return dict(json.loads(examples.custom_properties[key].string_value))
