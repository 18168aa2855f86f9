"""Files that are whole or not there."""

import os
from pathlib import Path


def write_whole(path: str | Path, content: str | bytes) -> None:
    """Writes a file beside its place, then renames it."""
    partial = f"{path}.partial"
    Path(partial).write_bytes(content.encode() if isinstance(content, str) else content)
    os.replace(partial, path)
