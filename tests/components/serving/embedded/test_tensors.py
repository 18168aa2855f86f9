import numpy as np
import pytest
import tensorflow as tf
from tensorflow.core.framework import tensor_pb2
from tensorflow.core.protobuf import meta_graph_pb2

from components.serving.embedded import tensors
from components.serving.embedded.limits import Limits
from components.serving.embedded.serving_error import ServingError

DTYPES = [
    np.float32, np.float64, np.int8, np.uint8, np.int16, np.int32, np.int64, np.uint32,
    np.uint64, np.bool_, np.float16,
]  # fmt: skip


def decoded(proto, dtype, *shape):
    """Returns what an input of this type and shape makes of a tensor."""
    info = meta_graph_pb2.TensorInfo(dtype=tf.as_dtype(dtype).as_datatype_enum)
    info.tensor_shape.CopyFrom(tf.TensorShape(shape).as_proto())
    return tensors.Input("x", info).array(proto, Limits(string_bytes=100))


@pytest.mark.parametrize("dtype", DTYPES)
def test_numbers_survive_both_ways(dtype):
    array = np.array([[0, 1, 2], [3, 4, 100]]).astype(dtype)
    proto = tensor_pb2.TensorProto()
    tensors.encode(array, proto)
    for each in (proto, tf.make_tensor_proto(array)):
        found = decoded(each, dtype, None, 3)
        np.testing.assert_array_equal(found, array)
        assert found.dtype == dtype


def test_strings_survive_both_ways():
    array = np.array([[b"", b"\xff\x00"], [b"abc", b"x" * 100]], object)
    proto = tensor_pb2.TensorProto()
    tensors.encode(array, proto)
    found = decoded(proto, tf.string, None, None)
    assert found.tolist() == array.tolist()
    np.testing.assert_array_equal(tf.make_ndarray(proto), array)


def test_the_last_value_stands_for_those_that_follow():
    proto = tf.make_tensor_proto([b"a", b"b"])
    proto.tensor_shape.dim[0].size = 4
    found = decoded(proto, tf.string, None)
    assert found.tolist() == [b"a", b"b", b"b", b"b"]
    del proto.string_val[:]
    found = decoded(proto, tf.string, None)
    assert found.tolist() == [b""] * 4
    number = tf.make_tensor_proto(7.0, shape=[3])
    assert decoded(number, tf.float32, None).tolist() == [7.0, 7.0, 7.0]
    del number.float_val[:]
    assert decoded(number, tf.float32, None).tolist() == [0.0, 0.0, 0.0]


@pytest.mark.parametrize(
    ("dtype", "change"),
    [
        (np.float32, {"float_val": [1, 2, 3]}),
        (np.float32, {"tensor_content": b"1234"}),
        (np.float32, {"tensor_content": b"123456789"}),
        (np.int8, {"int_val": [1, 300]}),
        (np.object_, {"string_val": [b"a", b"b", b"c"]}),
        (np.object_, {"tensor_content": b"\xff"}),
    ],
)
def test_values_that_do_not_fit_are_refused(dtype, change):
    kind = tf.as_dtype(dtype)
    proto = tensor_pb2.TensorProto(dtype=kind.as_datatype_enum, **change)
    proto.tensor_shape.dim.add().size = 2
    with pytest.raises(ServingError, match="'x' is no tensor"):
        decoded(proto, kind, None)


def test_one_long_string_is_refused_and_many_short_ones_are_not():
    short = tf.make_tensor_proto([b"a" * 99] * 50)
    assert len(decoded(short, tf.string, None)) == 50
    with pytest.raises(ServingError, match="a string of 101 bytes; at most 100"):
        decoded(tf.make_tensor_proto([b"", b"a" * 101]), tf.string, None)


def test_a_scalar_has_no_shape():
    proto = tensor_pb2.TensorProto()
    tensors.encode(np.array(1.5, np.float32), proto)
    assert proto.HasField("tensor_shape")
    assert decoded(proto, tf.float32) == 1.5
