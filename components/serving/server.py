"""A model server for one machine: TensorFlow Serving's gRPC and REST APIs.

A client cannot tell which of the two it talks to. Production is tensorflow/serving.
"""

import asyncio
import contextlib
import dataclasses
import gc
import logging
import os
import signal
import socket
import sys
import threading
from collections.abc import Coroutine, Iterator
from concurrent import futures
from typing import Any

from components.serving.embedded.endpoints import Endpoints
from components.serving.embedded.limits import Limits
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.model_config import ModelConfig
from components.serving.embedded.priority import Niceness, give_way
from components.serving.embedded.serving_error import ServingError
from components.serving.embedded.version_manager import VersionManager
from schema.errors import ConfigError

_HOST = "0.0.0.0"
# How long a thread that wants Python's lock waits for it: a tenth of the default, as a
# request passes from thread to thread, and most of them work for a millisecond.
_SWITCH_SECONDS = 0.0005


@dataclasses.dataclass(frozen=True)
class Served:
    """What a running server serves, and where."""

    name: str
    version: int  # the newest when it began
    port: int  # of gRPC
    rest_port: int | None  # None without REST


@contextlib.contextmanager
def running(
    model_dir: str,
    port: int = 0,
    rest_port: int | None = None,
    limits: Limits | None = None,
) -> Iterator[Served]:
    """Serves in the background until the context is left, then drains.

    Args:
        model_dir: The folder of versions; its name is the model's.
        port: Of gRPC; 0 for any free one.
        rest_port: Of REST; 0 for any free one, None for no REST.
        limits: Bounds of requests; the default if None.

    Yields:
        What is served, and where.

    Raises:
        ConfigError: There is no model, or a port is in use.
    """
    limits, metrics = limits or Limits(), Metrics()
    model_dir = os.path.abspath(model_dir)
    name = os.path.basename(model_dir)
    with contextlib.ExitStack() as stack:
        # The ports, before the model is loaded.
        _refuse_busy(port)
        rest_socket = None
        if rest_port is not None:
            rest_socket = stack.enter_context(_listening(rest_port))
        manager = VersionManager(limits, metrics)
        stack.callback(manager.close)
        # TensorFlow starts its threads with the first model, and they inherit this.
        first = futures.ThreadPoolExecutor(
            1, initializer=give_way, initargs=(Niceness.RUNNING,)
        )
        with first as loader:
            loader.submit(_load, manager, ModelConfig(name, model_dir)).result()
        manager.watch()
        root = os.path.dirname(model_dir)
        endpoints = Endpoints(manager, limits, metrics, root)
        bound = stack.enter_context(_looping(endpoints, port, rest_socket))
        [*_, newest] = manager.available(name)
        found = rest_socket.getsockname()[1] if rest_socket else None
        yield Served(name, newest, bound, found)


def serve(model_dir: str, port: int, rest_port: int) -> None:
    """Serves until SIGINT or SIGTERM, then finishes the requests that are under way.

    Args:
        model_dir: The folder of versions.
        port: Of gRPC; 0 for any free one.
        rest_port: Of REST; likewise.

    Raises:
        ConfigError: There is no model, or a port is in use.
    """
    logging.disable(logging.WARNING)
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    # TensorFlow's modules are a million objects, which the collector need not walk
    # through, all requests waiting, each time a version goes.
    gc.collect()
    gc.freeze()
    sys.setswitchinterval(_SWITCH_SECONDS)
    with running(model_dir, port, rest_port) as served:
        print(
            f"serving {served.name}, version {served.version}, on port {served.port} "
            f"(gRPC) and {served.rest_port} (REST)",
            flush=True,
        )
        stop.wait()


def _load(manager: VersionManager, config: ModelConfig) -> None:
    if not os.path.isdir(config.base_path):
        raise ConfigError(
            f"{config.base_path} does not exist. Give the folder that holds a model's "
            "versions; `deepfm run` prints it."
        )
    try:
        manager.reload([config])
    except ServingError as error:
        raise ConfigError(
            f"{error.message} Give the folder above the versions; `deepfm run` prints "
            "it."
        ) from error


@contextlib.contextmanager
def _looping(
    endpoints: Endpoints, port: int, rest_socket: socket.socket | None
) -> Iterator[int]:
    """Runs the endpoints' event loop on a thread; yields the gRPC port."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, name="endpoints", daemon=True)
    thread.start()

    def wait_for(coroutine: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(coroutine, loop).result()

    try:
        yield wait_for(endpoints.start(f"{_HOST}:{port}", rest_socket))
    finally:
        wait_for(endpoints.stop())
        wait_for(loop.shutdown_default_executor())
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        loop.close()


def _listening(port: int) -> socket.socket:
    _refuse_busy(port)
    found = socket.socket()
    found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    found.bind((_HOST, port))
    return found


def _refuse_busy(port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except (OSError, OverflowError) as error:
            raise ConfigError(
                f"port {port} cannot be used: {error}. Give another with --port or "
                "--rest-port."
            ) from error
