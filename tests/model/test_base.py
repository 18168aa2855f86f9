import keras
import numpy as np
import pytest

from model.base import CTRModel, EmbeddingPrior
from model.config import ModelConfig
from model.logit_curve import LogitCurve
from model.registry import POLICY_TYPES, model_class
from schema.contract import IDS, VALUES
from schema.features import EmbeddingField
from tests.model.examples import FIELDS, batch, make


def tables(model):
    """Returns the tables of a model, by the layer that looks them up."""
    model(batch(model.fields, rows=2))
    paths = [weight.path.split("/") for weight in model.weights]
    found = zip(paths, model.weights, strict=True)
    return {path[1]: weight for path, weight in found if path[-1] == "table"}


@pytest.mark.parametrize(
    ("dims", "names"),
    [
        ({}, ["user", "price", "tags", "site", "age"]),
        ({"site": 2, "price": 2}, ["price", "site", "user", "tags", "age"]),
        ({"site": 1, "tags": 8}, ["site", "user", "price", "age", "tags"]),
    ],
)
def test_fields_come_by_width_and_then_as_declared(dims, names):
    model = make("fnn", embedding_dims=dims)
    assert [field.name for field in model.field_order] == names


def test_each_value_multiplies_its_own_field():
    scaled = {"b", "d"}
    fields = [EmbeddingField(name=n, num_ids=2, scaled=n in scaled) for n in "abcd"]
    model = make("lr", fields)
    inputs = {
        IDS: np.zeros((1, 4), np.int64),
        VALUES: np.array([[2.0, 7.0]], "float32"),
    }
    model(inputs)
    # A field's weight is a decimal place.
    weights = np.repeat([1.0, 10.0, 100.0, 1000.0], 2)[:, None]
    model.linear.tables[0].table.assign(weights)
    np.testing.assert_array_equal(model(inputs), [[7121.0]])


@pytest.mark.parametrize(
    ("policy_type", "settings", "expected"),
    [
        ("lr", {}, {"linear"}),
        ("fm", {}, {"linear", "embedding"}),
        ("pnn", {}, {"embedding"}),
        ("dcn", {"deep_hidden_units": ()}, {"embedding"}),
        ("wide_deep", {"deep_hidden_units": ()}, {"linear"}),
        (
            "wide_deep",
            {"crosses": [["user", "age"]]},
            {"linear", "embedding", "crosses"},
        ),
        ("xdeepfm", {"deep_hidden_units": ()}, {"linear", "embedding"}),
        ("xdeepfm", {"deep_hidden_units": (), "cin_units": ()}, {"linear"}),
    ],
)
def test_tables_that_no_part_reads_are_not_made(policy_type, settings, expected):
    assert set(tables(make(policy_type, **settings))) == expected


def test_the_prior_reaches_each_kind_of_table():
    prior = EmbeddingPrior(stddev=0.2, l2=0.03, first_order_l2=0.04)
    fields = [EmbeddingField(name=name, num_ids=1000) for name in "abc"]
    dims = {"a": 8, "b": 4, "c": 4}
    model = make("wide_deep", fields, prior, embedding_dims=dims, crosses=[["a", "b"]])
    found = tables(model)
    for name in ("linear", "crosses"):
        assert found[name].row_l2 == 0.04
        assert not np.any(found[name])
    assert len(model.embedding.tables) == 2
    for layer in model.embedding.tables:
        assert layer.table.row_l2 == 0.03
        assert np.std(np.array(layer.table)) == pytest.approx(0.2, rel=0.05)
        assert np.mean(np.array(layer.table)) == pytest.approx(0.0, abs=0.01)


def test_half_precision_stays_out_of_tables_and_of_later_models():
    before = keras.config.dtype_policy()
    model = make("deepfm", mixed_precision=True)
    assert keras.config.dtype_policy() == before
    assert model.tower.compute_dtype == "bfloat16"
    layers = [model.embedding, model.linear, model.pairs, model.total]
    assert {layer.compute_dtype for layer in layers} == {"float32"}


def test_precision_is_restored_even_where_a_model_cannot_be_made():
    class Broken(CTRModel):
        def make_parts(self):
            assert keras.config.dtype_policy().name == "mixed_bfloat16"
            raise RuntimeError("no parts")

        def logit(self, fields, training):
            raise NotImplementedError

    before = keras.config.dtype_policy()
    config = ModelConfig(policy_type="deepfm", mixed_precision=True)
    with pytest.raises(RuntimeError, match="no parts"):
        Broken(FIELDS, config)
    assert keras.config.dtype_policy() == before


@pytest.mark.parametrize("policy_type", POLICY_TYPES)
def test_sampled_odds_are_for_training_only(policy_type):
    config = ModelConfig(policy_type=policy_type, dropout=0.0, id_dropout=0.0)
    model = model_class(policy_type)(FIELDS, config, negatives=0.1)
    again = type(model).from_config(model.get_config())
    for made in (model, again):
        difference = made(batch(), training=True) - made(batch())
        np.testing.assert_allclose(difference, np.log(10.0), rtol=1e-5)


@pytest.mark.parametrize("policy_type", POLICY_TYPES)
def test_a_curve_corrects_what_is_served_and_not_what_is_trained(policy_type):
    model, inputs = make(policy_type, dropout=0.0, id_dropout=0.0), batch()
    before, trained = np.array(model(inputs)), np.array(model(inputs, training=True))
    model.correct_by(LogitCurve((-10.0, 10.0), (-2.0, 3.0)))
    np.testing.assert_allclose(model(inputs), before / 4 + 0.5, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(model(inputs, training=True), trained)
