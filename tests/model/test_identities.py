"""How many weights each model has, and which models it becomes without some."""

import itertools

import numpy as np
import pytest

from tests.model.examples import PLAIN, VARIANTS
from tests.model.test_papers import SCALED, Looked, exact, made, tower

V, F, K = sum(field.num_ids for field in PLAIN), len(PLAIN), 4
W = F * K  # all embeddings side by side
PAIRS = F * (F - 1) // 2
UNITS = (8, 5)


def dense(*widths):
    """The weights of hidden layers, and of an output without bias."""
    *hidden, last = itertools.pairwise(widths)
    return sum(a * b + b for a, b in hidden) + last[0] * last[1]


# Without the bias that all have.
PARAMETERS = {
    "lr": V,
    "fm": V * (K + 1),
    "fnn": V * (K + 1) + dense(F * (K + 1), *UNITS, 1),
    "pnn": V * K + dense(W + PAIRS, *UNITS, 1),
    "pnn-outer": V * K + dense(W + K * K, *UNITS, 1),
    "wide_deep": V * (K + 1) + (4 * 9 + 9 * 6 * 3) + dense(W, *UNITS, 1),
    "deepfm": V * (K + 1) + dense(W, *UNITS, 1),  # FM and tower share embeddings
    "dcn": V * K + 3 * (W + W) + W + dense(W, *UNITS, 1),
    "dcn_v2": V * K + 3 * (W * W + W) + W + dense(W, *UNITS, 1),
    "dcn_v2-low-rank": V * K + 3 * (2 * W * 2 + W) + W + dense(W, *UNITS, 1),
    "dcn_v2-mixture": V * K
    + 3 * (3 * (2 * W * 2 + 2 * 2) + W + W * 3)
    + W
    + dense(W, *UNITS, 1),
    "xdeepfm": V * (K + 1)
    + (32 * F * F + 32 * 32 * F)
    + (32 + 32)
    + dense(W, *UNITS, 1),
    "autoint": V * K + 4 * K * 32 + 4 * 32 * 32 + F * 32 + dense(W, *UNITS, 1),
    "dlrm": V * K + dense(2 * K, 64, K) + dense(K + 3, *UNITS, 1),
}


@pytest.mark.parametrize("variant", VARIANTS)
def test_parameters_follow_the_formula(variant):
    assert made(variant)[0].count_params() == PARAMETERS[variant] + 1


def copy(model, other, *parts):
    """Gives another model the weights that parts of a model have."""
    for part in parts:
        getattr(other, part).set_weights(getattr(model, part).get_weights())


NO_TOWER = {"deep_hidden_units": ()}


@pytest.mark.parametrize(
    ("variant", "settings", "smaller"),
    [
        ("deepfm", NO_TOWER, "fm"),
        ("wide_deep", NO_TOWER | {"crosses": ()}, "lr"),
        ("xdeepfm", NO_TOWER | {"cin_units": ()}, "lr"),
        ("fm", {}, "lr"),
    ],
)
def test_without_its_other_parts_it_is_the_smaller_model(variant, settings, smaller):
    (model, inputs), (other, _) = (
        made(variant, SCALED, **settings),
        made(smaller, SCALED),
    )
    if variant == "fm":
        model.embedding.tables[0].table.assign(np.zeros((V, K)))
        copy(model, other, "linear", "total")
    else:
        other.set_weights(model.get_weights())
    np.testing.assert_allclose(model(inputs), other(inputs), rtol=1e-6)


@pytest.mark.parametrize("units", [UNITS, ()])
@pytest.mark.parametrize("policy_type", ["dcn", "dcn_v2"])
def test_without_crosses_only_the_tower_is_left(policy_type, units):
    model, inputs = made(policy_type, cross_layers=0, deep_hidden_units=units)
    expected = tower(model.tower, Looked(model, inputs).concatenated)
    expected += exact(model.total.bias)
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-4, atol=1e-5)
    assert model.count_params() == V * K + dense(W, *units, 1) + 1


@pytest.mark.parametrize(
    ("variant", "more"),
    [("fnn", slice(0, F)), ("pnn", slice(W, None)), ("pnn-outer", slice(W, None))],
)
def test_blind_to_all_but_embeddings_it_is_the_plain_tower(variant, more):
    (model, inputs), (plain, _) = made(variant), made("dcn", cross_layers=0)
    first, *others = model.tower.get_weights()
    plain.tower.set_weights([np.delete(first, more, axis=0), *others])
    first[more] = 0.0
    model.tower.set_weights([first, *others])
    copy(model, plain, "embedding", "total")
    np.testing.assert_allclose(model(inputs), plain(inputs), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("cross", ["low rank", "vector"])
def test_matrix_crosses_hold_the_simpler_ones(cross):
    settings = {"cross_rank": W} if cross == "low rank" else {}
    model, inputs = made("dcn_v2" if settings else "dcn", **settings)
    full, _ = made("dcn_v2")
    copy(model, full, "embedding", "total", "tower", "cross_logit")
    for layer, simpler in zip(full.crosses, model.crosses, strict=True):
        if cross == "low rank":  # W = U V^T
            down, up, bias = simpler.get_weights()
            layer.set_weights([down @ up, bias])
        else:  # W = 1 w^T; biases are outside of the product there
            kernel, bias = simpler.get_weights()
            simpler.set_weights([kernel, np.zeros_like(bias)])
            layer.set_weights([np.repeat(kernel, W, axis=1), np.zeros_like(bias)])
    np.testing.assert_allclose(model(inputs), full(inputs), rtol=1e-4, atol=1e-4)
