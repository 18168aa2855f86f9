"""TensorFlow Serving's REST API, and Prometheus's page."""

import asyncio
import json
import logging
import re
import time
import urllib.parse
from typing import Any

import grpc
import numpy as np
import tensorflow as tf
from google.protobuf import json_format
from google.protobuf.message import Message
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from tensorflow_serving.apis import (
    classification_pb2,
    get_model_metadata_pb2,
    get_model_status_pb2,
    model_pb2,
    predict_pb2,
    regression_pb2,
)

from components.serving.embedded import (
    json_examples,
    json_inputs,
    json_outputs,
    metrics,
    model_info,
    tensors,
)
from components.serving.embedded.inference import Inference
from components.serving.embedded.limits import Limits
from components.serving.embedded.serving_error import ServingError, invalid
from components.serving.embedded.version_manager import VersionManager
from schema.contract import SERVING_DEFAULT

_WHICH = r"(?:/versions/(?P<version>\d+)|/labels/(?P<label>[^/:]+))?"
_RUN = re.compile(
    rf"(?i)/v1/models/(?P<name>[^/:]+){_WHICH}:(?P<verb>classify|regress|predict)"
)
_TELL = re.compile(rf"(?i)/v1/models/(?P<name>[^/:]+){_WHICH}(?P<verb>/metadata)?")
_HTTP = {
    grpc.StatusCode.OK: 200,
    grpc.StatusCode.CANCELLED: 499,
    grpc.StatusCode.INVALID_ARGUMENT: 400,
    grpc.StatusCode.DEADLINE_EXCEEDED: 504,
    grpc.StatusCode.NOT_FOUND: 404,
    grpc.StatusCode.ALREADY_EXISTS: 409,
    grpc.StatusCode.PERMISSION_DENIED: 403,
    grpc.StatusCode.RESOURCE_EXHAUSTED: 429,
    grpc.StatusCode.FAILED_PRECONDITION: 400,
    grpc.StatusCode.ABORTED: 409,
    grpc.StatusCode.OUT_OF_RANGE: 400,
    grpc.StatusCode.UNIMPLEMENTED: 501,
    grpc.StatusCode.UNAVAILABLE: 503,
    grpc.StatusCode.UNAUTHENTICATED: 401,
}  # all others are 500
_EXAMPLES = {
    "classify": classification_pb2.ClassificationRequest,
    "regress": regression_pb2.RegressionRequest,
}


class RestApi:
    """An ASGI application."""

    def __init__(
        self,
        manager: VersionManager,
        inference: Inference,
        counted: metrics.Metrics,
        limits: Limits,
    ) -> None:
        self._manager, self._inference = manager, inference
        self._metrics, self._limits = counted, limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answers one request, whatever comes."""
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        if request.url.path == metrics.PATH:
            response = Response(self._metrics.page(), media_type="text/plain")
        else:
            response = await self._counted(request)
        await response(scope, receive, send)

    async def _counted(self, request: Request) -> Response:
        begun = time.monotonic()
        verb, model, code = "", "", grpc.StatusCode.OK
        try:
            found = _parsed(request)
            verb, name = found["verb"], urllib.parse.unquote(found["name"])
            model = name if self._manager.known(name) else ""
            deadline = begun + self._limits.rest_seconds
            text = await self._answer(request, verb.lower(), _spec(found), deadline)
            return Response(text, media_type="application/json")
        except ServingError as error:
            code = error.code
            return _refusal(_HTTP.get(code, 500), error.message)
        except _TooLargeError as error:
            code = grpc.StatusCode.RESOURCE_EXHAUSTED
            return _refusal(413, str(error))
        except ClientDisconnect:
            code = grpc.StatusCode.CANCELLED
            return Response(status_code=_HTTP[code])
        except asyncio.CancelledError:
            code = grpc.StatusCode.CANCELLED
            raise
        except Exception as error:  # a bug of ours: the server goes on, and says so
            code = grpc.StatusCode.INTERNAL
            logging.getLogger(__name__).exception("REST")
            return _refusal(500, f"REST failed: {error!r}")
        finally:
            seconds = time.monotonic() - begun
            self._metrics.answered(model, verb, "REST", code.name, seconds)

    async def _answer(
        self, request: Request, verb: str, spec: model_pb2.ModelSpec, deadline: float
    ) -> str:
        if request.method == "GET":
            return self._tell(verb, spec)
        body = await self._body(request)
        self._inference.require_room()  # before the body is parsed in vain
        # JSON takes long enough to hold up all other requests of the loop.
        document = await asyncio.to_thread(json_inputs.parse, body)
        spec.signature_name = document.get("signature_name", "")
        if verb == "predict":
            return await self._predict(document, spec, deadline)
        message = _EXAMPLES[verb](model_spec=spec)
        await asyncio.to_thread(json_examples.fill, document, message.input)
        if verb == "classify":
            result = (await self._inference.classify(message, deadline)).result
            return json.dumps({"results": _classes(result)})
        result = (await self._inference.regress(message, deadline)).result
        rounded = [_short(each.value) for each in result.regressions]
        return json.dumps({"results": rounded})

    async def _predict(
        self, document: dict[str, Any], spec: model_pb2.ModelSpec, deadline: float
    ) -> str:
        message = predict_pb2.PredictRequest(model_spec=spec)
        name = spec.signature_name or SERVING_DEFAULT
        with self._manager.lease(spec) as model:
            if name not in model.signatures:
                raise invalid(
                    f"Serving signature name: {name!r} not found in signature def; "
                    f"{model.name} has {', '.join(model.signatures)}."
                )
            taken = model.inputs[name]
            arrays = await asyncio.to_thread(json_inputs.inputs_of, document, taken)
            for key, array in arrays.items():
                tensors.encode(array, message.inputs[key])
            response = await self._inference.predict(message, deadline)
        return await asyncio.to_thread(_predictions, response, "instances" in document)

    def _tell(self, verb: str, spec: model_pb2.ModelSpec) -> str:
        if not verb:
            asked = get_model_status_pb2.GetModelStatusRequest(model_spec=spec)
            return json.dumps(_plain(model_info.status(self._manager, asked)))
        message = get_model_metadata_pb2.GetModelMetadataRequest(
            model_spec=spec, metadata_field=["signature_def"]
        )
        found = model_info.metadata(self._manager, message)
        signatures = get_model_metadata_pb2.SignatureDefMap()
        found.metadata["signature_def"].Unpack(signatures)
        return json.dumps(
            {
                "model_spec": _plain(found.model_spec),
                "metadata": {"signature_def": _plain(signatures)},
            }
        )

    async def _body(self, request: Request) -> bytes:
        body = bytearray()
        async for chunk in request.stream():
            body += chunk
            if len(body) > self._limits.message_bytes:
                raise _TooLargeError(
                    f"The request has more than {self._limits.message_bytes} bytes."
                )
        return bytes(body)


class _TooLargeError(Exception):
    """A body is over the limit."""


def _parsed(request: Request) -> dict[str, str]:
    # The raw path: "%2F" is part of a name, "/" is not.
    path = request.scope["raw_path"].decode("latin-1")
    pattern = {"POST": _RUN, "GET": _TELL}.get(request.method)
    found = pattern.fullmatch(path) if pattern else None
    if found is None:
        code = grpc.StatusCode.INVALID_ARGUMENT
        if not path.lower().startswith("/v1/"):
            code = grpc.StatusCode.NOT_FOUND
        raise ServingError(code, f"Malformed request: {request.method} {path}")
    return found.groupdict(default="")


def _spec(found: dict[str, str]) -> model_pb2.ModelSpec:
    spec = model_pb2.ModelSpec(name=urllib.parse.unquote(found["name"]))
    if found["version"]:
        try:
            spec.version.value = int(found["version"])
        except ValueError as error:
            raise invalid(
                f"Failed to convert version: {found['version']} to numeric."
            ) from error
    elif found["label"]:
        spec.version_label = urllib.parse.unquote(found["label"])
    return spec


def _refusal(status: int, message: str) -> Response:
    text = json.dumps({"error": message})
    return Response(text, status, media_type="application/json")


def _plain(message: Message) -> dict[str, Any]:
    return json_format.MessageToDict(
        message,
        always_print_fields_with_no_presence=True,
        preserving_proto_field_name=True,
    )


def _predictions(response: predict_pb2.PredictResponse, by_row: bool) -> str:
    outputs = {key: tf.make_ndarray(each) for key, each in response.outputs.items()}
    if by_row:
        return json.dumps({"predictions": json_outputs.rows_of(outputs)})
    return json.dumps({"outputs": json_outputs.columns_of(outputs)})


def _classes(result: classification_pb2.ClassificationResult) -> list[Any]:
    return [
        [[each.label, _short(each.score)] for each in row.classes]
        for row in result.classifications
    ]


def _short(value: float) -> float:
    """Returns a float32 as the shortest decimal that is exactly it."""
    return float(str(np.float32(value)))
