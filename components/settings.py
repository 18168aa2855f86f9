"""An experiment's settings as one level of names, for tables."""

from collections.abc import Mapping
from typing import Any


def flattened(settings: Any, prefix: str = "") -> dict[str, Any]:
    """Returns nested settings as one level, `training.batch_size`; lists stay whole."""
    if not isinstance(settings, Mapping) or not settings:
        return {prefix: settings}
    found: dict[str, Any] = {}
    for key, value in settings.items():
        found |= flattened(value, f"{prefix}.{key}" if prefix else str(key))
    return found
