"""The errors that are the user's to mend; every other exception is our bug."""

from collections.abc import Sequence


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
