"""Makes of TFX's pipeline spec one that Kubeflow Pipelines' own backend runs.

TFX compiles for Vertex AI. The open backend knows no `lifecycle`, by which ExampleGen's
driver would be called, and what it keeps in its cache hangs on a container's arguments,
image and inputs alone.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from components.example_gen import executor as example_gen
from pipeline.kubeflow.config import ContainerConfig, KubeflowConfig
from pipeline.kubeflow.parameters import LATEST, SPAN, Parameter

Spec = dict[str, Any]

COMMAND = ["python", "-m", "pipeline.kubeflow.container"]
_STATE_COMMAND = ["python", "-m", "pipeline.kubeflow.data_state"]
_STATE, _STATE_PREFIX = "state", "DataState"
# What has to look at the world in each run; what was found is in the others' keys.
_NEVER_CACHED = ("RecallStatistics", "RecallModel", "Verdict")
# What says the same however often it is asked.
_NEVER_RETRIED = ("AnomalyGate", "Verdict")
_RESOURCES = {
    "cpu_request": "resourceCpuRequest",
    "cpu_limit": "resourceCpuLimit",
    "memory_request": "resourceMemoryRequest",
    "memory_limit": "resourceMemoryLimit",
}


def declare(spec: Spec, parameters: Iterable[Parameter]) -> None:
    """Makes parameters inputs of the pipeline and of the component that they change."""
    root = spec["root"].setdefault("inputDefinitions", {}).setdefault("parameters", {})
    for one in parameters:
        root[one.name] = {
            "parameterType": one.type,
            "defaultValue": one.default,
            "description": one.description,
            "isOptional": True,
        }
        inputs = spec["components"][one.component].setdefault("inputDefinitions", {})
        inputs.setdefault("parameters", {})[one.name] = {"parameterType": one.type}
        _hand_over(spec, one.component, one.name)


def watch_data(spec: Spec, reader: str, data: str) -> None:
    """Puts a task before an ExampleGen that says what its data is, in every run.

    Args:
        spec: Changed in place.
        reader: The ExampleGen.
        data: The parameter that says where its data lies.
    """
    name = reader.replace("ExampleGen", _STATE_PREFIX)
    task, executors = _task(spec, reader), spec["deploymentSpec"]["executors"]
    container = _container(spec, reader)
    container.pop("lifecycle")
    compiled = task["inputs"]["parameters"]
    dataset, labelled, _ = example_gen.unpack(
        {"custom_config": compiled["custom_config"]["runtimeValue"]["constant"]}
    )
    span = f"{{{{$.inputs.parameters['{SPAN}']}}}}"
    names = [data, *([SPAN] if SPAN in compiled else [])]
    executors[f"{name}_executor"] = {
        "container": {
            "image": container["image"],
            "command": _STATE_COMMAND,
            "args": [
                "--dataset", dataset.model_dump_json(exclude={"window"}),
                "--labelled", json.dumps(labelled),
                "--data", f"{{{{$.inputs.parameters['{data}']}}}}",
                "--span", span if SPAN in compiled else str(LATEST),
                "--state", f"{{{{$.outputs.parameters['{_STATE}'].output_file}}}}",
            ],
        }
    }  # fmt: skip
    inputs = spec["components"][reader]["inputDefinitions"]["parameters"]
    spec["components"][name] = {
        "executorLabel": f"{name}_executor",
        "inputDefinitions": {"parameters": {key: inputs[key] for key in names}},
        "outputDefinitions": {"parameters": {_STATE: {"parameterType": "STRING"}}},
    }
    spec["root"]["dag"]["tasks"][name] = {
        "taskInfo": {"name": name},
        "componentRef": {"name": name},
        "inputs": {"parameters": {key: compiled[key] for key in names}},
    }
    inputs[_STATE] = {"parameterType": "STRING"}
    compiled[_STATE] = {
        "taskOutputParameter": {"producerTask": name, "outputParameterKey": _STATE}
    }
    task.setdefault("dependentTasks", []).append(name)


def furnish(spec: Spec, kubeflow: KubeflowConfig, beam_args: Iterable[str]) -> None:
    """Gives each container its resources, retries and Beam arguments.

    Args:
        spec: Changed in place.
        kubeflow: The experiment's block.
        beam_args: The experiment's, which TFX has put after every container's own.
    """
    compiled = list(beam_args)
    for name in spec["components"]:
        container = _container(spec, name)
        settings = kubeflow.container(name)
        if resources := _resources(settings):
            container["resources"] = resources
        retries = 0 if name in _NEVER_RETRIED else settings.retries
        if retries:
            _task(spec, name)["retryPolicy"] = {
                "maxRetryCount": retries,
                "backoffDuration": "30s",
                "backoffFactor": 2.0,
                "backoffMaxDuration": "600s",
            }
        args = container["args"]
        if compiled and args[-len(compiled) :] == compiled:
            own = compiled if settings.beam_args is None else settings.beam_args
            args[-len(compiled) :] = own
        if name in _NEVER_CACHED:
            _task(spec, name).pop("cachingOptions", None)


def sign(spec: Spec, code_version: str) -> None:
    """Puts the code's fingerprint, and what inputs became, into the arguments."""
    for name, component in spec["components"].items():
        container = _container(spec, name)
        if container["command"] != COMMAND:
            continue
        args = container["args"]
        declared = json.dumps(component.get("inputDefinitions", {}), sort_keys=True)
        args[args.index("--json_serialized_inputs_spec_args") + 1] = declared
        args.insert(0, f"--code_version={code_version}")


def mounts(spec: Spec, kubeflow: KubeflowConfig) -> Spec | None:
    """Returns the second document of the file, which says what is mounted, if any."""
    if not kubeflow.volumes:
        return None
    mounted = [
        {
            "constant": volume.claim,  # for a backend before 2.5
            "pvcNameParameter": {"runtimeValue": {"constant": volume.claim}},
            "mountPath": volume.path,
        }
        for volume in kubeflow.volumes
    ]
    executors = spec["deploymentSpec"]["executors"]
    deployment = {"executors": {label: {"pvcMount": mounted} for label in executors}}
    return {"platforms": {"kubernetes": {"deploymentSpec": deployment}}}


def _task(spec: Spec, name: str) -> Spec:
    found: Spec = spec["root"]["dag"]["tasks"][name]
    return found


def _container(spec: Spec, name: str) -> Spec:
    label = spec["components"][name]["executorLabel"]
    found: Spec = spec["deploymentSpec"]["executors"][label]["container"]
    return found


def _hand_over(spec: Spec, name: str, parameter: str) -> None:
    inputs = _task(spec, name).setdefault("inputs", {}).setdefault("parameters", {})
    inputs[parameter] = {"componentInputParameter": parameter}


def _resources(settings: ContainerConfig) -> Mapping[str, str]:
    given = settings.model_dump(include=set(_RESOURCES), exclude_none=True)
    return {_RESOURCES[key]: value for key, value in given.items()}
