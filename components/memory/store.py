"""A folder that keeps the latest of something, here or in an object store.

`<folder>/latest` names the subfolder that holds it. It is written last, and in one
piece: a run that dies half-way leaves what was there.
"""

import json
import os
import time
from collections.abc import Mapping
from typing import Any

import tensorflow as tf
from tfx.utils import io_utils

_LATEST, _FILES, _PROPERTIES = "latest", "files", "properties.json"


def keep(source: str, folder: str, properties: Mapping[str, Any]) -> None:
    """Copies a folder's files to where `recall` finds them.

    Args:
        source: The folder.
        folder: Of the memory; what it kept before is removed, but for the last.
        properties: What is to be known of the files.
    """
    before = _latest(folder)
    name = f"{time.time_ns():020d}"
    io_utils.copy_dir(source, os.path.join(folder, name, _FILES))
    path = os.path.join(folder, name, _PROPERTIES)
    io_utils.write_string_file(path, json.dumps(dict(properties)))
    partial = os.path.join(folder, f".{_LATEST}.{name}")
    io_utils.write_string_file(partial, name)
    tf.io.gfile.rename(partial, os.path.join(folder, _LATEST), overwrite=True)
    for old in tf.io.gfile.listdir(folder):
        old = old.rstrip("/")
        if old.isdigit() and old not in (name, before):
            tf.io.gfile.rmtree(os.path.join(folder, old))


def recall(folder: str, target: str) -> dict[str, Any] | None:
    """Copies what was kept last into a folder.

    Returns:
        Its properties; None if nothing was kept yet.
    """
    latest = _latest(folder)
    if latest is None:
        return None
    io_utils.copy_dir(os.path.join(folder, latest, _FILES), target)
    with tf.io.gfile.GFile(os.path.join(folder, latest, _PROPERTIES)) as file:
        return json.load(file)


def _latest(folder: str) -> str | None:
    path = os.path.join(folder, _LATEST)
    if not tf.io.gfile.exists(path):
        return None
    with tf.io.gfile.GFile(path) as file:
        return str(file.read())
