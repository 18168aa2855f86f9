"""Files that are whole or not there."""

import os
from pathlib import Path


def write_whole(path: str | Path, text: str) -> None:
    """Writes a text file beside its place, then renames it."""
    partial = f"{path}.partial"
    Path(partial).write_text(text)
    os.replace(partial, path)
