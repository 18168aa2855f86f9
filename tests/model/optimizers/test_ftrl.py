import keras
import numpy as np

from model.optimizers.ftrl import RowSparseFtrl
from tests.model.optimizers.test_row_sparse import by_row, dense, table


def test_it_is_keras_ftrl_whichever_rows_are_touched():
    ours, theirs = table(zeros=True), table(zeros=True)
    one = RowSparseFtrl(0.5, l1=0.3, l2=0.2, beta=1.0)
    other = keras.optimizers.Ftrl(
        0.5,
        initial_accumulator_value=0.0,
        l1_regularization_strength=0.3,
        l2_regularization_strength=0.1,  # Keras doubles it
        beta=1.0,
    )
    for step in range(10):
        gradient = by_row([step % 5, 1, 1], seed=step)
        one.apply([gradient], [ours])
        other.apply([dense(gradient)], [theirs])
    np.testing.assert_allclose(ours, theirs, rtol=1e-4, atol=1e-6)


def test_l1_keeps_what_matters_little_at_exactly_zero():
    weights = table(zeros=True)
    RowSparseFtrl(0.5, l1=1.2).apply([by_row([0, 1, 2, 3, 4, 5])], [weights])
    found = np.array(weights)
    gradient = np.array(dense(by_row([0, 1, 2, 3, 4, 5])))
    np.testing.assert_array_equal(found == 0.0, np.abs(gradient) <= 1.2)
    assert 0 < np.count_nonzero(found) < found.size
