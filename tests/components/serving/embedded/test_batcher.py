import asyncio
import threading
import time

import grpc
import numpy as np
import pytest

from components.serving.embedded.batcher import Task
from components.serving.embedded.limits import Limits
from components.serving.embedded.serving_error import ServingError, invalid
from tests.components.serving.embedded.queueing import answers, run


class Doubling:
    """Stands for a version; it runs when told to."""

    name = "doubling"

    def __init__(self, go=True):
        self.runs, self.leases, self.batches = [], 0, {}
        self.go = threading.Event()
        if go:
            self.go.set()

    def acquire(self):
        self.leases += 1

    def release(self):
        self.leases -= 1

    def run(self, signature, inputs):
        self.go.wait()
        x = inputs["x"]
        self.runs.append(len(x))
        if (x < 0).any():
            raise invalid(f"negative: {x[x < 0].tolist()}")
        if signature == "short":
            return {"y": x[:1]}
        return {"y": 2 * x + (inputs["bonus"] if "bonus" in inputs else 0)}


def task(model, x, signature="rows", deadline=None, rowwise=True, **more):
    x = np.array(x, float)
    rows = len(x) if rowwise else None
    return Task(model, signature, {"x": x, **more}, {}, rows, deadline, "Predict")


def test_what_waits_together_runs_together_and_comes_apart_again():
    model = Doubling(go=False)
    tasks = [task(model, range(n, 2 * n)) for n in (1, 3, 2, 5)]
    found = run(lambda batcher: answers(batcher, model, tasks))
    assert model.runs == [1, 10]  # the first went alone: the thread was free
    for each, outputs in zip(tasks, found, strict=True):
        np.testing.assert_array_equal(outputs["y"], 2 * each.inputs["x"])
    assert model.leases == 0


def test_only_requests_of_one_kind_share_a_batch():
    model = Doubling(go=False)
    wide = np.ones((2, 3))
    tasks = [
        task(model, [1]), task(model, [2]), task(model, [3], "other"),
        task(model, [4], rowwise=False), task(Doubling(), [5]),
        task(model, [6, 7], bonus=np.array([1, 2])), task(model, wide),
        task(model, [8]),
    ]  # fmt: skip
    found = run(lambda batcher: answers(batcher, model, tasks))
    assert model.runs == [1, 2, 1, 1, 2, 2]  # 2 and 8 together, the rest alone
    np.testing.assert_array_equal(found[5]["y"], [13, 16])
    np.testing.assert_array_equal(found[6]["y"], 2 * wide)


def test_a_batch_has_its_bound():
    model = Doubling(go=False)
    tasks = [task(model, [1] * 4) for _ in range(6)]
    run(lambda b: answers(b, model, tasks), Limits(batch_rows=10))
    assert model.runs == [4, 8, 8, 4]


def test_a_wrong_request_fails_alone():
    model = Doubling(go=False)
    tasks = [task(model, x) for x in ([0], [1, 2], [-3, 4], [5])]
    found = run(lambda batcher: answers(batcher, model, tasks))
    assert isinstance(found[2], ServingError)
    assert found[2].message == "negative: [-3.0]"
    np.testing.assert_array_equal(found[1]["y"], [2, 4])
    np.testing.assert_array_equal(found[3]["y"], [10])


def test_outputs_that_are_no_rows_are_never_cut_up():
    model = Doubling(go=False)
    tasks = [task(model, x, "short") for x in ([0], [1, 2], [3, 4])]
    found = run(lambda batcher: answers(batcher, model, tasks))
    assert [outputs["y"].tolist() for outputs in found] == [[0], [1], [3]]


@pytest.mark.parametrize(
    ("limits", "taken"), [(Limits(queued_requests=3), 4), (Limits(queued_rows=7), 3)]
)
def test_a_full_queue_refuses_at_once(limits, taken):
    model = Doubling(go=False)

    async def scenario(batcher):
        first = asyncio.create_task(batcher.run(task(model, [0] * 3)))
        await asyncio.sleep(0.05)  # it runs
        rest = [
            asyncio.create_task(batcher.run(task(model, [0] * 3))) for _ in range(9)
        ]
        await asyncio.sleep(0.05)
        refused = [each for each in rest if each.done()]  # while the model stands still
        model.go.set()
        return refused, await asyncio.gather(first, *rest, return_exceptions=True)

    refused, found = run(scenario, limits)
    errors = [each for each in found if isinstance(each, ServingError)]
    assert len(refused) == len(errors) == 10 - taken
    assert {error.code for error in errors} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert model.leases == 0


def test_who_has_gone_or_is_late_costs_nothing():
    model = Doubling(go=False)

    async def scenario(batcher):
        first = asyncio.create_task(batcher.run(task(model, [0])))
        await asyncio.sleep(0.05)
        late = task(model, [1], deadline=time.monotonic() + 0.02)
        late = asyncio.create_task(batcher.run(late))
        gone = asyncio.create_task(batcher.run(task(model, [2])))
        await asyncio.sleep(0.05)
        gone.cancel()
        model.go.set()
        return await asyncio.gather(first, late, gone, return_exceptions=True)

    _, late, gone = run(scenario)
    assert late.code == grpc.StatusCode.DEADLINE_EXCEEDED
    assert isinstance(gone, asyncio.CancelledError)
    assert (model.runs, model.leases) == ([1], 0)


def test_a_bug_reaches_its_request():
    model = Doubling()
    broken = task(model, [1])
    broken.inputs = {}
    [error] = run(lambda batcher: answers(batcher, model, [broken]))
    assert isinstance(error, KeyError)
