import numpy as np
import pytest

from model.layers.interacting import Interacting
from tests import reference
from tests.gradients import assert_gradients_are_differences, randomise


def embeddings(shape=(3, 4, 5)):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("num_heads", "head_dim"), [(1, 1), (1, 3), (3, 2)])
def test_equals_the_papers_equations(num_heads, head_dim):
    layer, x = Interacting(num_heads, head_dim), embeddings()
    layer(x)
    randomise(layer)
    kernels = [np.array(w).T for w in (layer.query, layer.key, layer.value)]
    heads = [
        tuple(kernel[h * head_dim : (h + 1) * head_dim] for kernel in kernels)
        for h in range(num_heads)
    ]
    expected = reference.interacting(x, heads, np.array(layer.residual).T)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10, atol=1e-12)


@pytest.mark.usefixtures("float64")
def test_gradients_are_finite_differences():
    assert_gradients_are_differences(Interacting(2, 3), embeddings((2, 3, 4)))


@pytest.mark.usefixtures("float64")
def test_a_single_field_attends_to_itself():
    layer, x = Interacting(1, 3), embeddings((2, 1, 4))
    layer(x)
    expected = np.maximum(x @ (np.array(layer.value) + np.array(layer.residual)), 0.0)
    np.testing.assert_allclose(layer(x), expected, rtol=1e-10)


@pytest.mark.usefixtures("float64")
def test_fields_in_another_order_come_out_in_that_order():
    layer, x = Interacting(2, 3), embeddings()
    order = [2, 0, 3, 1]
    np.testing.assert_allclose(
        layer(x[:, order]), np.array(layer(x))[:, order], rtol=1e-10
    )


@pytest.mark.parametrize(("num_heads", "head_dim"), [(0, 2), (2, 0)])
def test_refuses_no_heads(num_heads, head_dim):
    with pytest.raises(ValueError, match=f"heads={num_heads} and head_dim={head_dim}"):
        Interacting(num_heads, head_dim)
