import keras
import numpy as np

from model.layers.logit_sum import LogitSum


def test_is_the_sum_of_its_parts_and_a_bias():
    parts = [np.random.default_rng(i).normal(size=(4, 1)) for i in range(3)]
    layer = LogitSum(dtype="float64")
    np.testing.assert_allclose(layer(parts), parts[0] + parts[1] + parts[2])
    layer.bias.assign([0.5])
    np.testing.assert_allclose(layer(parts), parts[0] + parts[1] + parts[2] + 0.5)


def test_sums_narrow_parts_in_float32():
    ones = keras.ops.ones((1, 1), "bfloat16")
    # 256 and 1 are bfloat16 numbers, 257 is not.
    total = LogitSum()([256 * ones, ones])
    assert total.dtype == "float32"
    np.testing.assert_array_equal(total, [[257.0]])
