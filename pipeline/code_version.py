"""A fingerprint of our code, for the cache's keys."""

import hashlib
from pathlib import Path

import components
import model
import schema

_SUFFIXES = (".py", ".yaml", ".pbtxt", ".html", ".css")


def code_version() -> str:
    """Returns a hash of all files that decide what a component writes.

    TFX's cache sees of our code no more than a dotted path: without this an edit would
    reuse what the old code wrote.
    """
    digest = hashlib.sha256()
    for package in (schema, model, components):
        root = Path(package.__path__[0])
        for path in sorted(root.rglob("*")):
            if path.suffix in _SUFFIXES:
                digest.update(f"{root.name}/{path.relative_to(root)}\0".encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()[:16]


if __name__ == "__main__":
    print(code_version())
