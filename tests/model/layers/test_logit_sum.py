import keras
import numpy as np
import pytest

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


def test_in_training_the_odds_are_those_of_the_sampled_log():
    layer, part = LogitSum(0.1, dtype="float64"), np.array([[0.3], [-2.0]])
    p = 1 / (1 + np.exp(-layer([part], training=True)))
    q = 1 / (1 + np.exp(-layer([part])))
    np.testing.assert_allclose(q, p / (p + (1 - p) / 0.1))  # He et al., section 6.3


def test_sampling_changes_nothing_of_how_training_begins():
    part = np.array([[0.3], [-2.0]])
    np.testing.assert_allclose(LogitSum(0.01)([part], training=True), part, atol=1e-6)


@pytest.mark.parametrize("negatives", [0.0, -0.1, 1.1])
def test_a_share_that_is_none_is_refused(negatives):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        LogitSum(negatives)
