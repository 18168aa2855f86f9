"""The parameters of a pipeline that a run may set: declared here, and put in place.

The compiler declares them, with the experiment's values as defaults, as inputs of the
components that they change, so that they are part of the cache's key. In the container
they take the place of what was compiled.
"""

import dataclasses
from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError
from tfx.proto import pusher_pb2
from tfx.utils import json_utils, proto_utils

from components.example_gen import component as example_gen
from components.example_gen import executor
from components.trainer.config import TrainConfig
from model.config import ModelConfig, unread
from pipeline.config import PipelineConfig
from schema.errors import ConfigError
from schema.features import Dataset
from schema.frozen import Frozen

DATA, SERVING_DATA, SPAN = "data", "serving_data", "span"
DESTINATION = "destination"
LATEST = -1  # as a span
_TRAINING = ("batch_size", "epochs", "steps", "seed")
_TYPES = {int: "NUMBER_INTEGER", float: "NUMBER_DOUBLE", str: "STRING"}


@dataclasses.dataclass(frozen=True)
class Parameter:
    """What a run may set.

    Attributes:
        name: Of the parameter.
        default: The experiment's value; its type is the parameter's.
        component: The component that it changes.
        description: What it is.
    """

    name: str
    default: int | float | str
    component: str
    description: str

    @property
    def type(self) -> str:
        """The type, as Kubeflow Pipelines calls it."""
        return _TYPES[type(self.default)]


def declared(config: PipelineConfig) -> list[Parameter]:
    """Returns the parameters of an experiment."""
    reader, served = example_gen.EXAMPLE_GEN, example_gen.SERVING_EXAMPLE_GEN
    found = [
        Parameter(DATA, str(config.dataset.path), reader, "where the log lies"),
        Parameter(SPAN, LATEST, reader, f"the span to read; {LATEST}: the latest"),
        Parameter(
            DESTINATION,
            str(config.push.destination),
            "Pusher",
            "the folder of versions",
        ),
    ]
    if path := config.validation.serving_data:
        found.append(Parameter(SERVING_DATA, path, served, "requests that were served"))
    ignored = unread(config.policy.policy_type)
    for key, value in config.policy.model_dump(exclude=ignored).items():
        if type(value) in (int, float):
            about = f"policy_configs.scoring_policy.{key}"
            found.append(Parameter(key, value, "Trainer", about))
    for key in _TRAINING:
        if (value := getattr(config.training, key)) is not None:
            found.append(Parameter(key, value, "Trainer", f"training.{key}"))
    return found


def with_examples(
    properties: Mapping[str, Any], data: str, span: int
) -> dict[str, Any]:
    """Returns an ExampleGen's properties, now that its data can be looked at.

    Args:
        properties: As they were compiled.
        data: The dataset's path.
        span: The last one to read, or `LATEST`.

    Raises:
        DataError: The data is not there.
    """
    dataset, labelled, code_version = executor.unpack(properties)
    made = reader(dataset, code_version, labelled, data, span).exec_properties
    return {key: value for key, value in made.items() if value is not None}


def reader(
    dataset: Dataset, code_version: str, labelled: bool, data: str, span: int
) -> example_gen.ArrowExampleGen:
    """Returns what reads a span of the data that lies at a path."""
    there, last = located(dataset, data, span)
    [made] = example_gen.example_gens(there, code_version, labelled, last)
    return made


def located(dataset: Dataset, data: str, span: int) -> tuple[Dataset, int | None]:
    """Returns a dataset where its data lies, and its last span; None for the latest."""
    there = dataset.model_copy(update={"path": data, "window": 1})
    return there, None if span == LATEST else span


def with_destination(properties: Mapping[str, Any], folder: str) -> dict[str, Any]:
    """Returns a Pusher's properties with another folder of versions."""
    destination = pusher_pb2.PushDestination(
        filesystem=pusher_pb2.PushDestination.Filesystem(base_directory=folder)
    )
    return {**properties, "push_destination": proto_utils.proto_to_json(destination)}


def with_hyperparameters(
    properties: Mapping[str, Any], given: Mapping[str, Any]
) -> dict[str, Any]:
    """Returns a Trainer's properties with other hyperparameters.

    Raises:
        ConfigError: One is out of its bounds.
    """
    custom = json_utils.loads(properties["custom_config"])
    for key, block in (("policy", ModelConfig), ("training", TrainConfig)):
        before = block.model_validate_json(custom[key])
        changed = {k: v for k, v in given.items() if k in block.model_fields}
        after = _changed(before, changed)
        custom[key] = after.model_dump_json()
    return {**properties, "custom_config": json_utils.dumps(custom)}


def _changed(block: Frozen, given: Mapping[str, Any]) -> Frozen:
    try:
        return type(block).model_validate({**block.model_dump(), **given})
    except ValidationError as error:
        found = error.errors()[0]
        name = ".".join(map(str, found["loc"]))
        raise ConfigError(
            f"the run's parameter {name}: received {found['input']!r}, {found['msg']}."
        ) from error
