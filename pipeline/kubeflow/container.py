"""What a component's container runs: `python -m pipeline.kubeflow.container`.

TFX's own entry point expects of its runner what Vertex AI does and Kubeflow Pipelines
does not: to start ExampleGen's driver, and to give inputs their types. It also expects
TensorFlow to read artifacts where they lie, in gs:// alone. This one does these things
and then calls TFX's.
"""

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from components.example_gen import executor as example_gen
from components.pusher import executor as pusher
from pipeline.kubeflow import parameters, places
from schema.errors import (
    ConfigError,
    DataAnomalyError,
    DataError,
    NotPushedError,
)

_BAD_INPUT, _NOT_PUSHED, _ANOMALIES = 2, 3, 4
_SCHEMA_FILE = "schema_file"  # of ImportSchemaGen
_TRAINER = "tfx.components.trainer.executor.GenericExecutor"

Task = dict[str, Any]  # the launcher's ExecutorInput, as JSON


def main(argv: Sequence[str] | None = None) -> None:
    """Runs a component; the user's mistakes end in a sentence and an exit code."""
    try:
        run(sys.argv[1:] if argv is None else argv)
    except (ConfigError, DataError, NotPushedError) as error:
        print(f"deepfm: {error}", file=sys.stderr)
        if isinstance(error, NotPushedError):
            sys.exit(_NOT_PUSHED)
        sys.exit(_ANOMALIES if isinstance(error, DataAnomalyError) else _BAD_INPUT)


def run(argv: Sequence[str]) -> None:
    """Runs a component as the launcher asks for it.

    Args:
        argv: The container's arguments, placeholders resolved.
    """
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--executor_class_path", required=True)
    parser.add_argument("--json_serialized_invocation_args", required=True)
    parser.add_argument("--json_serialized_inputs_spec_args", required=True)
    parser.add_argument("--code_version", required=True)  # only for the cache's key
    args, beam_args = parser.parse_known_args(argv)
    task = json.loads(args.json_serialized_invocation_args)
    declared = json.loads(args.json_serialized_inputs_spec_args)
    _take_types(task, declared)
    here = places.bring_here(artifacts(task))
    _apply_parameters(task, args.executor_class_path)
    args.json_serialized_invocation_args = json.dumps(task)
    _execute(args, task, beam_args)
    _write_places(Path(task["outputs"]["outputFile"]), here)


def artifacts(task: Task) -> Iterator[dict[str, Any]]:
    """Returns all artifacts of a task, inputs and outputs."""
    for side in ("inputs", "outputs"):
        for group in task.get(side, {}).get("artifacts", {}).values():
            yield from group.get("artifacts", ())


def _execute(args: argparse.Namespace, task: Task, beam_args: Sequence[str]) -> None:
    """Calls TFX: a driver, where there is one, and the executor."""
    from tfx.orchestration.kubeflow.v2.container import kubeflow_v2_run_executor
    from tfx.orchestration.kubeflow.v2.file_based_example_gen import driver

    if args.executor_class_path == _path_of(example_gen.Executor):
        driver.main(args)  # leaves what it found in the task's output file
        _take_metadata(task)
    args.json_serialized_invocation_args = json.dumps(task)
    kubeflow_v2_run_executor.main((args, list(beam_args)))


def _take_metadata(task: Task) -> None:
    """Gives outputs what the driver found: span, version, fingerprint."""
    found = json.loads(Path(task["outputs"]["outputFile"]).read_text())
    for key, group in found.get("artifacts", {}).items():
        [artifact] = task["outputs"]["artifacts"][key]["artifacts"]
        [told] = group["artifacts"]
        artifact.setdefault("metadata", {}).update(told.get("metadata", {}))


def _take_types(task: Task, declared: dict[str, Any]) -> None:
    """Gives inputs the types that the component declares; JSON knows one number."""
    inputs = task.get("inputs", {})
    for name, group in inputs.get("artifacts", {}).items():
        for artifact in group.get("artifacts", ()):
            artifact["type"] = declared["artifacts"][name]["artifactType"]
    values = inputs.get("parameterValues", {})
    for name, one in declared.get("parameters", {}).items():
        if name in values and one["parameterType"] == "NUMBER_INTEGER":
            values[name] = int(values[name])


def _apply_parameters(task: Task, executor: str) -> None:
    """Puts the run's parameters in the place of what was compiled."""
    values = task.get("inputs", {}).get("parameterValues", {})
    if executor == _path_of(example_gen.Executor):
        data = values.get(parameters.DATA, values.get(parameters.SERVING_DATA))
        span = values.get(parameters.SPAN, parameters.LATEST)
        values.update(parameters.with_examples(values, data, span))
    elif executor == _path_of(pusher.Executor):
        values.update(
            parameters.with_destination(values, values[parameters.DESTINATION])
        )
    elif executor == _TRAINER:
        values.update(parameters.with_hyperparameters(values, values))
    elif _SCHEMA_FILE in values:
        values[_SCHEMA_FILE] = places.of_package(values[_SCHEMA_FILE])


def _path_of(executor: type) -> str:
    return f"{executor.__module__}.{executor.__qualname__}"


def _write_places(path: Path, here: dict[str, str]) -> None:
    """Says in a task's output where artifacts lie for the others."""
    output = json.loads(path.read_text())
    for group in output.get("artifacts", {}).values():
        for artifact in group["artifacts"]:
            artifact["uri"] = here.get(artifact["uri"], artifact["uri"])
    path.write_text(json.dumps(output))


if __name__ == "__main__":
    main()
