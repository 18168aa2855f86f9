"""What a training leaves in its ModelRun, for those who tell of it afterwards."""

import csv
import os
from typing import Any

import tensorflow as tf

from components import json_files
from schema.contract import HISTORY, SETTINGS


def history(folder: str) -> list[dict[str, float]]:
    """Returns the figures of each epoch; none of a run that left none.

    Args:
        folder: Of the ModelRun.
    """
    path = os.path.join(folder, HISTORY)
    if not tf.io.gfile.exists(path):
        return []
    with tf.io.gfile.GFile(path) as file:
        return [{k: float(v) for k, v in row.items()} for row in csv.DictReader(file)]


def write_settings(folder: str, policy: Any, training: Any) -> None:
    """Writes what a model is trained with: a run's parameters may have changed it.

    Args:
        folder: Of the ModelRun; it is made.
        policy: The scoring policy's settings, as plain values.
        training: The training's.
    """
    settings = {"policy": policy, "training": training}
    json_files.write(os.path.join(folder, SETTINGS), settings)


def as_trained(config: dict[str, Any], folder: str) -> dict[str, Any]:
    """Returns an experiment with the settings that its model was trained with.

    Args:
        config: The experiment, as plain values.
        folder: Of the ModelRun; one of earlier versions holds no settings.
    """
    used = json_files.read(os.path.join(folder, SETTINGS))
    if used is None:
        return config
    policies = {**config["policy_configs"], "scoring_policy": used["policy"]}
    return {**config, "policy_configs": policies, "training": used["training"]}
