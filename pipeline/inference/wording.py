"""Shares, values and lists in the words of a sentence, a comment, or YAML."""

from collections.abc import Iterable
from typing import Any

import yaml


def share(part: int, whole: int) -> str:
    """Returns a share in words, such as `3 %`."""
    percent = 100 * part / max(whole, 1)
    return f"{percent:.0f} %" if 1 <= percent <= 99 or part in (0, whole) else (
        "under 1 %" if percent < 1 else "over 99 %"
    )  # fmt: skip


def shown(text: str) -> str:
    """Returns a value for a comment: on one line, and short."""
    return repr(text if len(text) <= 40 else text[:37] + "...")


def listed(values: Iterable[str]) -> str:
    """Returns values for a sentence, thirty at most."""
    names = [shown(value) for value in values]
    return ", ".join(names[:30]) + (", ..." if len(names) > 30 else "")


def in_yaml(value: Any) -> str:
    """Returns a value in YAML, on one line."""
    text = yaml.safe_dump(
        [value], default_flow_style=True, allow_unicode=True, sort_keys=False,
        width=float("inf"),
    )  # fmt: skip
    return text.strip()[1:-1]
