"""JSON that stages leave for one another, here or in an object store."""

import json
import os
from typing import Any

import tensorflow as tf


def write(path: str, value: Any) -> None:
    """Writes a value; the file's folder is made.

    Args:
        path: Of the file.
        value: Of plain values.
    """
    tf.io.gfile.makedirs(os.path.dirname(path))
    with tf.io.gfile.GFile(path, "w") as file:
        file.write(json.dumps(value, indent=2) + "\n")


def read(path: str) -> Any:
    """Returns the value in a file, None if there is no such file.

    Args:
        path: Of the file.
    """
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        return json.load(file)
