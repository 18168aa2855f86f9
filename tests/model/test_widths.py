import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.config import ModelConfig
from model.widths import automatic_width, embedding_widths
from schema.features import EmbeddingField

FIELDS = [
    EmbeddingField(name="day", num_ids=8),
    EmbeddingField(name="ad", num_ids=5_000),
    EmbeddingField(name="user", num_ids=10**9),
]


@given(num_ids=st.integers(2, 2**40), more=st.integers(0, 2**40))
def test_automatic_widths_are_few_and_grow_with_the_ids(num_ids, more):
    width = automatic_width(num_ids)
    assert width in (4, 8, 16, 32, 64)
    assert width <= automatic_width(num_ids + more)


@pytest.mark.parametrize("width", [4, 8, 16, 32])
def test_an_automatic_width_is_the_fourth_root_rounded_up(width):
    assert automatic_width(width**4) == width
    assert automatic_width(width**4 + 1) == 2 * width


@pytest.mark.parametrize(
    ("settings", "widths"),
    [
        ({"embedding_dim": 5}, [5, 5, 5]),
        ({"embedding_dim": "auto"}, [4, 16, 64]),
        ({"embedding_dim": 5, "embedding_dims": {"ad": 3}}, [5, 3, 5]),
        ({"embedding_dim": "auto", "embedding_dims": {"user": 100}}, [4, 16, 100]),
    ],
    ids=str,
)
def test_a_fields_own_width_comes_before_that_of_all(settings, widths):
    config = ModelConfig(policy_type="deepfm", **settings)
    assert embedding_widths(FIELDS, config) == widths
