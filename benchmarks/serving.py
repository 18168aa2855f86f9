"""What a served model costs over the same model in process, and what load does to it.

Client, server and the model without a server are three processes of one machine; the
client sends bytes that were serialized before, but for `from_rows`. What is compared
runs in turns, since hosts drift.

    python benchmarks/serving.py [MODEL_DIR]

MODEL_DIR holds version 1, which is made if it is not there.
"""

import asyncio
import gc
import json
import os
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import asking
import grpc
import psutil

_RANK, _PREDICT = "rank 100", "serving_default 100"
_METHOD = "/tensorflow.serving.PredictionService/Predict"
_HERE = Path(__file__).parent
_ROUNDS, _CALLS = 3, 200
_SECONDS = 5.0  # of each load
_IN_FLIGHT = (8, 24)  # more than the last are not answered faster
_SWAPS, _SWAP_REQUESTS = 30, 10_000


class Child:
    """The model without a server, in a process that answers lines of JSON."""

    def __init__(self, version: Path) -> None:
        command = [sys.executable, str(_HERE / "served_model.py"), str(version)]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )

    def ask(self, *question):
        print(json.dumps(question), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("answer "):
                return json.loads(line.removeprefix("answer "))
        raise ConnectionError("the model's process has ended")

    def close(self) -> None:
        self._process.stdin.close()
        self._process.wait()


class Server:
    """`deepfm serve`, and what it costs."""

    def __init__(self, model_dir: Path) -> None:
        command = [sys.executable, "-m", "pipeline", "serve", str(model_dir)]
        self._process = subprocess.Popen(
            [*command, "--port", "0", "--rest-port", "0"],
            stdout=subprocess.PIPE,
            text=True,
        )
        ports = re.findall(r"(\d+) \(", self._process.stdout.readline())
        self.target, self._rest = f"localhost:{ports[0]}", ports[1]
        self._name = model_dir.name

    def megabytes(self) -> float:
        return psutil.Process(self._process.pid).memory_info().rss / 1e6

    def busy(self) -> float:
        """Returns for how many seconds it has kept a core busy."""
        times = psutil.Process(self._process.pid).cpu_times()
        return times.user + times.system

    def available(self) -> list[int]:
        url = f"http://localhost:{self._rest}/v1/models/{self._name}"
        with urllib.request.urlopen(url, timeout=30) as response:
            states = json.loads(response.read())["model_version_status"]
        return [int(s["version"]) for s in states if s["state"] != "END"]

    def close(self) -> None:
        self._process.terminate()
        self._process.wait()


class Load:
    """What became of the requests of one load."""

    def __init__(self) -> None:
        self.codes: Counter[str] = Counter()
        self.sent: list[float] = []  # seconds; of requests that succeeded
        self.took: list[float] = []  # milliseconds
        self.refused: list[float] = []

    async def one(self, call, request: bytes) -> None:
        begun = time.perf_counter()
        try:
            await call(request)
            code = "OK"
        except grpc.aio.AioRpcError as error:
            code = error.code().name
        took = 1e3 * (time.perf_counter() - begun)
        self.codes[code] += 1
        if code == "OK":
            self.sent.append(begun)
            self.took.append(took)
        else:
            self.refused.append(took)


def percentiles(took: list[float]) -> dict[str, float]:
    """Returns the median and what few requests take longer than."""
    ordered = sorted(took)
    return {
        f"p{p}": round(ordered[min(len(ordered) - 1, len(ordered) * p // 100)], 2)
        for p in (50, 90, 99)
    }


async def closed(target: str, request: bytes, in_flight: int, go_on: Callable) -> Load:
    """Sends the next request when one is answered; `go_on(load)` says how long."""
    load = Load()
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.unary_unary(_METHOD)

        async def client() -> None:
            while go_on(load):
                await load.one(call, request)

        await asyncio.gather(*(client() for _ in range(in_flight)))
    return load


async def opened(target: str, request: bytes, rate: float, seconds: float) -> Load:
    """Sends so many requests a second, whatever becomes of them."""
    load, tasks = Load(), []
    async with grpc.aio.insecure_channel(target) as channel:
        call = channel.unary_unary(_METHOD)
        begun = time.perf_counter()
        for number in range(int(rate * seconds)):
            wait = begun + number / rate - time.perf_counter()
            if wait > 0:
                await asyncio.sleep(wait)
            tasks.append(asyncio.create_task(load.one(call, request)))
        await asyncio.gather(*tasks)
    return load


def counted(count: int) -> Callable[[Load], bool]:
    """Returns what lets a load go on until so many requests are answered."""
    return lambda load: load.codes.total() < count


def timed(seconds: float) -> Callable[[Load], bool]:
    """Returns what lets a load go on for so long."""
    end = time.perf_counter() + seconds
    return lambda load: time.perf_counter() < end


def latencies(child: Child, target: str, requests: dict[str, bytes]) -> dict:
    """Returns milliseconds of a lone call, in process and over gRPC."""
    found = {}
    for name in (_RANK, _PREDICT):
        local, served = [], []
        for _ in range(_ROUNDS):
            local += child.ask("latency", name, _CALLS)
            load = asyncio.run(closed(target, requests[name], 1, counted(_CALLS + 20)))
            served += load.took[20:]
        a, b = percentiles(local), percentiles(served)
        ratio = {key: round(b[key] / a[key], 2) for key in a}
        found[name] = {"in_process": a, "served": b, "ratio": ratio}
    return found


def saturation(child: Child, server: Server, requests: dict[str, bytes]) -> dict:
    """Returns requests a second with several in flight, by how many.

    The client is on the same cores; what a request costs a core tells them apart.
    """
    found = {}
    for name in (_RANK, _PREDICT):
        local = []
        served: dict[int, list] = {number: [] for number in _IN_FLIGHT}
        took: dict[int, list] = {number: [] for number in _IN_FLIGHT}
        for _ in range(_ROUNDS):
            local.append(child.ask("throughput", name))
            for number in _IN_FLIGHT:
                busy = server.busy()
                run = closed(server.target, requests[name], number, timed(_SECONDS))
                load = asyncio.run(run)
                count = load.codes["OK"]
                cost = 1e3 * (server.busy() - busy) / count
                served[number].append((count / _SECONDS, cost))
                took[number] += load.took
        found[name] = {"in_process": _medians(local)} | {
            f"{number} in flight": {
                **_medians(served[number]),
                "ratio_per_second": _ratio(served[number], local, 0),
                "ratio_per_core_ms": _ratio(local, served[number], 1),
                "served_ms": percentiles(took[number]),
            }
            for number in _IN_FLIGHT
        }
    return found


def _medians(runs: list[tuple[float, float]]) -> dict[str, float]:
    rates, costs = zip(*runs, strict=True)
    return {
        "per_second": round(statistics.median(rates), 1),
        "core_ms": round(statistics.median(costs), 2),
    }


def _ratio(runs: list, others: list, figure: int) -> float:
    pairs = zip(runs, others, strict=True)
    return round(statistics.median(a[figure] / b[figure] for a, b in pairs), 2)


def open_loop(target: str, request: bytes, capacity: float) -> dict:
    """Returns what becomes of requests at rates below and above what is possible."""
    found = {}
    for share in (0.5, 0.8, 1.5, 3.0):
        load = asyncio.run(opened(target, request, share * capacity, _SECONDS))
        found[f"{share} of saturation"] = {
            "codes": dict(load.codes),
            "answered_ms": percentiles(load.took),
            "refused_ms": percentiles(load.refused) if load.refused else None,
        }
    return found


def push(model_dir: Path, version: int) -> None:
    """Pushes a copy of version 1: beside, then renamed."""
    beside = model_dir / f"copy-{version}"
    shutil.copytree(model_dir / "1", beside)
    os.rename(beside, model_dir / str(version))


def swap(server: Server, model_dir: Path, version: int) -> None:
    """Pushes a version and waits until it is the only one."""
    push(model_dir, version)
    while server.available() != [version]:
        time.sleep(0.05)


async def swap_under_load(
    server: Server, model_dir: Path, request: bytes, rate: float
) -> dict:
    """Returns failures and latency of requests, while versions change or do not."""
    seconds = _SWAP_REQUESTS / rate
    sending = asyncio.create_task(opened(server.target, request, rate, seconds))
    swaps = []
    for number in range(3):
        await asyncio.sleep(seconds / 8)  # a swap takes as long
        begun = time.perf_counter()
        await asyncio.to_thread(swap, server, model_dir, 2 + number)
        swaps.append((begun, time.perf_counter()))
    load = await sending
    during: list[list[float]] = [[] for _ in swaps]
    steady: list[float] = []
    for sent, took in zip(load.sent, load.took, strict=True):
        at = [n for n, (begun, ended) in enumerate(swaps) if begun <= sent <= ended]
        (during[at[0]] if at else steady).append(took)
    steady_ms = percentiles(steady)
    during_ms = percentiles([took for swap in during for took in swap])
    return {
        "codes": dict(load.codes),
        "swap_seconds": [round(ended - begun, 2) for begun, ended in swaps],
        "steady_ms": steady_ms,
        "during_ms": during_ms,
        "p99_of_each_swap_ms": [percentiles(swap)["p99"] for swap in during],
        "p99_ratio": round(during_ms["p99"] / steady_ms["p99"], 2),
    }


def leak(server: Server, model_dir: Path, request: bytes) -> dict:
    """Returns megabytes of the server after each of many swaps."""
    found = []
    for version in range(10, 10 + _SWAPS):
        swap(server, model_dir, version)
        asyncio.run(closed(server.target, request, 2, counted(20)))
        found.append(round(server.megabytes()))
        if version > 10:
            shutil.rmtree(model_dir / str(version - 1))
    growth = round(found[-1] / found[0] - 1, 3)
    return {"megabytes": found, "growth_after_the_first": growth}


def main() -> None:
    """Prints the figures as JSON."""
    # A collection stops the client for 0.2 s, and the server would be blamed for it.
    gc.freeze()
    gc.disable()
    scratch = tempfile.mkdtemp()
    given = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch) / "criteo"
    child = Child(given / "1")
    requests = {k: bytes.fromhex(v) for k, v in child.ask("requests").items()}
    model_dir = Path(scratch) / "served" / given.name
    shutil.copytree(given / "1", model_dir / "1")
    server = Server(model_dir)
    try:
        figures = {"lone": latencies(child, server.target, requests)}
        figures["from_rows"] = asking.compare(
            server.target, given.name, requests[_RANK], _ROUNDS
        )
        figures["saturated"] = saturation(child, server, requests)
        child.close()
        most = f"{_IN_FLIGHT[-1]} in flight"
        capacity = figures["saturated"][_RANK][most]["per_second"]
        figures["open_loop"] = open_loop(server.target, requests[_RANK], capacity)
        small = requests["rank 10"]
        swapped = swap_under_load(server, model_dir, small, 0.5 * capacity)
        figures["swap_under_load"] = asyncio.run(swapped)
        figures["swaps"] = leak(server, model_dir, small)
    finally:
        server.close()
        shutil.rmtree(scratch)
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    main()
