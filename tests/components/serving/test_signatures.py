"""Every signature says of raw rows what the trained model says of transformed ones."""

import numpy as np
import pytest
import tensorflow as tf

from components.serving import signatures
from model.logit_curve import LogitCurve
from schema.contract import (
    CLASSES,
    CLASSIFICATION,
    EMBEDDINGS,
    EXAMPLES,
    IDS,
    INPUTS,
    LOGITS,
    MISSING_ID,
    OUTPUTS,
    PREDICT,
    PREDICT_COLUMNS,
    PROBABILITIES,
    RANK,
    REGRESSION,
    SCORES,
    SERVING_DEFAULT,
    TRANSFORM_FEATURES,
    VALUES,
    WEIGHT,
)
from schema.features import Categorical, Dataset
from tests import exporting, fitting
from tests.conftest import SMALL
from tests.exporting import (
    assert_equal,
    declared,
    draw,
    in_one_context,
    sigmoid,
    to_columns,
    to_examples,
)

MODELS = {"tagged": "deepfm", "small": "dcn_v2", "adult": "lr", "generated": "xdeepfm"}
# Neither what a model learnt nor a line: what it does shows in every score.
CURVE = LogitCurve((-30.0, -0.5, -0.1, 0.1, 40.0), (-16.0, -4.0, -3.5, -1.0, 16.0))


@pytest.fixture(scope="module", params=MODELS)
def exported(request, tmp_path_factory):
    folder = tmp_path_factory.mktemp(request.param) / "1"
    return exporting.export(
        declared(request.param), folder, policy_type=MODELS[request.param]
    )


@pytest.mark.parametrize("count", [1, 50])
def test_all_ways_of_asking_give_the_trained_models_scores(exported, count):
    dataset = exported.dataset
    nothing = {key: [] for key in dataset.features} | {dataset.label.column: [0]}
    unseen = {
        name: ["never"] if isinstance(feature, Categorical) else [1e9]
        for name, feature in dataset.features.items()
    } | {dataset.label.column: [0]}
    rows = [*draw(dataset, count - 1, seed=1), unseen, nothing]
    logits = exported.in_memory(rows)
    click = sigmoid(logits)
    assert np.ptp(click) > 1e-3
    examples = to_examples(dataset, rows)

    for name in (SERVING_DEFAULT, PREDICT):
        found = exported.call(name, {EXAMPLES: examples})
        assert list(found) == [PROBABILITIES]
        assert_equal(found[PROBABILITIES], click)
    found = exported.call(CLASSIFICATION, {INPUTS: examples})
    assert_equal(found[SCORES], np.hstack([1.0 - click, click]))
    assert found[CLASSES].tolist() == [[b"0", b"1"]] * len(rows)
    assert_equal(exported.call(REGRESSION, {INPUTS: examples})[OUTPUTS], click)
    found = exported.call(PREDICT_COLUMNS, to_columns(dataset, rows))
    assert_equal(found[PROBABILITIES], click)
    assert_equal(found[LOGITS], logits)


@pytest.mark.parametrize("count", [1, 2, 50])
def test_ranking_says_what_scoring_each_row_says(exported, count):
    dataset = exported.dataset
    rows = in_one_context(dataset, draw(dataset, count, seed=2))
    request = to_columns(dataset, rows)
    request |= {name: request[name][:1] for name in dataset.context}
    found = exported.call(RANK, request)
    assert found[LOGITS].shape == (count, 1)
    assert_equal(found[LOGITS], exported.in_memory(rows))
    alone = exported.call(PREDICT_COLUMNS, to_columns(dataset, rows))
    np.testing.assert_allclose(found[PROBABILITIES], alone[PROBABILITIES], atol=1e-6)


def test_what_the_model_is_given_can_be_asked_for(exported):
    rows = draw(exported.dataset, 20, seed=3)
    examples = to_examples(exported.dataset, rows)
    found = exported.call(TRANSFORM_FEATURES, {EXAMPLES: examples})
    raw = fitting.raw(exported.dataset, rows)
    expected = exported.transform.transform_features_layer()(raw)
    assert set(found) == set(expected) - {exported.dataset.label.column}
    for name, values in found.items():
        np.testing.assert_array_equal(values, expected[name])


def test_each_field_has_an_embedding(exported):
    rows = draw(exported.dataset, 20, seed=4)
    examples = to_examples(exported.dataset, rows)
    found = exported.call(EMBEDDINGS, {EXAMPLES: examples})
    assert set(found) == set(exported.dataset.features)
    width = 1 if exported.model.config.policy_type == "lr" else 8
    given = exported.call(TRANSFORM_FEATURES, {EXAMPLES: examples})
    layer = exported.model.embedding if width > 1 else exported.model.linear
    [table] = layer.tables
    for number, (name, field) in enumerate(zip(found, table.fields, strict=True)):
        assert found[name].shape == (20, width)
        if field.pooling or field.scaled:
            continue
        first = sum(f.num_ids for f in table.fields[:number])
        column = sum(f.num_values for f in table.fields[:number])
        expected = np.array(table.table)[first + given[IDS][:, column]]
        np.testing.assert_array_equal(found[field.name], expected)


def test_columns_that_are_left_out_are_missing(exported):
    dataset = exported.dataset
    names = list(dataset.features)
    rows = draw(dataset, 5, seed=5)
    some = [row | {key: [] for key in names[::2]} for row in rows]
    request = to_columns(dataset, rows)
    request = {name: request[name] for name in names[1::2]}
    found = exported.call(PREDICT_COLUMNS, request)
    assert_equal(found[LOGITS], exported.in_memory(some))
    nothing = exported.call(PREDICT_COLUMNS, {})
    missing = [rows[0] | {key: [] for key in names}]
    assert_equal(nothing[LOGITS], exported.in_memory(missing))


def test_unseen_is_out_of_vocabulary_and_missing_is_the_declared_default(tagged):
    def ids(**values):
        row = {key: [] for key in tagged.dataset.features} | values
        examples = to_examples(tagged.dataset, [row])
        return tagged.call(TRANSFORM_FEATURES, {EXAMPLES: examples})[IDS][0]

    fields = tagged.model.fields
    assert ids(user=["never"])[4] == fields[2].num_ids - 1
    assert ids(user=["never"])[4] == ids(user=["neither"])[4]
    assert ids()[4] == MISSING_ID
    assert ids()[8] == ids(shops=["none"])[8] != MISSING_ID  # its default


def test_no_rows_give_no_scores(exported):
    dataset = exported.dataset
    for name in (SERVING_DEFAULT, TRANSFORM_FEATURES):
        no_examples = {EXAMPLES: np.array([], np.object_)}
        for values in exported.call(name, no_examples).values():
            assert len(values) == 0
    request = to_columns(dataset, draw(dataset, 1))
    nobody = {name: column[:0] for name, column in request.items()}
    assert exported.call(PREDICT_COLUMNS, nobody)[LOGITS].shape == (0, 1)
    context = {name: request[name] for name in dataset.context}
    assert exported.call(RANK, nobody | context)[LOGITS].shape == (0, 1)


@pytest.mark.parametrize("storage", ["float32", "int8"])
def test_corrected_all_ways_of_asking_say_what_the_curve_says(tmp_path, storage):
    dataset = declared("tagged")
    exported = exporting.export(dataset, tmp_path / "1", storage, CURVE)
    rows = in_one_context(dataset, draw(dataset, 50, seed=11))
    exported.model.curve = None
    trained = exported.in_memory(rows)
    logits = np.interp(trained, CURVE.logits, CURVE.corrected)
    click = sigmoid(logits)
    assert np.abs(click - sigmoid(trained)).min() > 0.02
    assert np.ptp(click) > 0.02
    examples, request = to_examples(dataset, rows), to_columns(dataset, rows)
    for name in (SERVING_DEFAULT, PREDICT):
        found = exported.call(name, {EXAMPLES: examples})
        assert_equal(found[PROBABILITIES], click)
    found = exported.call(CLASSIFICATION, {INPUTS: examples})
    assert_equal(found[SCORES], np.hstack([1.0 - click, click]))
    assert_equal(exported.call(REGRESSION, {INPUTS: examples})[OUTPUTS], click)
    shared = {name: request[name][:1] for name in dataset.context}
    for name, asked in ((PREDICT_COLUMNS, request), (RANK, request | shared)):
        found = exported.call(name, asked)
        assert_equal(found[PROBABILITIES], click)
        np.testing.assert_allclose(found[LOGITS], logits, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("storage", ["float16", "int8"])
def test_stored_in_fewer_bits_all_ways_of_asking_agree(tmp_path, storage):
    dataset = declared("tagged")
    folder = tmp_path / "1"
    exported = exporting.export(dataset, folder, storage, policy_type="wide_deep")
    rows = in_one_context(dataset, draw(dataset, 20, seed=10))
    logits = exported.in_memory(rows)
    request = to_columns(dataset, rows)
    found = exported.call(PREDICT_COLUMNS, request)
    assert_equal(found[LOGITS], logits)
    request |= {name: request[name][:1] for name in dataset.context}
    assert_equal(exported.call(RANK, request)[LOGITS], logits)
    found = exported.call(SERVING_DEFAULT, {EXAMPLES: to_examples(dataset, rows)})
    assert_equal(found[PROBABILITIES], sigmoid(logits))


def test_the_weights_are_saved_and_nothing_that_training_alone_needs(tagged):
    saved = tf.train.list_variables(f"{tagged.folder}/variables/variables")
    shapes = sorted(shape for name, shape in saved if "VARIABLE_VALUE" in name)
    assert shapes == sorted(list(weight.shape) for weight in tagged.model.variables)


def test_whoever_asks_knows_no_label_and_no_weight(tmp_path):
    dataset = Dataset.model_validate(SMALL | {"weight": "cost"})
    rows = [row | {"cost": [2.0]} for row in exporting.draw(dataset, 200)]
    transform = fitting.fit(dataset, rows)
    assert WEIGHT in transform.transformed_feature_spec()
    features = transform.transform_features_layer()(fitting.raw(dataset, rows[:3]))
    model = exporting.untrained(dataset, transform, features)
    signatures.export(model, transform, dataset, str(tmp_path / "1"))
    exported = exporting.Exported(dataset, transform, model, str(tmp_path / "1"))
    given = {EXAMPLES: to_examples(dataset, rows[:3])}
    assert set(exported.call(TRANSFORM_FEATURES, given)) == {IDS, VALUES}
    expected = sigmoid(np.array(model(features, training=False)))
    assert_equal(exported.call(SERVING_DEFAULT, given)[PROBABILITIES], expected)
