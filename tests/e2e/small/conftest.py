import dataclasses

import pytest

from tests.e2e.running import Experiment
from tests.e2e.small import log


@dataclasses.dataclass(frozen=True)
class Place(Experiment):
    """An experiment that was run.

    Attributes:
        left_behind: The versions that a run left which was killed.
        first: What came of the one after it.
        first_summary: What that one said so itself.
    """

    left_behind: list
    first: object
    first_summary: dict


@pytest.fixture(scope="session")
def place(tmp_path_factory):
    """The small experiment, killed in its first run, and then run to the end."""
    begun = log.experiment(tmp_path_factory.mktemp("e2e"))
    log.run_and_kill(begun)
    left_behind = begun.versions()
    first = begun.run()
    assert first.returncode == 0, first.stderr
    return Place(begun.folder, begun.name, left_behind, first, begun.summary())
