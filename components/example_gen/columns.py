"""Which columns are read, and whether a file has them."""

import difflib
from collections.abc import Sequence

from schema.errors import DataError
from schema.features import Dataset


def wanted(dataset: Dataset, labelled: bool) -> list[str]:
    """Returns the columns that are read: the label and the features, as declared."""
    return [*([dataset.label.column] if labelled else []), *dataset.features]


def check(
    names: Sequence[str], path: str, dataset: Dataset, labelled: bool, how: str = ""
) -> None:
    """Refuses a file that lacks a column or has two of one name.

    Args:
        names: The file's columns.
        path: The file.
        dataset: What is declared.
        labelled: Whether the label is needed.
        how: By what the names were found, for the error's text.

    Raises:
        DataError: It does.
    """
    for name in wanted(dataset, labelled):
        if names.count(name) > 1:
            raise DataError(f"{path} has {names.count(name)} columns named {name!r}.")
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1)
            raise DataError(
                f"{path} has no column {name!r}"
                + (f"; did you mean {near[0]!r}? " if near else ". ")
                + f"Its columns{',' * bool(how)}{how}: {', '.join(names[:50])}."
            )
