"""Which threads come first where there are fewer cores than work."""

import enum
import os
import threading


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
    thread = threading.get_native_id()
    current = os.getpriority(os.PRIO_PROCESS, thread)
    os.setpriority(os.PRIO_PROCESS, thread, max(niceness, current))
