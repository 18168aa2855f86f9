"""Classify and Regress: tf.Examples in, classes or values out."""

from collections.abc import Callable
from typing import TypeAlias

import grpc
import numpy as np
import tensorflow as tf
from tensorflow.core.protobuf import meta_graph_pb2
from tensorflow_serving.apis import (
    classification_pb2,
    input_pb2,
    model_pb2,
    regression_pb2,
)

from components.serving.embedded import tensors
from components.serving.embedded.batcher import Outputs, Task
from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.serving_error import ServingError, invalid
from schema.contract import CLASSES, INPUTS, OUTPUTS, SCORES, SERVING_DEFAULT


def task(
    model: LoadedModel,
    spec: model_pb2.ModelSpec,
    examples: np.ndarray,
    api: str,
    limits: Limits,
    deadline: float | None = None,
) -> Task:
    """Returns the run of a Classify or Regress request.

    Args:
        model: The version.
        spec: Of the request; names the signature.
        examples: What `serialized` returns.
        api: "Classify" or "Regress".
        limits: Of the batch.
        deadline: On the clock of time.monotonic.

    Raises:
        ServingError: INVALID_ARGUMENT if there is no such signature, or it is not of
            that kind.
    """
    name = spec.signature_name or SERVING_DEFAULT
    if name not in model.signatures:
        raise invalid(
            f"No signature was found with the name {name!r}; {model.name} has "
            f"{', '.join(model.signatures)}."
        )
    definition = model.signatures[name]
    known = {CLASSES, SCORES} if api == "Classify" else {OUTPUTS}
    _check(name, api, definition, known)
    rows = len(examples)
    fits = name in model.batches and rows <= limits.batch_rows
    return Task(
        model, name, {INPUTS: examples}, {}, rows if fits else None, deadline, api
    )


def _check(
    name: str, api: str, definition: meta_graph_pb2.SignatureDef, known: set[str]
) -> None:
    if list(definition.inputs) != [INPUTS]:
        raise invalid(
            f"{api} takes a signature with the one input {INPUTS!r}; {name!r} has "
            f"{sorted(definition.inputs)}."
        )
    if not definition.outputs or not set(definition.outputs) <= known:
        raise invalid(
            f"{api} takes a signature with the outputs {sorted(known)}; {name!r} has "
            f"{sorted(definition.outputs)}."
        )


def serialized(given: input_pb2.Input, limits: Limits) -> np.ndarray:
    """Returns a request's tf.Examples, serialized (B,), the context in each of them.

    Raises:
        ServingError: There are none, or too many, or one is too long.
    """
    kind = given.WhichOneof("kind")
    messages = getattr(given, kind).examples if kind else []
    if not messages:
        raise invalid("Input is empty.")
    if len(messages) > limits.request_rows:
        raise invalid(
            f"Input has {len(messages)} examples; at most {limits.request_rows} are "
            "allowed. Send several requests."
        )
    context = b""
    if kind == "example_list_with_context":
        # Two serialized protos side by side are their union, as protos define it.
        context = given.example_list_with_context.context.SerializeToString()
    examples = np.empty(len(messages), object)
    examples[:] = [context + message.SerializeToString() for message in messages]
    tensors.check_strings(examples, INPUTS, limits)
    return examples


def classifications(
    outputs: Outputs, rows: int
) -> classification_pb2.ClassificationResult:
    """Returns the classes of each example, and their scores.

    Raises:
        ServingError: The model's outputs are not one row of classes an example.
    """
    for key, dtype in ((CLASSES, np.dtype(object)), (SCORES, np.dtype(np.float32))):
        if key in outputs:
            _check_output(key, outputs[key], dtype, rows, outputs[key].shape[-1:])
    if len({array.shape for array in outputs.values()}) > 1:
        raise invalid(f"{CLASSES} and {SCORES} differ in shape.")
    width = next(iter(outputs.values())).shape[1]
    blank = [[None] * width] * rows
    classes = outputs[CLASSES].tolist() if CLASSES in outputs else blank
    scores = outputs[SCORES].tolist() if SCORES in outputs else blank
    result = classification_pb2.ClassificationResult()
    for labels, values in zip(classes, scores, strict=True):
        row = result.classifications.add()
        for label, score in zip(labels, values, strict=True):
            text = tf.compat.as_str(label) if label is not None else None
            row.classes.add(label=text, score=score)
    return result


def regressions(outputs: Outputs, rows: int) -> regression_pb2.RegressionResult:
    """Returns the value of each example.

    Raises:
        ServingError: The model's output is not one float an example.
    """
    found = outputs[OUTPUTS]
    _check_output(OUTPUTS, found, np.dtype(np.float32), rows, (), (1,))
    result = regression_pb2.RegressionResult()
    for value in found.ravel().tolist():
        result.regressions.add(value=value)
    return result


def _check_output(
    key: str, array: np.ndarray, dtype: np.dtype, rows: int, *tails: tuple[int, ...]
) -> None:
    """Refuses what is not of this type, nor (rows, *one of the tails)."""
    if array.dtype != dtype or array.shape not in [(rows, *tail) for tail in tails]:
        raise invalid(
            f"Output {key!r} of the model is {array.dtype} {array.shape}, expected "
            f"{dtype} with one row for each of {rows} examples."
        )


Result: TypeAlias = (
    classification_pb2.ClassificationResult | regression_pb2.RegressionResult
)
RESULTS: dict[str, Callable[[Outputs, int], Result]] = {
    "Classify": classifications,
    "Regress": regressions,
}


def api_of(method_name: str) -> str:
    """Returns "Classify" or "Regress", for a task of a MultiInference request.

    Raises:
        ServingError: UNIMPLEMENTED for any other method.
    """
    apis = {
        tf.saved_model.CLASSIFY_METHOD_NAME: "Classify",
        tf.saved_model.REGRESS_METHOD_NAME: "Regress",
    }
    if method_name not in apis:
        raise ServingError(
            grpc.StatusCode.UNIMPLEMENTED,
            f"Unsupported signature method_name: {method_name!r}.",
        )
    return apis[method_name]
