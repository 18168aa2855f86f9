import os
import threading
import time
import types
from concurrent import futures

import pytest

from components.serving import server
from components.serving.embedded import priority
from tests.components.serving.tiny import save


def test_taking_requests_up_comes_before_running_them(tmp_path):
    own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    save(tmp_path / "tiny", 1)
    others = set(threading.enumerate())  # of another test's server, say
    with server.running(str(tmp_path / "tiny")):
        for _ in range(1000):  # threads that have just been started do it first of all
            niceness = {
                thread.name: os.getpriority(os.PRIO_PROCESS, thread.native_id)
                for thread in threading.enumerate()
                if thread not in others and thread.native_id
            }
            if niceness.get("batcher-0", 0) > own < niceness.get("versions", 0):
                break
            time.sleep(0.01)
    assert niceness["endpoints"] == own
    assert niceness["batcher-0"] > own
    assert niceness["versions"] > niceness["batcher-0"]
    assert os.getpriority(os.PRIO_PROCESS, threading.get_native_id()) == own


@pytest.mark.parametrize(
    ("niceness", "rests"), [(priority.Niceness.LOADING, 1), (0, 0)]
)
def test_only_what_loads_beside_requests_rests(monkeypatch, niceness, rests):
    slept = []
    clock = types.SimpleNamespace(
        perf_counter=iter([2.0, 7.0]).__next__, sleep=slept.append
    )
    monkeypatch.setattr(priority, "time", clock)

    def load():
        with priority.then_rest():
            assert not slept

    thread = futures.ThreadPoolExecutor(1, "", priority.give_way, (niceness,))
    with thread:
        thread.submit(load).result()
    assert slept == [5.0] * rests
