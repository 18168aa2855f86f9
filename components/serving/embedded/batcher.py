"""Runs requests on a few threads, those that wait together as one batch.

There is no time-out to fill a batch: a free thread takes what there is. A lone request
runs at once, and the busier the server, the larger its batches.
"""

import asyncio
import collections
import dataclasses
import threading
import time
from collections.abc import Hashable, Mapping

import grpc
import numpy as np

from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.priority import Niceness, give_way
from components.serving.embedded.serving_error import ServingError

Outputs = dict[str, np.ndarray]


@dataclasses.dataclass(eq=False)
class Task:
    """A request's run of one signature.

    Attributes:
        model: The version.
        signature: Its signature's name.
        inputs: An array for each input that the request gave.
        defaults: An array for each that it left out.
        rows: The size of dimension 0 of every input, but that an input of size 1 can
            stand for all rows; None if the request runs alone.
        deadline: On the clock of time.monotonic; None for no deadline.
        api: Predict, Classify or Regress, for the metrics.
    """

    model: LoadedModel
    signature: str
    inputs: Mapping[str, np.ndarray]
    defaults: Mapping[str, np.ndarray]
    rows: int | None
    deadline: float | None
    api: str

    def __post_init__(self) -> None:
        shapes = ((key, array.shape[1:]) for key, array in self.inputs.items())
        # The signature that runs it together with others.
        self.batched = self.model.batches.get(self.signature, self.signature)
        self.key: Hashable = (id(self.model), self.batched, frozenset(shapes))
        self.weight = self.rows or 1  # in the queue
        self.future: asyncio.Future[Outputs]

    def run(self) -> Outputs:
        """Returns the outputs of this request alone."""
        return self.model.run(self.signature, {**self.defaults, **self.inputs})

    def spread(self, key: str) -> np.ndarray:
        """Returns an input with a row for each of `rows`."""
        array = self.inputs[key]
        rows = self.weight
        return array if len(array) == rows else np.repeat(array, rows, axis=0)


class Batcher:
    """A bounded queue of tasks, and the threads that run them."""

    def __init__(self, threads: int, limits: Limits, metrics: Metrics) -> None:
        """Starts the threads; to be made on the event loop that will call `run`."""
        self._limits, self._metrics = limits, metrics
        self._loop = asyncio.get_running_loop()
        self._tasks: collections.deque[Task] = collections.deque()
        self._rows = 0  # in the queue
        self._changed = threading.Condition()
        self._closed = False
        self._threads = [
            threading.Thread(target=self._work, name=f"batcher-{i}", daemon=True)
            for i in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    def require_room(self, rows: int = 1) -> None:
        """Raises ServingError if the queue does not take so many rows more."""
        # Tasks are added on this thread only, so what fits now will fit.
        if (
            len(self._tasks) >= self._limits.queued_requests
            or self._rows + rows > self._limits.queued_rows
        ):
            raise ServingError(
                grpc.StatusCode.RESOURCE_EXHAUSTED,
                f"The queue is full: {len(self._tasks)} requests of {self._rows} rows "
                "wait. Send fewer at once, or try again later.",
            )

    async def run(self, task: Task) -> Outputs:
        """Returns a task's outputs, whatever else runs in its batch.

        Raises:
            ServingError: The queue is full, the deadline passes, or the model refuses.
        """
        task.future = self._loop.create_future()
        self.require_room(task.weight)
        with self._changed:
            task.model.acquire()  # the client may go while the model runs
            self._tasks.append(task)
            self._rows += task.weight
            self._changed.notify()
        return await task.future

    def close(self) -> None:
        """Runs what is queued, then ends the threads."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()

    def _work(self) -> None:
        give_way(Niceness.RUNNING)
        while batch := self._next():
            answers: list[tuple[Task, Outputs | Exception]] = []
            now = time.monotonic()
            alive = []
            for task in batch:
                if task.future.cancelled():  # nobody waits for it
                    continue
                if task.deadline is not None and task.deadline <= now:
                    answers.append((task, _too_late()))
                else:
                    alive.append(task)
            if alive:
                answers += zip(alive, self._answers(alive), strict=True)
            for task in batch:
                task.model.release()
            self._loop.call_soon_threadsafe(_deliver, answers)

    def _next(self) -> list[Task]:
        """Returns the oldest task and all that can run with it; [] at the end."""
        with self._changed:
            self._changed.wait_for(lambda: self._tasks or self._closed)
            if not self._tasks:
                return []
            batch = [self._tasks.popleft()]
            rows = batch[0].weight
            if batch[0].rows is not None:
                others: collections.deque[Task] = collections.deque()
                for task in self._tasks:
                    fits = rows + task.weight <= self._limits.batch_rows
                    if task.rows is not None and task.key == batch[0].key and fits:
                        batch.append(task)
                        rows += task.weight
                    else:
                        others.append(task)
                self._tasks = others
            self._rows -= rows
            return batch

    def _answers(self, batch: list[Task]) -> list[Outputs | Exception]:
        begun = time.perf_counter()
        outputs = _together(batch) if len(batch) > 1 else None
        # One corrupt row fails its whole batch: then each request runs alone, so that
        # only the one that is wrong is told so.
        answers = outputs or [_alone(task) for task in batch]
        seconds = time.perf_counter() - begun
        for task in batch:
            self._metrics.ran(task.model.name, task.api, seconds)
        return answers


def _together(batch: list[Task]) -> list[Outputs | Exception] | None:
    """Returns each task's rows of one run; None if they cannot be told apart."""
    first, rows = batch[0], [task.weight for task in batch]
    inputs = {
        key: np.concatenate([task.spread(key) for task in batch])
        for key in first.inputs
    }
    try:
        outputs = first.model.run(first.batched, {**first.defaults, **inputs})
    except Exception:  # what it is, each of them is told when it runs alone
        return None
    if any(array.shape[:1] != (sum(rows),) for array in outputs.values()):
        return None
    ends = np.cumsum(rows)[:-1]
    parts = {key: np.split(array, ends) for key, array in outputs.items()}
    return [{key: parts[key][i] for key in parts} for i in range(len(batch))]


def _alone(task: Task) -> Outputs | Exception:
    try:
        return task.run()
    except Exception as error:  # goes to the request, which raises it
        return error


def _too_late() -> ServingError:
    return ServingError(
        grpc.StatusCode.DEADLINE_EXCEEDED, "The deadline passed before the model ran."
    )


def _deliver(answers: list[tuple[Task, Outputs | Exception]]) -> None:
    for task, answer in answers:
        if task.future.done():  # its client has gone
            continue
        if isinstance(answer, Exception):
            task.future.set_exception(answer)
        else:
            task.future.set_result(answer)
