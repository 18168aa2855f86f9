import numpy as np
import pytest

from model.layers.deep_tower import DeepTower
from tests import reference
from tests.gradients import assert_gradients_are_differences, randomise

pytestmark = pytest.mark.usefixtures("float64")


def inputs(shape=(5, 6)):
    return np.random.default_rng(0).normal(size=shape)


@pytest.mark.parametrize("units", [[], [8], [8, 6]])
@pytest.mark.parametrize("output_dim", [1, 3])
def test_equals_the_papers_equations(units, output_dim):
    tower = DeepTower(units, output_dim=output_dim)
    tower(inputs())
    randomise(tower)
    layers = [(np.array(h.kernel), np.array(h.bias)) for h in tower.hidden]
    expected = reference.relu_tower(
        inputs(), layers, np.array(tower.output_layer.kernel)
    )
    np.testing.assert_allclose(tower(inputs()), expected, rtol=1e-10)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
def test_gradients_are_finite_differences(activation):
    tower = DeepTower([4, 3], activation, dropout=0.5, batch_norm=True)
    assert_gradients_are_differences(tower, inputs((3, 4)))


def test_drops_in_training_only():
    tower = DeepTower([32], dropout=0.5)
    same = np.ones((64, 6))
    assert np.ptp(tower(same, training=False)) == 0.0
    assert np.ptp(tower(same, training=True)) > 0.0


def test_dropout_keeps_the_mean():
    tower = DeepTower([64], dropout=0.5)
    same = np.ones((4096, 6))
    kept = np.mean(tower(same, training=True))
    assert kept == pytest.approx(np.mean(tower(same)), rel=0.1, abs=0.05)


def test_batch_norm_reads_the_batch_in_training_and_its_averages_after():
    tower = DeepTower([4], "linear", batch_norm=True)
    x = 7.0 + 3.0 * inputs((512, 6))
    tower(x)
    tower.output_layer.kernel.assign(np.ones((4, 1)))
    # Each unit is normalised over the batch, so their sum has mean 0 there.
    assert np.mean(tower(x, training=True)) == pytest.approx(0.0, abs=1e-9)
    alone = np.array(tower(x[:1]))
    np.testing.assert_allclose(np.array(tower(x))[:1], alone, rtol=1e-10)
    before = np.mean(tower(x))
    for _ in range(300):
        tower.norms[0](tower.hidden[0](x), training=True)
    assert abs(np.mean(tower(x))) < 0.1 * abs(before)
