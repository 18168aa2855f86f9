import itertools

import keras
import numpy as np
import pytest

from model.config import ModelConfig
from model.deepfm import DeepFM
from schema.contract import IDS, VALUES
from schema.features import EmbeddingField
from tests import reference

NUM_IDS = (4, 9, 3, 6)
UNITS = (8, 5)
DIM = 3


def make(scaled=(), **settings):
    fields = [
        EmbeddingField(name=f"f{i}", num_ids=n, scaled=i in scaled)
        for i, n in enumerate(NUM_IDS)
    ]
    settings = {"embedding_dim": DIM, "deep_hidden_units": UNITS} | settings
    return DeepFM(fields, ModelConfig(policy_type="deepfm", **settings), 0.5)


def batch(rows=16, seed=0, scaled=0):
    rng = np.random.default_rng(seed)
    inputs = {IDS: np.stack([rng.integers(0, n, rows) for n in NUM_IDS], axis=1)}
    if scaled:
        inputs[VALUES] = rng.normal(size=(rows, scaled)).astype(np.float32)
    return inputs


def randomise(model):
    rng = np.random.default_rng(5)
    for weight in model.weights:
        weight.assign(rng.normal(scale=0.3, size=weight.shape))


def test_parameters_follow_the_formula():
    model = make()
    model(batch())
    table = sum(NUM_IDS) * (DIM + 1)  # FM and tower share the embeddings
    widths = [len(NUM_IDS) * DIM, *UNITS]
    hidden = sum(a * b + b for a, b in itertools.pairwise(widths))
    assert model.count_params() == table + hidden + UNITS[-1] + 1


def test_logit_is_the_sum_of_the_papers_parts():
    model, inputs = make(), batch()
    model(inputs)
    randomise(model)
    rows = inputs[IDS] + np.cumsum([0, *NUM_IDS[:-1]])
    embeddings = np.array(model.embedding.table)[rows]
    first_order = np.array(model.linear.table)[rows].sum(axis=1)
    layers = [(np.array(h.kernel), np.array(h.bias)) for h in model.tower.hidden]
    last = np.array(model.tower.output_layer.kernel)
    deep = reference.relu_tower(embeddings, layers, last)
    pairs = reference.pairwise_dot_products(embeddings)
    expected = np.array(model.bias.bias) + first_order + pairs + deep
    np.testing.assert_allclose(model(inputs), expected, rtol=1e-4, atol=1e-5)


def assert_is_factorization_machine(model, inputs, multipliers=1.0):
    model(inputs)
    randomise(model)
    model.tower.output_layer.kernel.assign(np.zeros((UNITS[-1], 1)))
    rows = inputs[IDS] + np.cumsum([0, *NUM_IDS[:-1]])
    pairs = reference.pairwise_dot_products(
        np.array(model.embedding.table)[rows] * multipliers
    )
    first_order = (np.array(model.linear.table)[rows] * multipliers).sum(axis=1)
    np.testing.assert_allclose(
        model(inputs),
        np.array(model.bias.bias) + first_order + pairs,
        rtol=1e-4,
        atol=1e-6,
    )


def test_with_a_silent_tower_it_is_a_factorization_machine():
    assert_is_factorization_machine(make(), batch())


def test_a_scaled_field_multiplies_its_embedding_and_weight():
    inputs = batch(scaled=2)
    multipliers = np.ones((len(inputs[IDS]), len(NUM_IDS), 1))
    multipliers[:, [1, 3], 0] = inputs[VALUES]
    assert_is_factorization_machine(make(scaled=(1, 3)), inputs, multipliers)


def test_every_weight_learns_and_the_loss_falls():
    keras.utils.set_random_seed(3)
    model, inputs = make(dropout=0.0), batch(256)
    labels = ((inputs[IDS][:, 0] + inputs[IDS][:, 2]) % 2)[:, None].astype(np.float32)
    model(inputs)
    before = [np.array(weight) for weight in model.trainable_weights]
    model.compile(
        keras.optimizers.Adam(0.02), keras.losses.BinaryCrossentropy(from_logits=True)
    )
    losses = model.fit(inputs, labels, epochs=30, batch_size=64, verbose=0).history
    assert losses["loss"][-1] < 0.5 * losses["loss"][0]
    for weight, old in zip(model.trainable_weights, before, strict=True):
        assert not np.array_equal(np.array(weight), old), weight.path


@pytest.mark.parametrize("scaled", [(), (2,)])
def test_saved_and_loaded_it_says_the_same(tmp_path, scaled):
    model, inputs = make(scaled=scaled), batch(scaled=len(scaled))
    expected = np.array(model(inputs))
    path = tmp_path / "model.keras"
    model.save(path)
    np.testing.assert_allclose(keras.models.load_model(path)(inputs), expected)


def test_a_batch_of_one():
    assert tuple(make()(batch(1)).shape) == (1, 1)


def test_same_seed_same_model():
    def logits():
        keras.utils.set_random_seed(11)
        return np.array(make()(batch()))

    np.testing.assert_array_equal(logits(), logits())
