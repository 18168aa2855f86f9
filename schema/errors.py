"""The errors that are the user's to mend; every other exception is our bug."""

import difflib
from collections.abc import Iterable, Sequence


class ConfigError(ValueError):
    """A setting is missing, misspelt, out of range, or at odds with another."""


class DataError(ValueError):
    """The data is not what the dataset's declaration says."""


class DataAnomalyError(DataError):
    """The data's statistics are at odds with its schema, or with earlier data.

    Attributes:
        findings: What is wrong, a sentence each.
    """

    def __init__(self, message: str, findings: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.findings = list(findings)


class NotPushedError(ValueError):
    """A run went through, but its model was not good enough to be pushed."""


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """Returns how a sentence on an unknown name ends: with the nearest, or plainly."""
    near = difflib.get_close_matches(name, list(known), n=1)
    return f"; did you mean {near[0]!r}?" if near else "."
