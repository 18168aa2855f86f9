"""Runs a compiled pipeline as Kubeflow Pipelines does, task by task, without a cluster.

What its driver and launcher do is in kubeflow/pipelines: backend/src/v2/driver and
backend/src/v2/component/launcher_v2.go. One thing differs: copies of artifacts do not
lie in `/minio` of the container but below the task's own folder, which the task is told
as the artifact's custom path.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from google.protobuf import json_format
from kfp import components

REPOSITORY = Path(__file__).parents[2]
SECONDS, PARALLEL = 240, 2  # for one task; tasks at once


class TaskFailedError(Exception):
    def __init__(self, task: str, code: int, output: str) -> None:
        super().__init__(f"{task}, exit code {code}:\n{output[-6000:]}")
        self.task, self.code, self.output = task, code, output
        self.run: Run | None = None  # what was done before


@dataclass
class Run:
    """What a run left: of each task its outputs, and which came from the cache."""

    outputs: dict[str, dict[str, Any]] = field(default_factory=dict)
    artifacts: dict[str, dict[str, Any]] = field(default_factory=dict)
    cached: list[str] = field(default_factory=list)


class Cluster:
    """An object store, a cache, and the tasks of the runs that use them."""

    def __init__(self, folder: Path) -> None:
        self._store = folder / "store"
        self._cache: dict[str, dict[str, Any]] = {}
        self._ids = 0
        self._runs = 0

    def path(self, uri: str) -> Path:
        """Returns where the store keeps what lies at a place."""
        return self._store / uri.partition("://")[2]

    def run(self, pipeline: Path, **given: Any) -> Run:
        loaded = components.load_component_from_file(str(pipeline))
        spec = json_format.MessageToDict(loaded.pipeline_spec)
        declared = spec["root"]["inputDefinitions"]["parameters"]
        values = {name: one["defaultValue"] for name, one in declared.items()} | given
        assert set(values) == set(declared)
        self._runs += 1
        root = f"{spec['defaultPipelineRoot']}/{spec['pipelineInfo']['name']}"
        run, running = Run(), {}
        waiting = dict(spec["root"]["dag"]["tasks"])
        with ThreadPoolExecutor(PARALLEL) as pool:
            while waiting or running:
                for name in sorted(waiting):
                    if _needs(waiting[name]) <= set(run.outputs):
                        uri, task = f"{root}/{self._runs}/{name}", waiting.pop(name)
                        started = pool.submit(
                            self._run_task, spec, name, task, values, uri, run
                        )
                        running[started] = name
                assert running, f"these tasks wait for each other: {sorted(waiting)}"
                for done in wait(running, return_when=FIRST_COMPLETED).done:
                    del running[done]
                    try:
                        done.result()
                    except TaskFailedError as error:
                        error.run = run
                        raise
        return run

    def _run_task(self, spec, name, task, values, uri, run) -> None:
        component = spec["components"][task["componentRef"]["name"]]
        executors = spec["deploymentSpec"]["executors"]
        container = executors[component["executorLabel"]]["container"]
        assert not set(container) - {"image", "command", "args", "resources", "env"}
        inputs = _inputs(task, values, run)
        key = _cache_key(container, inputs, component)
        cacheable = task.get("cachingOptions", {}).get("enableCache", False)
        if cacheable and key in self._cache:
            found = self._cache[key]
            run.cached.append(name)
        else:
            found = self._launch(name, container, component, inputs, uri)
            if cacheable:
                self._cache[key] = found
        run.artifacts[name] = found["artifacts"]
        run.outputs[name] = found["parameters"]  # last: others wait for it

    def _launch(self, name, container, component, inputs, uri) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as place:
            outputs = _outputs(component, uri, place)
            for artifact in _artifacts(inputs):
                artifact["customPath"] = _here(artifact["uri"], place)
                _copy(self.path(artifact["uri"]), Path(artifact["customPath"]))
            task = {"inputs": inputs, "outputs": outputs}
            failure = _execute(name, container, task, place)
            if failure:
                raise failure
            return self._collect(outputs)

    def _collect(self, outputs: dict[str, Any]) -> dict[str, Any]:
        path = Path(outputs["outputFile"])
        said = json.loads(path.read_text()) if path.exists() else {}
        found: dict[str, Any] = {"artifacts": {}, "parameters": {}}
        for key, group in outputs["artifacts"].items():
            [artifact] = group["artifacts"]
            [new] = said.get("artifacts", {}).get(key, {}).get("artifacts", [{}])
            artifact["uri"] = new.get("uri") or artifact["uri"]
            metadata = {**artifact.get("metadata", {}), **new.get("metadata", {})}
            metadata |= {"display_name": key, "store_session_info": "{}"}
            _copy(Path(artifact.pop("customPath")), self.path(artifact["uri"]))
            self._ids += 1
            found["artifacts"][key] = {
                "name": str(self._ids),
                "uri": artifact["uri"],
                "metadata": metadata,
            }
        for key, parameter in outputs["parameters"].items():
            found["parameters"][key] = Path(parameter["outputFile"]).read_text()
        return found


def _needs(task: dict[str, Any]) -> set[str]:
    inputs = task.get("inputs", {})
    needed = set(task.get("dependentTasks", ()))
    for one in inputs.get("artifacts", {}).values():
        needed.add(one["taskOutputArtifact"]["producerTask"])
    for one in inputs.get("parameters", {}).values():
        if "taskOutputParameter" in one:
            needed.add(one["taskOutputParameter"]["producerTask"])
    return needed


def _inputs(task: dict[str, Any], values: dict[str, Any], run: Run) -> dict[str, Any]:
    inputs: dict[str, Any] = {"parameterValues": {}, "artifacts": {}}
    for name, one in task.get("inputs", {}).get("parameters", {}).items():
        [(kind, found)] = one.items()
        match kind:
            case "componentInputParameter":
                value = values[found]
            case "taskOutputParameter":
                value = run.outputs[found["producerTask"]][found["outputParameterKey"]]
            case "runtimeValue":
                value = found["constant"]
        inputs["parameterValues"][name] = value
    for name, one in task.get("inputs", {}).get("artifacts", {}).items():
        found = one["taskOutputArtifact"]
        artifact = run.artifacts[found["producerTask"]][found["outputArtifactKey"]]
        inputs["artifacts"][name] = {"artifacts": [json.loads(json.dumps(artifact))]}
    return inputs


def _outputs(component: dict[str, Any], uri: str, place: str) -> dict[str, Any]:
    declared = component.get("outputDefinitions", {})
    outputs: dict[str, Any] = {"artifacts": {}, "parameters": {}}
    for name, one in declared.get("artifacts", {}).items():
        artifact = {
            "name": name,
            "uri": f"{uri}/{name}",
            "type": one["artifactType"],
            "customPath": _here(f"{uri}/{name}", place),
        }
        if "metadata" in one:
            artifact["metadata"] = one["metadata"]
        outputs["artifacts"][name] = {"artifacts": [artifact]}
    for name in declared.get("parameters", {}):
        outputs["parameters"][name] = {"outputFile": f"{place}/kfp/outputs/{name}"}
    outputs["outputFile"] = _here(f"{uri}/output_metadata.json", place)
    for path in [a["customPath"] for a in _artifacts(outputs)] + [
        one["outputFile"] for one in outputs["parameters"].values()
    ]:
        os.makedirs(os.path.dirname(path), exist_ok=True)
    os.makedirs(os.path.dirname(outputs["outputFile"]), exist_ok=True)
    return outputs


def _artifacts(side: dict[str, Any]) -> list[dict[str, Any]]:
    groups = side["artifacts"].values()
    return [artifact for group in groups for artifact in group["artifacts"]]


def _here(uri: str, place: str) -> str:
    scheme, _, rest = uri.partition("://")
    return os.path.join(place, scheme, rest)


def _copy(source: Path, target: Path) -> None:
    """Copies the files of a folder; an object store has no folders without any."""
    for path in sorted(source.rglob("*")) if source.is_dir() else [source]:
        if path.is_file():
            copied = target / path.relative_to(source)
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, copied)


def _execute(name, container, task, place) -> TaskFailedError | None:
    words = [*container["command"], *container["args"]]
    placeholders = {"{{$}}": json.dumps(task)}
    for key, value in task["inputs"]["parameterValues"].items():
        placeholders[f"{{{{$.inputs.parameters['{key}']}}}}"] = _text(value)
    for key, one in task["outputs"]["parameters"].items():
        placeholder = f"{{{{$.outputs.parameters['{key}'].output_file}}}}"
        placeholders[placeholder] = one["outputFile"]
    for placeholder, value in placeholders.items():
        words = [word.replace(placeholder, value) for word in words]
    assert words[0] == "python"
    working = Path(place) / "working"
    (Path(place) / "tmp").mkdir()
    working.mkdir()
    done = subprocess.run(
        [sys.executable, *words[1:]],
        cwd=working,
        env={
            "PATH": os.environ["PATH"],
            "HOME": str(working),
            "TMPDIR": str(Path(place) / "tmp"),
            "PYTHONPATH": str(REPOSITORY),
            "TF_CPP_MIN_LOG_LEVEL": "3",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=SECONDS,
    )
    if done.returncode:
        return TaskFailedError(name, done.returncode, done.stdout)
    return None


def _text(value: Any) -> str:
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value)


def _cache_key(container, inputs, component) -> str:
    names = {
        key: [artifact["name"] for artifact in group["artifacts"]]
        for key, group in inputs["artifacts"].items()
    }
    outputs = component.get("outputDefinitions", {})
    parts = [container["image"], container["command"], container["args"], names]
    parts += [inputs["parameterValues"], outputs]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()
