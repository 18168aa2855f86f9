"""Ranking requests of several users, which one run of the model answers."""

import threading

import numpy as np
import pytest
import tensorflow as tf
from tensorflow_serving.apis import predict_pb2

from components.serving.embedded import predict
from components.serving.embedded.limits import Limits
from components.serving.embedded.loaded_model import LoadedModel
from components.serving.embedded.serving_error import ServingError
from schema.contract import LOGITS, PREDICT_COLUMNS, RANK
from tests.components.serving.embedded.queueing import answers, run
from tests.exporting import assert_equal, draw, in_one_context, to_columns


@pytest.fixture
def model(tagged):
    """Says which signatures it runs, once it may."""
    loaded = LoadedModel("tagged", 1, tagged.folder)
    run, loaded.runs, loaded.go = loaded.run, [], threading.Event()

    def recorded(signature, inputs):
        loaded.go.wait()
        loaded.runs.append(signature)
        return run(signature, inputs)

    loaded.run = recorded
    yield loaded
    loaded.close()


def request(dataset, rows, signature=RANK):
    """Returns a request for candidates in the context of the first row."""
    message = predict_pb2.PredictRequest()
    message.model_spec.signature_name = signature
    columns = to_columns(dataset, rows)
    for name in dataset.context if signature == RANK else ():
        columns[name] = columns[name][:1]
    for name, column in columns.items():
        message.inputs[name].CopyFrom(tf.make_tensor_proto(column))
    return message


def asked(model, messages):
    """Returns what becomes of requests, of which all but the first queue up."""
    tasks = [predict.task(model, message, Limits()) for message in messages]
    return run(lambda batcher: answers(batcher, model, tasks))


def full(dataset, rows):
    """Returns rows with as many values of each feature as it can have."""
    several = {n: f.max_values for n, f in dataset.categorical().items() if f.separator}
    return [row | {n: ["w1"] * width for n, width in several.items()} for row in rows]


def test_users_share_a_run_and_keep_their_own_scores(tagged, model):
    dataset = tagged.dataset
    users = [
        in_one_context(dataset, full(dataset, draw(dataset, count, seed)))
        for seed, count in enumerate([3, 5, 1, 4])
    ]
    others = full(dataset, draw(dataset, 6, seed=9))
    messages = [request(dataset, rows) for rows in users]
    messages.append(request(dataset, others, PREDICT_COLUMNS))
    found = asked(model, messages)
    assert model.runs == [RANK, PREDICT_COLUMNS]
    for outputs, rows in zip(found, [*users, others], strict=True):
        assert_equal(outputs[LOGITS], tagged.in_memory(rows))


def test_a_wrong_ranking_request_fails_alone(tagged, model):
    dataset = tagged.dataset
    rows = in_one_context(dataset, full(dataset, draw(dataset, 4, seed=3)))
    right, wrong = request(dataset, rows), request(dataset, rows)
    site = to_columns(dataset, rows[:3])["site"]
    wrong.inputs["site"].CopyFrom(tf.make_tensor_proto(site))
    found = asked(model, [right, right, wrong, right])
    assert isinstance(found[2], ServingError)
    assert "4 rows, but not of: site (3)" in found[2].message
    for outputs in (found[0], found[1], found[3]):
        np.testing.assert_array_equal(outputs[LOGITS].shape, (4, 1))
        assert_equal(outputs[LOGITS], tagged.in_memory(rows))


def test_a_context_of_several_rows_is_refused(tagged, model):
    rows = draw(tagged.dataset, 3, seed=8)
    message = request(tagged.dataset, rows, PREDICT_COLUMNS)
    message.model_spec.signature_name = RANK
    with pytest.raises(ServingError, match=r"takes the shape \[1.*received \[3"):
        predict.task(model, message, Limits())
