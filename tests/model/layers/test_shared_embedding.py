import keras
import numpy as np
import pytest

from model.layers.shared_embedding import SharedEmbedding


def test_each_field_reads_its_own_rows():
    layer = SharedEmbedding([3, 5, 2], 4)
    layer.build((None, 3))
    table = np.arange(40, dtype=np.float32).reshape(10, 4)
    layer.table.assign(table)
    found = np.array(layer(np.array([[0, 0, 0], [2, 4, 1]])))
    np.testing.assert_array_equal(found[0], table[[0, 3, 8]])
    np.testing.assert_array_equal(found[1], table[[2, 7, 9]])


def test_it_is_one_variable():
    layer = SharedEmbedding([3, 5, 2], 4)
    layer.build((None, 3))
    assert [tuple(w.shape) for w in layer.weights] == [(10, 4)]


def test_config_round_trip():
    layer = SharedEmbedding(
        [3, 5], 4, keras.initializers.RandomNormal(stddev=0.5), "l2"
    )
    again = SharedEmbedding.from_config(layer.get_config())
    assert again.get_config() == layer.get_config()


@pytest.mark.parametrize(("num_ids", "dim"), [([], 4), ([3, 0], 4), ([3], 0)])
def test_refuses_empty_tables(num_ids, dim):
    with pytest.raises(ValueError, match="positive number of ids"):
        SharedEmbedding(num_ids, dim)
