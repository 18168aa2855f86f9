import numpy as np
import pytest

from model.layers.vector_cross import VectorCross
from tests import reference
from tests.gradients import assert_gradients_are_differences, randomise

pytestmark = pytest.mark.usefixtures("float64")


def inputs(shape=(3, 5)):
    rng = np.random.default_rng(0)
    return rng.normal(size=shape), rng.normal(size=shape)


def test_equals_the_papers_equation():
    x0, x = inputs()
    layer = VectorCross()
    layer(x0, x)
    randomise(layer)
    expected = reference.vector_cross(
        x0, x, np.array(layer.kernel)[:, 0], np.array(layer.bias)
    )
    np.testing.assert_allclose(layer(x0, x), expected, rtol=1e-12)


def test_gradients_are_finite_differences():
    assert_gradients_are_differences(VectorCross(), *inputs())


def test_without_weights_it_passes_its_input_on():
    x0, x = inputs()
    layer = VectorCross()
    layer(x0, x)
    layer.kernel.assign(np.zeros((5, 1)))
    np.testing.assert_array_equal(layer(x0, x), x)
