"""The server's two ports, on one event loop."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Generator

import grpc
import uvicorn
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from components.serving.embedded import grpc_api
from components.serving.embedded.batcher import Batcher
from components.serving.embedded.grpc_api import GrpcApi
from components.serving.embedded.inference import Inference
from components.serving.embedded.limits import Limits
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.rest_api import RestApi
from components.serving.embedded.version_manager import VersionManager


class Endpoints:
    """gRPC with health checking, and REST. All methods are for one event loop."""

    def __init__(
        self, manager: VersionManager, limits: Limits, metrics: Metrics, root: str
    ) -> None:
        """Makes the endpoints; nothing listens yet.

        Args:
            manager: Of the models.
            limits: Bounds of requests.
            metrics: Counts requests.
            root: The folder that models of a ReloadConfigRequest lie in.
        """
        self._manager, self._limits = manager, limits
        self._metrics, self._root = metrics, root

    async def start(self, address: str, rest_socket: socket.socket | None) -> int:
        """Listens.

        Args:
            address: HOST:PORT of gRPC; port 0 for any free one.
            rest_socket: Bound; None for no REST.

        Returns:
            The port of gRPC.
        """
        manager, limits, metrics = self._manager, self._limits, self._metrics
        # A thread a core: each waits for TensorFlow, without Python's lock.
        self._batcher = Batcher(os.cpu_count() or 1, limits, metrics)
        self._inference = Inference(manager, self._batcher, limits, metrics)
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", limits.message_bytes),
                ("grpc.max_send_message_length", limits.message_bytes),
                ("grpc.so_reuseport", 0),  # or a second server would share the port
            ]
        )
        api = GrpcApi(manager, self._inference, metrics, self._root)
        self._server.add_generic_rpc_handlers((api,))
        self._health = health.aio.HealthServicer()
        for service in ("", grpc_api.PREDICTION_SERVICE, grpc_api.MODEL_SERVICE):
            await self._health.set(service, health_pb2.HealthCheckResponse.SERVING)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        port = self._server.add_insecure_port(address)
        await self._server.start()
        self._rest: tuple[_Rest, asyncio.Task[None]] | None = None
        if rest_socket is not None:
            app = RestApi(manager, self._inference, metrics, limits)
            rest = _Rest(uvicorn.Config(app, log_config=None, lifespan="off"))
            self._rest = rest, asyncio.create_task(rest.serve([rest_socket]))
            while not rest.started:
                await asyncio.sleep(0.01)
        return port

    async def stop(self) -> None:
        """Drains: says so, refuses new requests, finishes those under way."""
        await self._health.enter_graceful_shutdown()
        await self._inference.drain(self._limits.drain_seconds)
        if self._rest is not None:
            rest, task = self._rest
            rest.should_exit = True
            await task
        await self._server.stop(grace=1.0)  # for the last responses to be sent
        await asyncio.to_thread(self._batcher.close)


class _Rest(uvicorn.Server):
    """Leaves signals alone: the process's owner handles them."""

    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield
