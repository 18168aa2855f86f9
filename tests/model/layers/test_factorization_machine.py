import keras
import numpy as np
import pytest
import tensorflow as tf

from model.layers.factorization_machine import FactorizationMachine
from tests import reference


@pytest.mark.parametrize("shape", [(1, 1, 1), (1, 2, 3), (5, 7, 4), (3, 40, 16)])
def test_equals_the_double_sum(shape):
    embeddings = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    expected = reference.pairwise_dot_products(embeddings)
    np.testing.assert_allclose(
        FactorizationMachine()(embeddings), expected, rtol=1e-4, atol=1e-4
    )


def test_gradient_is_a_finite_difference():
    embeddings = np.random.default_rng(1).normal(size=(1, 4, 3))
    layer = FactorizationMachine(dtype="float64")
    x = tf.Variable(embeddings)
    with tf.GradientTape() as tape:
        y = tf.reduce_sum(layer(x))
    gradient = tape.gradient(y, x).numpy()
    step = 1e-6
    for index in np.ndindex(*embeddings.shape):
        moved = embeddings.copy()
        moved[index] += step
        difference = (
            reference.pairwise_dot_products(moved)
            - reference.pairwise_dot_products(embeddings)
        ).sum() / step
        assert gradient[index] == pytest.approx(difference, abs=1e-4)


def test_order_of_fields_does_not_matter():
    embeddings = np.random.default_rng(2).normal(size=(4, 6, 3)).astype(np.float32)
    shuffled = embeddings[:, [5, 2, 0, 1, 4, 3]]
    layer = FactorizationMachine()
    np.testing.assert_allclose(layer(embeddings), layer(shuffled), atol=1e-5)


def test_one_field_has_no_pairs():
    assert keras.ops.max(abs(FactorizationMachine()(np.ones((2, 1, 8))))) == 0.0
