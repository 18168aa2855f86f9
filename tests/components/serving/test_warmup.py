import os

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import prediction_log_pb2

from components.serving import warmup
from model.logit_curve import LogitCurve
from schema import contract
from schema.features import Dataset
from tests import exporting
from tests.tagged import TAGGED

CURVE = LogitCurve((-40.0, 0.0, 8.0), (-16.0, -3.0, 16.0))
NUMBER = {"type": "numeric", "buckets": 4}
DATASET = Dataset.model_validate(
    TAGGED
    | {
        "context": ["tags", "user", "age"],
        "features": TAGGED["features"] | {"price": NUMBER},
    }
)


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    folder = tmp_path_factory.mktemp("warm") / "1"
    return exporting.export(DATASET, folder, curve=CURVE)


@pytest.fixture(scope="module")
def logs(exported):
    path = os.path.join(exported.folder, contract.WARMUP_PATH)
    return [
        prediction_log_pb2.PredictionLog.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(path)
    ]


def replay(exported, log):
    """Returns what the SavedModel answers and what the record says, side by side."""
    kind = log.WhichOneof("log_type")
    request = getattr(log, kind).request
    name = request.model_spec.signature_name
    response = getattr(log, kind).response
    if kind == "predict_log":
        inputs = {key: tf.make_ndarray(v) for key, v in request.inputs.items()}
        recorded = {key: tf.make_ndarray(v) for key, v in response.outputs.items()}
        return name, exported.call(name, inputs), recorded
    examples = [e.SerializeToString() for e in request.input.example_list.examples]
    found = exported.call(name, {contract.INPUTS: examples})
    if kind == "regress_log":
        values = [[r.value] for r in response.result.regressions]
        return name, found, {contract.OUTPUTS: np.array(values, np.float32)}
    rows = [r.classes for r in response.result.classifications]
    labels = [[c.label.encode() for c in classes] for classes in rows]
    scores = np.array([[c.score for c in classes] for classes in rows], np.float32)
    return name, found, {contract.CLASSES: np.array(labels), contract.SCORES: scores}


def test_the_saved_model_answers_as_the_trained_one_did(exported, logs):
    names, sizes = [], []
    for log in logs:
        name, found, recorded = replay(exported, log)
        assert set(found) == set(recorded)
        for key, values in found.items():
            assert values.shape == recorded[key].shape
            if values.dtype == np.float32:
                np.testing.assert_allclose(values, recorded[key], rtol=1e-5, atol=1e-6)
            else:
                np.testing.assert_array_equal(values, recorded[key])
        names.append(name)
        sizes.append(len(next(iter(found.values()))))
    every = [name for name in exported.definitions if not name.startswith("_")]
    assert sorted(names) == sorted(every * len(warmup.BATCH_SIZES))
    assert sorted(sizes) == sorted(warmup.BATCH_SIZES * len(every))


def test_rows_have_known_unseen_and_missing_values_and_are_nobodys(exported, logs):
    [found] = [
        tf.make_ndarray(log.predict_log.response.outputs[contract.IDS])
        for log in logs
        if log.predict_log.request.model_spec.signature_name
        == contract.TRANSFORM_FEATURES
        and log.predict_log.request.inputs[contract.EXAMPLES].tensor_shape.dim[0].size
        == max(warmup.BATCH_SIZES)
    ]
    user, age = (DATASET.id_columns().index(name) for name in ("user", "age"))
    unseen = exported.model.fields[2].num_ids - 1
    assert {contract.MISSING_ID, 1, unseen} < set(found[:, user])
    assert {contract.MISSING_ID, 1, 2} <= set(found[:, age])
    assert len(np.unique(found, axis=0)) > 90


def test_the_request_leaves_the_model_to_whoever_loads_it(logs):
    for log in logs:
        spec = getattr(log, log.WhichOneof("log_type")).request.model_spec
        assert (spec.name, spec.WhichOneof("version_choice")) == ("", None)
