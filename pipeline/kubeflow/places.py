"""Where the launcher of Kubeflow Pipelines puts artifacts on a container's disk."""

import os
import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import schema

_REMOTE = re.compile(r"([a-z0-9]+)://(.*)")
PACKAGED = "package://"  # a file of the project, wherever the image has it
_READ = ("gs",)  # by TensorFlow itself, without a copy


def bring_here(artifacts: Iterable[dict[str, Any]]) -> dict[str, str]:
    """Replaces places that TensorFlow cannot read by those of the launcher's copies.

    It copies inputs before and outputs after the container's command, `s3://a/b` to and
    from `/s3/a/b`, or an artifact's custom path.

    Returns:
        The artifacts' own places, by those of the copies.
    """
    here = {}
    for artifact in artifacts:
        uri = artifact["uri"]
        found = _REMOTE.fullmatch(uri)
        if found is None or found[1] in _READ:
            continue
        path = artifact.get("customPath") or f"/{found[1]}/{found[2]}"
        os.makedirs(path, exist_ok=True)
        here[path] = uri
        artifact["uri"] = path
    return here


def of_package(path: str) -> str:
    """Returns where a file of the project lies here; any other path as it is."""
    if not path.startswith(PACKAGED):
        return path
    return str(Path(schema.__path__[0]).parent / path.removeprefix(PACKAGED))
