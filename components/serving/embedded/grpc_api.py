"""TensorFlow Serving's gRPC services."""

import asyncio
import functools
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    inference_pb2,
    model_management_pb2,
    predict_pb2,
    regression_pb2,
)

from components.serving.embedded import model_info
from components.serving.embedded.inference import Inference
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.serving_error import ServingError
from components.serving.embedded.version_manager import VersionManager

PREDICTION_SERVICE = "tensorflow.serving.PredictionService"
MODEL_SERVICE = "tensorflow.serving.ModelService"
Answer = Callable[[Any, float | None], Awaitable[Message]]


class GrpcApi(grpc.GenericRpcHandler):
    """Both services: bytes of a request in, a response or a gRPC code out."""

    def __init__(
        self, manager: VersionManager, inference: Inference, metrics: Metrics, root: str
    ) -> None:
        """Makes the services.

        Args:
            manager: Of the models.
            inference: Runs them.
            metrics: Counts requests.
            root: The folder that models of a ReloadConfigRequest lie in.
        """
        self._manager, self._metrics, self._root = manager, metrics, root
        self._inference = inference
        self._runs = self._handlers(
            PREDICTION_SERVICE,
            {
                "Predict": (predict_pb2.PredictRequest, inference.predict),
                "Classify": (
                    classification_pb2.ClassificationRequest,
                    inference.classify,
                ),
                "Regress": (regression_pb2.RegressionRequest, inference.regress),
                "MultiInference": (
                    inference_pb2.MultiInferenceRequest,
                    inference.multi_inference,
                ),
            },
        )
        self._others = self._handlers(
            PREDICTION_SERVICE,
            {
                "GetModelMetadata": (
                    get_model_metadata_pb2.GetModelMetadataRequest,
                    self._metadata,
                ),
            },
        ) | self._handlers(
            MODEL_SERVICE,
            {
                "GetModelStatus": (
                    get_model_status_pb2.GetModelStatusRequest,
                    self._status,
                ),
                "HandleReloadConfigRequest": (
                    model_management_pb2.ReloadConfigRequest,
                    self._reload,
                ),
            },
        )

    def service(
        self, handler_call_details: grpc.HandlerCallDetails
    ) -> grpc.RpcMethodHandler | None:
        """Returns what answers a call; None if it is of another service.

        A call that the queue has no room for is refused before its request is read:
        what a refusal costs is what bounds how many a second are refused at once.
        """
        method = handler_call_details.method
        if method not in self._runs:
            return self._others.get(method)
        try:
            self._inference.require_room()
        except ServingError as error:
            # As of a stream, whose messages the handler reads, or does not.
            return grpc.stream_unary_rpc_method_handler(
                functools.partial(self._refuse, method, error)
            )
        return self._runs[method]

    def _handlers(
        self, service: str, methods: Mapping[str, tuple[type[Message], Answer]]
    ) -> dict[str, grpc.RpcMethodHandler]:
        # The generated classes would parse a request where its errors are not ours.
        return {
            f"/{service}/{name}": grpc.unary_unary_rpc_method_handler(
                functools.partial(self._handle, name, kind, answer)
            )
            for name, (kind, answer) in methods.items()
        }

    async def _refuse(
        self,
        method: str,
        error: ServingError,
        _: AsyncIterator[bytes],
        context: grpc.aio.ServicerContext,
    ) -> None:
        api = method.rpartition("/")[2]
        self._metrics.answered("", api, "GRPC", error.code.name, 0.0)
        await context.abort(error.code, error.message)

    async def _handle(
        self,
        api: str,
        kind: type[Message],
        answer: Answer,
        received: bytes,
        context: grpc.aio.ServicerContext,
    ) -> bytes:
        begun, left = time.monotonic(), context.time_remaining()
        model, code, message, response = "", grpc.StatusCode.OK, "", b""
        try:
            request = _parsed(kind, received)
            model = self._model(request)
            deadline = None if left is None else begun + left
            response = (await answer(request, deadline)).SerializeToString()
        except ServingError as error:
            code, message = error.code, error.message
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:  # a bug of ours: the server goes on, and says so
            logging.getLogger(__name__).exception("%s", api)
            code, message = grpc.StatusCode.INTERNAL, f"{api} failed: {error!r}"
        finally:
            seconds = time.monotonic() - begun
            self._metrics.answered(model, api, "GRPC", code.name, seconds)
        if code != grpc.StatusCode.OK:
            await context.abort(code, message)
        return response

    def _model(self, request: Message) -> str:
        """Returns the model's name, for metrics; "" if unknown, lest labels grow."""
        spec = getattr(request, "model_spec", None)
        if isinstance(request, inference_pb2.MultiInferenceRequest):
            spec = request.tasks[0].model_spec if request.tasks else None
        return spec.name if spec and self._manager.known(spec.name) else ""

    async def _metadata(self, request: Any, _: float | None) -> Message:
        return model_info.metadata(self._manager, request)

    async def _status(self, request: Any, _: float | None) -> Message:
        return model_info.status(self._manager, request)

    async def _reload(self, request: Any, _: float | None) -> Message:
        return await asyncio.to_thread(
            model_info.reload, self._manager, request, self._root
        )


def _parsed(kind: type[Message], received: bytes) -> Message:
    try:
        return kind.FromString(received)
    except DecodeError as error:
        raise ServingError(
            grpc.StatusCode.INTERNAL, f"The request is no {kind.__name__}: {error}."
        ) from error
