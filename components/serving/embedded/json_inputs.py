"""What a REST request holds, as arrays; its shapes are tensorflow/serving's."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import types_pb2

from components.serving.embedded.serving_error import invalid
from components.serving.embedded.tensors import Input

Inputs = Mapping[str, Input]


def parse(body: bytes) -> dict[str, Any]:
    """Returns the object that a request's body holds.

    Raises:
        ServingError: It is no JSON object, or is nested too deep.
    """
    try:
        text = body.decode()
        value, _ = json.JSONDecoder().raw_decode(text, len(text) - len(text.lstrip()))
    except (ValueError, RecursionError) as error:
        raise invalid(f"JSON Parse error: {error}") from error
    if not isinstance(value, dict):
        raise invalid(f"JSON Value: {shown(value)} Is not object")
    name = value.get("signature_name", "")
    # Half a character is a str, but no text.
    if not isinstance(name, str) or not name.isascii():
        raise invalid(
            f"JSON Value: {shown(value)} not formatted correctly. 'signature_name' key "
            "must be a string value, in ASCII."
        )
    return value


def shown(value: Any) -> str:
    """Returns the beginning of a value, for sentences."""
    try:
        return json.dumps(value)[:256]
    except RecursionError:
        return "of many levels"


def inputs_of(document: Mapping[str, Any], taken: Inputs) -> dict[str, np.ndarray]:
    """Returns the arrays of a predict request's `instances` or `inputs`.

    Raises:
        ServingError: There are none, or both, or they are not what the signature takes.
    """
    if "instances" in document and "inputs" in document:
        raise invalid(
            "Not formatted correctly expecting only one of 'inputs' or 'instances' "
            "keys to exist."
        )
    if "instances" in document:
        columns = _columns(document["instances"], taken)
    elif "inputs" in document:
        columns = _named(document["inputs"], taken)
    else:
        raise invalid("Missing 'inputs' or 'instances' key.")
    return {name: array(value, taken[name]) for name, value in columns.items()}


def _columns(rows: Any, taken: Inputs) -> dict[str, list[Any]]:
    """Returns the columns of a list of rows."""
    if not isinstance(rows, list) or not rows:
        raise invalid("Expecting 'instances' to be a list/array with values.")
    if not _is_object(rows[0]):
        if len(taken) > 1:
            raise invalid(
                "instances is a plain list, but expecting list of objects as multiple "
                f"input tensors are required: {sorted(taken)}."
            )
        if any(_is_object(row) for row in rows):
            raise invalid("Expecting values or lists in 'instances', not objects too.")
        return {next(iter(taken)): rows}
    for number, row in enumerate(rows):
        if not _is_object(row) or row.keys() != taken.keys():
            raise invalid(
                f"Failed to process element: {number} of 'instances' list. JSON "
                f"object: {shown(row)} keys must be equal to: {sorted(taken)}."
            )
    return {name: [row[name] for row in rows] for name in taken}


def _named(value: Any, taken: Inputs) -> dict[str, Any]:
    if not _is_object(value):
        if len(taken) > 1:
            raise invalid(
                "inputs is a plain value/list, but expecting an object as multiple "
                f"input tensors are required: {sorted(taken)}."
            )
        return {next(iter(taken)): value}
    for name in taken:
        if name not in value:
            raise invalid(f"Missing named input: {name!r} in 'inputs' object.")
    return {name: value[name] for name in taken}


def _is_object(value: Any) -> bool:
    return isinstance(value, dict) and not is_base64(value)


def is_base64(value: Any) -> bool:
    """Returns whether a value is an object that stands for bytes."""
    return isinstance(value, dict) and list(value) == ["b64"]


def unbase64(value: Mapping[str, Any]) -> bytes:
    """Returns the bytes of a {"b64": ...} object, padded or not."""
    text = value["b64"]
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (TypeError, binascii.Error, ValueError) as error:
        raise invalid(
            f"JSON Value: {shown(value)} not formatted correctly for base64 data."
        ) from error


def array(value: Any, taken: Input) -> np.ndarray:
    """Returns a nested list as an array.

    Args:
        value: As JSON has it.
        taken: The input.

    Raises:
        ServingError: A value is of another type, or the lists differ in length.
    """
    shape, level = [], value
    while isinstance(level, list):
        shape.append(len(level))
        level = level[0] if level else None
    name = taken.alias
    taken.check_shape(tuple(shape))
    leaves = [value]
    for size in shape:
        if not all(isinstance(leaf, list) and len(leaf) == size for leaf in leaves):
            raise invalid(f"Input {name!r}: encountered lists of unequal sizes.")
        leaves = [inner for leaf in leaves for inner in leaf]
    dtype = tf.as_dtype(taken.dtype)
    found = np.empty(len(leaves), dtype.as_numpy_dtype)
    try:
        found[:] = [_leaf(leaf, name, dtype) for leaf in leaves]
    except (OverflowError, UnicodeEncodeError) as error:
        raise invalid(f"Input {name!r}: {error}.") from error
    return found.reshape(shape)


def _leaf(value: Any, name: str, dtype: tf.DType) -> Any:
    if dtype == tf.string:
        if is_base64(value):
            return unbase64(value)
        fits = isinstance(value, str)
        value = value.encode() if fits else value
    elif dtype == tf.bool:
        fits = isinstance(value, bool)
    else:
        kinds = (int, float) if dtype.is_floating else int
        fits = isinstance(value, kinds) and not isinstance(value, bool)
    if not fits:
        raise invalid(
            f"Input {name!r}: JSON Value: {shown(value)} is not of expected type: "
            f"{types_pb2.DataType.Name(dtype.as_datatype_enum)}."
        )
    return value
