"""Predict: a signature's tensors in, its tensors out."""

from collections.abc import Mapping

import grpc
import numpy as np
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import model_pb2, predict_pb2

from components.serving.embedded import tensors
from components.serving.embedded.batcher import Outputs, Task
from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.serving_error import ServingError, invalid
from schema.contract import PREDICT_COLUMNS, RANK, SERVING_DEFAULT

_BY_COLUMNS = {PREDICT_COLUMNS, RANK}


def task(
    model: LoadedModel,
    request: predict_pb2.PredictRequest,
    limits: Limits,
    deadline: float | None = None,
) -> Task:
    """Returns a request's run.

    Raises:
        ServingError: FAILED_PRECONDITION if there is no such signature,
            INVALID_ARGUMENT if its inputs or outputs are not as asked.
    """
    name = request.model_spec.signature_name or SERVING_DEFAULT
    if name not in model.signatures:
        raise ServingError(
            grpc.StatusCode.FAILED_PRECONDITION,
            f"Serving signature key {name!r} not found; {model.name} has "
            f"{', '.join(model.signatures)}.",
        )
    definition = model.signatures[name]
    given = request.inputs
    _check_names(name, definition, set(given))
    _check_filter(name, definition, list(request.output_filter))
    inputs = {
        key: taken.array(given[key], limits)
        for key, taken in model.inputs[name].items()
        if key in given
    }
    defaults = {k: array for k, array in model.defaults[name].items() if k not in given}
    rows = _rows(inputs, limits)
    # Of columns, one row is every row's.
    lengths = {1, rows} if name in _BY_COLUMNS else {rows}
    batchable = (
        name in model.batches
        and 0 < rows <= limits.batch_rows
        and all(len(array) in lengths for array in inputs.values())
    )
    shared = rows if batchable else None
    return Task(model, name, inputs, defaults, shared, deadline, "Predict")


def _check_names(
    name: str, definition: meta_graph_pb2.SignatureDef, given: set[str]
) -> None:
    wanted = set(definition.inputs)
    extra, missing = given - wanted, wanted - given - set(definition.defaults)
    if extra or missing:
        raise invalid(
            f"Input size does not match signature {name!r}, which takes "
            f"{sorted(wanted)}. Sent extra: {sorted(extra)}. "
            f"Missing but required: {sorted(missing)}."
        )


def _check_filter(
    name: str, definition: meta_graph_pb2.SignatureDef, wanted: list[str]
) -> None:
    for alias in wanted:
        if alias not in definition.outputs:
            raise invalid(
                f"Output {alias!r} not found in signature {name!r}, which has "
                f"{sorted(definition.outputs)}."
            )
        if wanted.count(alias) > 1:
            raise invalid(f"Output {alias!r} is asked for twice.")


def _rows(inputs: Mapping[str, np.ndarray], limits: Limits) -> int:
    """Returns the size of the longest dimension 0."""
    longest = 0
    for key, array in inputs.items():
        rows = len(array) if array.ndim else 0
        if rows > limits.request_rows:
            raise invalid(
                f"Input {key!r} has {rows} rows; at most {limits.request_rows} are "
                "allowed. Send several requests."
            )
        longest = max(longest, rows)
    return longest


def respond(
    run: Task, request: predict_pb2.PredictRequest, outputs: Outputs
) -> predict_pb2.PredictResponse:
    """Returns the response that holds the outputs that the request asks for."""
    response = predict_pb2.PredictResponse()
    describe(run, response.model_spec)
    for key in request.output_filter or outputs:
        tensors.encode(outputs[key], response.outputs[key])
    return response


def describe(run: Task, spec: model_pb2.ModelSpec) -> None:
    """Fills a response's ModelSpec: which model, version and signature ran."""
    spec.name, spec.signature_name = run.model.name, run.signature
    spec.version.value = run.model.version
