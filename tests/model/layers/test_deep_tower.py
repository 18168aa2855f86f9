import numpy as np

from model.layers.deep_tower import DeepTower
from tests import reference


def test_equals_the_papers_equations():
    embeddings = np.random.default_rng(0).normal(size=(5, 3, 4)).astype(np.float32)
    tower = DeepTower([8, 6], "relu")
    tower(embeddings)
    layers = [(np.array(h.kernel), np.array(h.bias)) for h in tower.hidden]
    expected = reference.relu_tower(
        embeddings, layers, np.array(tower.output_layer.kernel)
    )
    np.testing.assert_allclose(tower(embeddings), expected, atol=1e-5)


def test_drops_in_training_only():
    embeddings = np.ones((64, 3, 4), np.float32)
    tower = DeepTower([32], dropout=0.5)
    still = np.array(tower(embeddings, training=False))
    assert np.ptp(still) == 0.0
    assert np.ptp(np.array(tower(embeddings, training=True))) > 0.0


def test_config_round_trip():
    tower = DeepTower([8, 6], "gelu", 0.1)
    assert DeepTower.from_config(tower.get_config()).get_config() == tower.get_config()
