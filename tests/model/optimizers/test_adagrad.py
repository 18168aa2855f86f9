import keras
import numpy as np

from model.optimizers.adagrad import RowSparseAdagrad
from tests.model.optimizers.test_row_sparse import by_row, dense, table


def test_it_is_keras_adagrad_whichever_rows_are_touched():
    ours, theirs = table(), table()
    one, other = RowSparseAdagrad(0.5), keras.optimizers.Adagrad(0.5)
    for step in range(10):
        gradient = by_row([step % 5, 1, 1], seed=step)
        one.apply([gradient], [ours])
        other.apply([dense(gradient)], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-5)
