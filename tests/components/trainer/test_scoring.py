import numpy as np
import tensorflow as tf

from components.trainer.scoring import score
from tests.model.examples import batch, labels, make


def test_rows_come_with_their_logits_in_order():
    model = make("deepfm")
    inputs = batch(rows=100)
    truth = labels(inputs)
    rows = tf.data.Dataset.from_tensor_slices((inputs, truth)).batch(30)
    found = score(model, rows)
    np.testing.assert_allclose(found.logits, np.array(model(inputs))[:, 0], atol=1e-6)
    np.testing.assert_array_equal(found.labels, truth[:, 0])
    np.testing.assert_array_equal(found.weights, np.ones(100))

    weights = np.linspace(0.0, 2.0, 100, dtype=np.float32)[:, None]
    rows = tf.data.Dataset.from_tensor_slices((inputs, truth, weights)).batch(30)
    np.testing.assert_array_equal(score(model, rows).weights, weights[:, 0])


def test_no_rows_are_none():
    rows = tf.data.Dataset.from_tensor_slices((batch(), labels(batch()))).batch(8)
    found = score(make("lr"), rows.take(0))
    assert [len(column) for column in found] == [0, 0, 0]
