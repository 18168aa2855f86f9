"""Tensors of requests and responses, from and to arrays."""

import math

import numpy as np
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2, types_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from components.serving.embedded.limits import Limits
from components.serving.embedded.serving_error import invalid

_STRING = types_pb2.DT_STRING
# The field that tensorflow/serving fills, so that a client may read it directly.
_FIELDS = {
    types_pb2.DT_FLOAT: "float_val",
    types_pb2.DT_DOUBLE: "double_val",
    types_pb2.DT_INT64: "int64_val",
    types_pb2.DT_INT32: "int_val",
    types_pb2.DT_INT16: "int_val",
    types_pb2.DT_INT8: "int_val",
    types_pb2.DT_UINT8: "int_val",
    types_pb2.DT_UINT32: "uint32_val",
    types_pb2.DT_UINT64: "uint64_val",
    types_pb2.DT_BOOL: "bool_val",
    types_pb2.DT_STRING: "string_val",
}


class Input:
    """An input of a signature: what is known of it before a request comes.

    Attributes:
        alias: Its name in requests.
        dtype: A number of types.proto.
    """

    def __init__(self, alias: str, info: meta_graph_pb2.TensorInfo) -> None:
        self.alias, self.dtype = alias, info.dtype
        self._numpy = tf.as_dtype(info.dtype).as_numpy_dtype
        sizes = tuple(dim.size for dim in info.tensor_shape.dim)
        self._sizes = None if info.tensor_shape.unknown_rank else sizes

    def array(self, proto: tensor_pb2.TensorProto, limits: Limits) -> np.ndarray:
        """Returns the array of a request's tensor.

        Args:
            proto: As it came.
            limits: Of the tensor's size and of each string.

        Raises:
            ServingError: It is no tensor, is too large, or is not what is taken.
        """
        dtype = proto.dtype
        if dtype != self.dtype:
            raise invalid(
                f"Input {self.alias!r} takes {_name(self.dtype)}, received "
                f"{_name(dtype)}."
            )
        shape = self._shape(proto, limits)
        self.check_shape(shape)
        try:
            array = self._values(proto, math.prod(shape)).reshape(shape)
        except (TypeError, ValueError, OverflowError, tf.errors.OpError) as error:
            raise invalid(f"Input {self.alias!r} is no tensor: {error}.") from error
        # None is too long if all together are not.
        if dtype == _STRING and proto.ByteSize() > limits.string_bytes:
            check_strings(array, self.alias, limits)
        return array

    def _shape(self, proto: tensor_pb2.TensorProto, limits: Limits) -> tuple[int, ...]:
        """Returns a tensor's shape; a few bytes can claim one that fills the memory."""
        dims = proto.tensor_shape
        shape = tuple([dim.size for dim in dims.dim])
        if dims.unknown_rank or min(shape, default=0) < 0:
            raise invalid(f"Input {self.alias!r} does not say its shape.")
        size = math.prod(shape)
        if size * 8 > limits.message_bytes:
            raise invalid(
                f"Input {self.alias!r} has the shape {shape}: {size} values are too "
                "many."
            )
        return shape

    def check_shape(self, shape: tuple[int, ...]) -> None:
        """Raises ServingError for a shape that the signature does not take."""
        wanted = self._sizes
        if wanted is None:
            return
        fits = len(shape) == len(wanted) and all(
            [want in (-1, size) for want, size in zip(wanted, shape, strict=True)]
        )
        if not fits:
            raise invalid(
                f"Input {self.alias!r} takes the shape {_readable(wanted)}, received "
                f"{_readable(shape)}."
            )

    def _values(self, proto: tensor_pb2.TensorProto, size: int) -> np.ndarray:
        # A request has forty tensors: TensorFlow's own function takes ten times as
        # long for each, and is left what is rare.
        if proto.tensor_content:
            if self.dtype == _STRING:  # how C++ packs strings, if told to
                return tf.io.parse_tensor(proto.SerializeToString(), tf.string).numpy()
            return np.frombuffer(proto.tensor_content, self._numpy)
        field = _FIELDS.get(self.dtype)
        if field is None:
            return tf.make_ndarray(proto)
        values = list(getattr(proto, field))
        if len(values) < size:  # the last value stands for those that follow
            last = values[-1] if values else b"" if self.dtype == _STRING else 0
            values += [last] * (size - len(values))
        return np.array(values, self._numpy)


def _name(dtype: int) -> str:
    return (
        types_pb2.DataType.Name(dtype) if dtype in types_pb2.DataType.values() else "?"
    )


def _readable(shape: tuple[int, ...]) -> str:
    return str(list(shape)).replace("-1", "?")


def check_strings(array: np.ndarray, alias: str, limits: Limits) -> None:
    """Raises ServingError for a string that is too long."""
    longest = max(map(len, array.ravel()), default=0)
    if longest > limits.string_bytes:
        raise invalid(
            f"Input {alias!r} has a string of {longest} bytes; at most "
            f"{limits.string_bytes} are allowed."
        )


def encode(array: np.ndarray, proto: tensor_pb2.TensorProto) -> None:
    """Fills a response's tensor, field by field as tensorflow/serving does."""
    dtype = tf.as_dtype(array.dtype).as_datatype_enum
    field = _FIELDS.get(dtype)
    if field is None:
        proto.CopyFrom(tf.make_tensor_proto(array))
        return
    proto.dtype = dtype
    proto.tensor_shape.SetInParent()
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    getattr(proto, field).extend(array.ravel().tolist())
