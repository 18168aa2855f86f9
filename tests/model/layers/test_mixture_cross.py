import numpy as np
import pytest

from model.layers.mixture_cross import MixtureCross
from tests import reference
from tests.gradients import assert_gradients_are_differences, randomise


def inputs(shape=(3, 5)):
    rng = np.random.default_rng(0)
    return rng.normal(size=shape), rng.normal(size=shape)


def experts_of(layer):
    """Each expert's U (W, R), C (R, R) and V (W, R), as the paper has them."""
    up, core, down = (np.array(w) for w in (layer.up, layer.core, layer.down))
    return [(up[k].T, core[k].T, down[k]) for k in range(layer.num_experts)]


@pytest.mark.usefixtures("float64")
@pytest.mark.parametrize(("num_experts", "rank"), [(1, 2), (4, 3)])
def test_equals_the_papers_equations(num_experts, rank):
    x0, x = inputs()
    layer = MixtureCross(num_experts, rank)
    layer(x0, x)
    randomise(layer)
    expected = reference.mixture_cross(
        x0, x, experts_of(layer), np.array(layer.bias), np.array(layer.gate)
    )
    np.testing.assert_allclose(layer(x0, x), expected, rtol=1e-10)


@pytest.mark.usefixtures("float64")
def test_gradients_are_finite_differences():
    assert_gradients_are_differences(MixtureCross(3, 2), *inputs((2, 4)))


@pytest.mark.usefixtures("float64")
def test_a_linear_expert_is_a_matrix_cross():
    # Of one expert the gate is 1; without g, U C V^T is the matrix.
    x0, x = inputs()
    layer = MixtureCross(1, 3, activation="linear")
    layer(x0, x)
    randomise(layer)
    [(up, core, down)] = experts_of(layer)
    expected = reference.matrix_cross(x0, x, up @ core @ down.T, np.array(layer.bias))
    np.testing.assert_allclose(layer(x0, x), expected, rtol=1e-10)


@pytest.mark.usefixtures("float64")
def test_equal_experts_are_one_expert_whatever_the_gate_says():
    x0, x = inputs()
    one, many = MixtureCross(1, 2), MixtureCross(4, 2)
    one(x0, x), many(x0, x)
    randomise(one)
    randomise(many)
    for name in ("down", "core", "up"):
        getattr(many, name).assign(np.repeat(np.array(getattr(one, name)), 4, axis=0))
    many.bias.assign(one.bias)
    np.testing.assert_allclose(many(x0, x), one(x0, x), rtol=1e-10)


def test_every_expert_begins_as_wide_as_alone():
    spreads = []
    for num_experts in (1, 16):
        layer = MixtureCross(num_experts, 8)
        layer(*inputs((1, 64)))
        spreads.append(np.std(np.array(layer.down)))
    assert spreads[1] == pytest.approx(spreads[0], rel=0.15)


@pytest.mark.parametrize(("num_experts", "rank"), [(0, 2), (2, 0)])
def test_refuses_nothing_to_mix(num_experts, rank):
    with pytest.raises(ValueError, match=f"num_experts={num_experts} and rank={rank}"):
        MixtureCross(num_experts, rank)
