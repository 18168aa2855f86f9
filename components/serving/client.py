"""Asks a model server, ours or tensorflow/serving, for scores."""

from types import TracebackType
from typing import Self

import grpc
import numpy as np
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2, prediction_service_pb2_grpc

from schema.contract import EXAMPLES, MAX_MESSAGE_BYTES, PROBABILITIES, SERVING_DEFAULT
from schema.errors import ConfigError


class Client:
    """A connection to a served model; a context manager."""

    def __init__(self, target: str, model: str, timeout: float = 30.0) -> None:
        """Makes the client; nothing is sent yet.

        Args:
            target: HOST:PORT.
            model: The served model's name.
            timeout: Of a request, in seconds.
        """
        self._target, self._model, self._timeout = target, model, timeout
        limits = [("grpc.max_receive_message_length", MAX_MESSAGE_BYTES)]
        self._channel = grpc.insecure_channel(target, options=limits)
        self._stub = prediction_service_pb2_grpc.PredictionServiceStub(self._channel)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._channel.close()

    def score(self, examples: list[bytes]) -> np.ndarray:
        """Returns the probability of each serialized raw tf.Example, float32 (B,).

        Raises:
            ConfigError: The server does not know the model, or refuses the request.
            ConnectionError: The server cannot be reached or did not answer in time.
        """
        request = predict_pb2.PredictRequest()
        request.model_spec.name = self._model
        request.model_spec.signature_name = SERVING_DEFAULT
        request.inputs[EXAMPLES].CopyFrom(tf.make_tensor_proto(examples, tf.string))
        try:
            response = self._stub.Predict(request, timeout=self._timeout)
        except grpc.RpcError as error:
            code, details = error.code(), error.details()
            if code in (grpc.StatusCode.NOT_FOUND, grpc.StatusCode.INVALID_ARGUMENT):
                raise ConfigError(f"{self._target} refuses: {details}") from error
            raise ConnectionError(
                f"no answer from a model server at {self._target} ({code.name}: "
                f"{details}). Start one with `deepfm serve`, or mend --target."
            ) from error
        return tf.make_ndarray(response.outputs[PROBABILITIES])[:, 0]
