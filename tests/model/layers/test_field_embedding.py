import numpy as np
import pytest

from model.layers.field_embedding import FieldEmbedding
from schema.features import EmbeddingField
from tests.gradients import assert_gradients_are_differences, randomise

FIELDS = [
    EmbeddingField(name="a", num_ids=5),
    EmbeddingField(name="b", num_ids=7, scaled=True),
    EmbeddingField(name="tags", num_ids=6, num_values=2, pooling="sum"),
    EmbeddingField(name="c", num_ids=4),
]
DIMS = [4, 2, 2, 4]
IDS = np.array([[1, 6, 5, 0, 3], [4, 0, 2, -1, 0]])


def built(*args):
    layer = FieldEmbedding(FIELDS, *args)
    layer(IDS)
    randomise(layer)
    return layer


def by_hand(tables):
    """Each field's embeddings, from tables by width, in declared order."""
    narrow, wide = (np.array(table.table) for table in tables)
    tags = [narrow[7 + 5] + narrow[7 + 0], narrow[7 + 2]]
    return [wide[IDS[:, 0]], narrow[IDS[:, 1]], np.stack(tags), wide[5 + IDS[:, 4]]]


def test_comes_out_by_width_and_then_as_declared():
    layer = built(DIMS)
    a, b, tags, c = by_hand(layer.tables)
    narrow, wide = layer(IDS)
    np.testing.assert_allclose(narrow, np.stack([b, tags], axis=1), rtol=1e-6)
    np.testing.assert_allclose(wide, np.stack([a, c], axis=1), rtol=1e-6)
    assert layer.order == (1, 2, 0, 3)


def test_is_one_variable_per_distinct_width():
    layer = built(DIMS)
    assert [tuple(w.shape) for w in layer.weights] == [(13, 2), (9, 4)]


@pytest.mark.parametrize("width", [2, 3, 4])
def test_other_widths_are_projected_onto_the_one(width):
    layer = built(DIMS, width)
    a, b, tags, c = by_hand(layer.tables)
    outputs = layer(IDS)
    pairs = [(b, tags), (a, c)]
    for output, pair, table, projection in zip(
        outputs, pairs, layer.tables, layer.projections, strict=True
    ):
        expected = np.stack(pair, axis=1)
        if table.dim != width:
            expected = expected @ np.array(projection.kernel)
        assert tuple(output.shape) == (2, 2, width)
        np.testing.assert_allclose(output, expected, rtol=1e-5, atol=1e-6)
    projections = [w for w in layer.weights if "projection" in w.path]
    assert [tuple(w.shape) for w in projections] == [
        (dim, width) for dim in (2, 4) if dim != width
    ]


@pytest.mark.parametrize("projection_dim", [None, 3])
def test_a_value_multiplies_its_fields_embedding(projection_dim):
    layer = built(DIMS, projection_dim)
    multipliers = np.ones((2, 4), np.float32)
    multipliers[:, 1] = [0.5, -3.0]
    narrow, wide = (np.array(part) for part in layer(IDS))
    scaled, same = layer(IDS, multipliers)
    np.testing.assert_allclose(scaled[:, 0], narrow[:, 0] * [[0.5], [-3.0]], rtol=1e-5)
    np.testing.assert_allclose(scaled[:, 1], narrow[:, 1])
    np.testing.assert_allclose(same, wide)


@pytest.mark.usefixtures("float64")
def test_gradients_are_finite_differences():
    multipliers = np.random.default_rng(0).normal(size=(2, 4))
    layer = FieldEmbedding(FIELDS, DIMS, 3)
    assert_gradients_are_differences(layer, IDS, multipliers)


def test_tables_begin_apart():
    layer = FieldEmbedding(FIELDS, [2, 3, 4, 5])
    layer(IDS)
    first = [float(np.array(table.table)[0, 0]) for table in layer.tables]
    assert len(set(first)) == 4
