import numpy as np
import pytest

from model.layers.factorization_machine import FactorizationMachine
from tests import reference
from tests.gradients import assert_gradients_are_differences

pytestmark = pytest.mark.usefixtures("float64")


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (5, 7, 4), (3, 40, 16)])
def test_equals_the_double_sum(shape):
    embeddings = np.random.default_rng(0).normal(size=shape)
    expected = reference.pairwise_dot_products(embeddings)
    np.testing.assert_allclose(
        FactorizationMachine()(embeddings), expected, rtol=1e-10, atol=1e-12
    )


def test_gradient_is_a_finite_difference():
    embeddings = np.random.default_rng(1).normal(size=(2, 4, 3))
    assert_gradients_are_differences(FactorizationMachine(), embeddings)


def test_order_of_fields_does_not_matter():
    embeddings = np.random.default_rng(2).normal(size=(4, 6, 3))
    shuffled = embeddings[:, [5, 2, 0, 1, 4, 3]]
    layer = FactorizationMachine()
    np.testing.assert_allclose(layer(embeddings), layer(shuffled), rtol=1e-10)


def test_one_field_has_no_pairs():
    assert not np.any(FactorizationMachine()(np.ones((2, 1, 8))))
