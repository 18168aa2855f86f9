"""What ML Metadata knows of a run: which component made what of what, how fast."""

from typing import Any, NamedTuple

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd

from components import metadata

_REPORT = "Report"  # the component that asks is not done


class Artifact(NamedTuple):
    """What a component wrote or read.

    Attributes:
        id: ML Metadata's.
        type: Such as `Model`.
        place: The end of its address: component, output, execution.
    """

    id: int
    type: str
    place: str


class Step(NamedTuple):
    """A component of a run.

    Attributes:
        component: Its id.
        seconds: How long it took; None where its outputs were reused.
        inputs: What it read.
        outputs: What it wrote, or reused.
    """

    component: str
    seconds: float | None
    inputs: list[Artifact]
    outputs: list[Artifact]


class Asked(NamedTuple):
    """What a run's report was made of.

    Attributes:
        inputs: Artifacts of ML Metadata, by the component's keys.
        properties: The component's, texts.
        outputs: As inputs; none of a report that failed.
    """

    inputs: dict[str, Any]
    properties: dict[str, str]
    outputs: dict[str, Any]


def asked(metadata_path: str) -> Asked | None:
    """Returns what the latest report was made of, None if no run got as far.

    Args:
        metadata_path: ML Metadata's SQLite file.
    """
    store, executions = _latest(metadata_path)
    for component, execution in executions:
        if component == _REPORT:
            found: dict[int, dict[str, Any]] = {}
            for event in store.get_events_by_execution_ids([execution.id]):
                [artifact] = store.get_artifacts_by_id([event.artifact_id])
                found.setdefault(event.type, {})[event.path.steps[0].key] = artifact
            properties = {
                key: value.string_value
                for key, value in execution.custom_properties.items()
            }
            inputs = found.get(mlmd.Event.INPUT, {})
            return Asked(inputs, properties, found.get(mlmd.Event.OUTPUT, {}))
    return None


def read(metadata_path: str) -> list[Step]:
    """Returns the steps of the latest run that got as far as a report, in order.

    Args:
        metadata_path: ML Metadata's SQLite file.
    """
    store, executions = _latest(metadata_path)
    return [_step(store, *one) for one in executions if one[0] != _REPORT]


def _latest(metadata_path: str) -> tuple[MetadataStore, list[tuple[str, Any]]]:
    """Returns the components of the latest run with a report, and their executions."""
    store = metadata.opened(metadata_path)
    for run in sorted(store.get_contexts_by_type("pipeline_run"), key=lambda r: -r.id):
        executions = store.get_executions_by_context(run.id)
        named = [(metadata.component_of(store, one), one) for one in executions]
        if _REPORT in (name for name, _ in named):
            named.sort(key=lambda one: (one[1].create_time_since_epoch, one[1].id))
            return store, named
    return store, []


def _step(store: MetadataStore, component: str, execution: Any) -> Step:
    reused = execution.last_known_state == mlmd.Execution.CACHED
    took = execution.last_update_time_since_epoch - execution.create_time_since_epoch
    events = store.get_events_by_execution_ids([execution.id])
    ids = {event.artifact_id for event in events}
    artifacts = {one.id: _artifact(one) for one in store.get_artifacts_by_id(ids)}
    by_type: dict[int, list[Artifact]] = {mlmd.Event.INPUT: [], mlmd.Event.OUTPUT: []}
    for event in events:
        if event.type in by_type:
            by_type[event.type].append(artifacts[event.artifact_id])
    return Step(
        component,
        None if reused else took / 1000,
        by_type[mlmd.Event.INPUT],
        by_type[mlmd.Event.OUTPUT],
    )


def _artifact(artifact: Any) -> Artifact:
    return Artifact(artifact.id, artifact.type, "/".join(artifact.uri.split("/")[-3:]))
