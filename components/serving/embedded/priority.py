"""Which threads come first where there are fewer cores than work."""

import contextlib
import enum
import os
import threading
import time
from collections.abc import Iterator


class Niceness(enum.IntEnum):
    """How far threads give way to those that take requests up."""

    RUNNING = 10  # a model: about a tenth of the share
    LOADING = 15  # a version, while others run


def give_way(niceness: Niceness) -> None:
    """Makes this thread, and those that it starts, give way to other threads.

    Requests that nobody takes up wait in gRPC, where nothing bounds how many: without
    this, a server with more to do than it can refuses after seconds and not at once.
    Between processes it changes nothing where each has a container of its own.
    """
    os.setpriority(os.PRIO_PROCESS, _thread(), max(niceness, _niceness()))


@contextlib.contextmanager
def then_rest() -> Iterator[None]:
    """Sleeps for as long as a piece of loading took, for requests that waited.

    It does so beside models that run; the first one to be loaded holds nobody up.
    """
    begun = time.perf_counter()
    yield
    if _niceness() >= Niceness.LOADING:
        time.sleep(time.perf_counter() - begun)


def _thread() -> int:
    return threading.get_native_id()


def _niceness() -> int:
    return os.getpriority(os.PRIO_PROCESS, _thread())
