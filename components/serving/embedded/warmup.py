"""Replays a version's warm-up requests before it takes traffic."""

import os
import time

import tensorflow as tf
from tensorflow_serving.apis import inference_pb2, prediction_log_pb2

from components.serving.embedded import classify_regress, predict
from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.metrics import Metrics
from components.serving.embedded.priority import then_rest
from components.serving.embedded.serving_error import invalid
from schema.contract import WARMUP_PATH

_MAX_RECORDS = 1000  # tensorflow/serving's own


def warm(model: LoadedModel, limits: Limits, metrics: Metrics) -> None:
    """Runs the requests that lie beside a version, if there are any.

    Raises:
        ServingError: A record is none, there are too many, or a request fails.
        tf.errors.DataLossError: The file is no TFRecord.
    """
    path = model.file(WARMUP_PATH)
    if not os.path.exists(path):
        return
    begun = time.perf_counter()
    records = tf.data.TFRecordDataset(path).as_numpy_iterator()
    for number, record in enumerate(records, start=1):
        if number > _MAX_RECORDS:
            raise invalid(f"{path} holds more than {_MAX_RECORDS} records.")
        with then_rest():
            log = prediction_log_pb2.PredictionLog.FromString(record)
            _replay(model, log, limits)
    metrics.warmed(model.path, time.perf_counter() - begun)


def _replay(
    model: LoadedModel, log: prediction_log_pb2.PredictionLog, limits: Limits
) -> None:
    kind = log.WhichOneof("log_type")
    if kind == "predict_log":
        predict.task(model, log.predict_log.request, limits).run()
    elif kind in ("classify_log", "regress_log"):
        request = getattr(log, kind).request
        examples = classify_regress.serialized(request.input, limits)
        api = {"classify_log": "Classify", "regress_log": "Regress"}[kind]
        classify_regress.task(model, request.model_spec, examples, api, limits).run()
    elif kind == "multi_inference_log":
        _replay_several(model, log.multi_inference_log.request, limits)
    else:
        raise invalid(f"Unsupported log_type for warmup: {kind}.")


def _replay_several(
    model: LoadedModel, request: inference_pb2.MultiInferenceRequest, limits: Limits
) -> None:
    examples = classify_regress.serialized(request.input, limits)
    for each in request.tasks:
        api = classify_regress.api_of(each.method_name)
        classify_regress.task(model, each.model_spec, examples, api, limits).run()
