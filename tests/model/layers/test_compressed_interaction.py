import numpy as np
import pytest

from model.layers.compressed_interaction import CompressedInteraction
from tests import reference
from tests.gradients import assert_gradients_are_differences, randomise


def embeddings(shape=(3, 4, 2)):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize("units", [[1], [5], [3, 2], [2, 5, 3]])
def test_equals_the_papers_equations(units):
    layer, x = CompressedInteraction(units), embeddings()
    layer(x)
    randomise(layer)
    below = [x.shape[1], *units]
    kernels = [
        np.array(kernel).reshape(below[k], x.shape[1], units[k]).transpose(2, 0, 1)
        for k, kernel in enumerate(layer.kernels)
    ]
    expected = reference.compressed_interaction(x, kernels)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-9)


@pytest.mark.usefixtures("float64")
def test_gradients_are_finite_differences():
    assert_gradients_are_differences(
        CompressedInteraction([3, 2]), embeddings((2, 3, 2))
    )


@pytest.mark.usefixtures("float64")
def test_layer_k_is_of_degree_k_plus_1():
    layer, x = CompressedInteraction([2, 2, 2]), embeddings()
    degrees = np.repeat([2, 3, 4], 2)
    np.testing.assert_allclose(
        layer(3.0 * x), np.array(layer(x)) * 3.0**degrees, rtol=1e-9
    )


@pytest.mark.parametrize("units", [[], [4, 0]])
def test_refuses_no_maps(units):
    with pytest.raises(ValueError, match="positive number of maps"):
        CompressedInteraction(units)
