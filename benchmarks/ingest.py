"""How fast rows come in: our ExampleGen, the stock one, and Arrow reading alone.

Draws Criteo-shaped TSV (label, 13 counts, 26 names), then times the executors as the
pipeline runs them, and pyarrow.csv on the same file; in turns, since hosts drift.

    python benchmarks/ingest.py [ROWS [STOCK_ROWS [ROUNDS]]]
"""

import json
import os
import resource
import shutil
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pyarrow as pa
import pyarrow.csv

_CHUNK = 50_000  # rows drawn at a time
_COUNTS = [f"I{i + 1}" for i in range(13)]
_NAMES = [f"C{i + 1}" for i in range(26)]
_BEAM_ARGS = [
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
]


def draw(path: Path, rows: int, delimiter: str, header: bool) -> None:
    """Writes `rows` rows, the same ones at every call."""
    options = pa.csv.WriteOptions(
        include_header=header, delimiter=delimiter, quoting_style="none"
    )
    rng = np.random.default_rng(0)
    words = np.array([f"{word:08x}" for word in rng.integers(0, 2**32, 200_000)])
    writer = None
    for start in range(0, rows, _CHUNK):
        n = min(_CHUNK, rows - start)
        columns: dict[str, Any] = {"label": (rng.random(n) < 0.25).astype(np.int64)}
        for name in _COUNTS:
            counts = rng.pareto(1.2, n).astype(np.int64)
            columns[name] = pa.array(counts, mask=rng.random(n) < 0.2)
        for name in _NAMES:
            ranks = np.minimum(rng.zipf(1.3, n), len(words)) - 1
            columns[name] = pa.array(words[ranks], mask=rng.random(n) < 0.1)
        table = pa.table(columns)
        writer = writer or pa.csv.CSVWriter(
            str(path), table.schema, write_options=options
        )
        writer.write_table(table)
    if writer:
        writer.close()


def _ours(path: Path, rows: int, out: str) -> None:
    from components.example_gen import executor
    from components.example_gen.component import ArrowExampleGen
    from schema.features import Dataset

    features = {name: {"type": "numeric"} for name in _COUNTS}
    features |= {name: {"type": "categorical"} for name in _NAMES}
    dataset = Dataset.model_validate(
        {
            "name": "ingest",
            "path": str(path),
            "file": {
                "delimiter": "\t",
                "header": False,
                "columns": ["label", *_COUNTS, *_NAMES],
            },
            "label": {"column": "label"},
            "features": features,
        }
    )
    component = ArrowExampleGen(str(path.parent), path.name, dataset, "")
    written = _execute(component, executor.Executor, path, out)
    counts = json.loads(written.get_string_custom_property(executor.ROWS_PROPERTY))
    if sum(counts.values()) != rows:
        raise RuntimeError(f"{rows} rows became {counts}")


def _stock(path: Path, out: str) -> None:
    from tfx.components import CsvExampleGen
    from tfx.components.example_gen.csv_example_gen import executor

    _execute(CsvExampleGen(str(path.parent)), executor.Executor, path, out)


def _execute(component: Any, executor_class: Any, path: Path, out: str) -> Any:
    from tfx.dsl.components.base import base_beam_executor
    from tfx.types import standard_artifacts

    properties = {
        **component.exec_properties,
        "input_base": str(path.parent),
    }
    examples = standard_artifacts.Examples()
    examples.uri = out
    context = base_beam_executor.BaseBeamExecutor.Context(
        beam_pipeline_args=_BEAM_ARGS, tmp_dir=out, unique_id="1"
    )
    executor_class(context).Do({}, {"examples": [examples]}, properties)
    return examples


def _arrow(path: Path) -> None:
    reader = pa.csv.open_csv(
        path,
        read_options=pa.csv.ReadOptions(autogenerate_column_names=True),
        parse_options=pa.csv.ParseOptions(delimiter="\t"),
    )
    for _ in reader:
        pass


def _speed(rows: int, work: Callable[[], None]) -> tuple[float, float]:
    """Returns rows per second, and per second that a core was busy with them."""
    begun, busy = time.perf_counter(), time.process_time()
    work()
    return rows / (time.perf_counter() - begun), rows / (time.process_time() - busy)


class _Peak:
    """By how much the process grew, at most, while it was watched, in MiB."""

    def __enter__(self) -> "_Peak":
        self.mib, self._before, self._done = 0.0, self._held(), threading.Event()
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._done.set()
        self._thread.join()

    def _watch(self) -> None:
        while not self._done.wait(0.05):
            self.mib = max(self.mib, self._held() - self._before)

    def _held(self) -> float:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * resource.getpagesize() / 2**20


def main(rows: int = 1_000_000, stock_rows: int = 20_000, rounds: int = 3) -> None:
    """Prints the figures as JSON."""
    import tfx.v1  # noqa: F401, so that no executor is charged for the imports

    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "ours" / "log.tsv"
        stock_log = Path(folder) / "stock" / "log.csv"
        for path in (log, stock_log):
            path.parent.mkdir()
        draw(log, rows, "\t", header=False)
        draw(stock_log, stock_rows, ",", header=True)
        speeds: dict[str, list[tuple[float, float]]] = {}
        grown = 0.0
        out = f"{folder}/out"
        for _ in range(rounds):
            with _Peak() as peak:
                found = {"ours": _speed(rows, partial(_ours, log, rows, out))}
            grown = max(grown, peak.mib)
            shutil.rmtree(out)
            found["arrow"] = _speed(rows, partial(_arrow, log))
            found["stock"] = _speed(stock_rows, partial(_stock, stock_log, out))
            shutil.rmtree(out)
            for name, speed in found.items():
                speeds.setdefault(name, []).append(speed)
        figures = {
            "rows": rows,
            "columns": 1 + len(_COUNTS) + len(_NAMES),
            "mib": round(log.stat().st_size / 2**20, 1),
            "cores": os.cpu_count(),
            "load_average": os.getloadavg()[0],
            **{
                f"rows_per_{unit}_{name}": round(statistics.median(s[i] for s in found))
                for name, found in speeds.items()
                for i, unit in enumerate(("second", "core_second"))
            },
            "times_stock": _median_ratio(speeds, "stock"),
            "share_of_arrow": _median_ratio(speeds, "arrow"),
            "grown_mib": round(grown),
        }
    print(json.dumps(figures, indent=2))


def _median_ratio(speeds: dict[str, list[tuple[float, float]]], other: str) -> float:
    pairs = zip(speeds["ours"], speeds[other], strict=True)
    return round(statistics.median(a[0] / b[0] for a, b in pairs), 3)


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
