import keras
import numpy as np
import tensorflow as tf

from model.optimizers.adam import RowSparseAdam
from tests.model.optimizers.test_row_sparse import ROWS, by_row, dense, table


def test_where_all_rows_are_touched_it_is_keras_adam():
    ours, theirs = table(), table()
    one, other = RowSparseAdam(0.05), keras.optimizers.Adam(0.05)
    for step in range(10):
        gradient = by_row([*range(ROWS), 3, 3], seed=step)
        one.apply([gradient], [ours])
        other.apply([dense(gradient)], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_dense_variables_are_updated_as_keras_does():
    ours, theirs = keras.Variable([[1.0, -2.0]]), keras.Variable([[1.0, -2.0]])
    one, other = RowSparseAdam(0.05), keras.optimizers.Adam(0.05)
    for step in range(10):
        gradient = tf.constant([[0.3 * step, -1.0]])
        one.apply([gradient], [ours])
        other.apply([gradient], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
