"""Says what the data of a run is: another word for other files.

Kubeflow Pipelines would take an earlier ExampleGen's output for a log that has changed
in place: its cache's key has the log's path only. This runs before each ExampleGen,
never from the cache, and what it says is part of that key.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Sequence

from components.example_gen import inputs, sources
from pipeline.kubeflow import parameters
from schema.features import Dataset


def main(argv: Sequence[str] | None = None) -> None:
    """Writes the state of the data into a file."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("--dataset", required=True)  # the declaration, as JSON
    parser.add_argument("--labelled", required=True, choices=("true", "false"))
    parser.add_argument("--data", required=True)
    parser.add_argument("--span", required=True, type=int)
    parser.add_argument("--state", required=True)  # the file
    args = parser.parse_args(argv)
    dataset = Dataset.model_validate_json(args.dataset)
    found = state(dataset, args.labelled == "true", args.data, args.span)
    os.makedirs(os.path.dirname(args.state), exist_ok=True)
    with open(args.state, "w") as file:
        file.write(found)


def state(dataset: Dataset, labelled: bool, data: str, span: int) -> str:
    """Returns what stands for the files that a run would read.

    Args:
        dataset: The declaration.
        labelled: Whether the label is read.
        data: The dataset's path.
        span: The last one to read, or `LATEST`.

    Raises:
        DataError: Nothing is there.
    """
    made = parameters.reader(dataset, "", labelled, data, span)
    there, last = parameters.located(dataset, data, span)
    read = sources.find_spans(there, last)
    files = read[-1].files if read else sources.find_files(there)
    changes = [(path, inputs.last_change(path)) for path in files]
    settings = json.dumps(made.exec_properties, sort_keys=True, default=str)
    return hashlib.sha256(f"{settings}{changes}".encode()).hexdigest()


if __name__ == "__main__":
    main()
