"""Finds the time from which on rows are for evaluation."""

import numpy as np

from components.example_gen import reader
from components.example_gen.shards import Shard
from components.example_gen.splits import Target
from components.example_gen.typed import SPLIT
from schema.errors import DataError

_TIMES = "times"
_HELD = 1 << 20  # times of a shard that are held before they are thinned out
_KEPT = 1 << 12  # of these


def note_times(index: int, shard: Shard, target: Target) -> None:
    """Reports which times the rows of a shard have, and how often."""

    def work() -> dict[str, list[float]]:
        times, counts = np.zeros(0), np.zeros(0)
        dataset = target.dataset.model_copy(update={"features": {}})  # are not needed
        for _, batch, _ in reader.read_shard(shard, dataset):
            times = np.append(times, batch.column(SPLIT).to_numpy())
            counts = np.append(counts, np.ones(batch.num_rows))
            if len(times) > _HELD:
                times, counts = _thinned(times, counts)
        times, counts = _thinned(times, counts)
        return {"times": times.tolist(), "counts": counts.tolist()}

    target.report(_TIMES, index, work)


def find_cut(target: Target) -> float:
    """Returns the time at which the share of later rows is nearest to what is asked.

    Raises:
        DataError: All rows have one time; or what stopped a shard.
    """
    reports = list(target.reports(_TIMES))
    times = np.concatenate([np.zeros(0), *(r["times"] for r in reports)])
    counts = np.concatenate([np.zeros(0), *(r["counts"] for r in reports)])
    times, counts = _merged(times, counts)
    if len(times) < 2:
        raise DataError(
            f"{target.dataset.path}: rows are to be split by the time in "
            f"{target.dataset.split.column!r}, but there are not two different times."
        )
    later = 1.0 - np.cumsum(counts)[:-1] / counts.sum()  # share of rows from times[1:]
    nearest = np.argmin(np.abs(later - target.dataset.eval_fraction))
    return float(times[1:][nearest])


def _thinned(times: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns as many times as are worth keeping, evenly by rank."""
    times, counts = _merged(times, counts)
    if len(times) <= _KEPT:
        return times, counts
    ranks = (np.arange(_KEPT) + 0.5) / _KEPT * counts.sum()
    chosen = np.searchsorted(np.cumsum(counts), ranks)
    return times[chosen], np.full(_KEPT, counts.sum() / _KEPT)


def _merged(times: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    distinct, which = np.unique(times, return_inverse=True)
    return distinct, np.bincount(which, counts, len(distinct))
