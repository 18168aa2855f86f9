import numpy as np
import pytest
import tensorflow as tf

from components.serving.cells import Cells

ROWS = 3


def table(columns, rows):
    """The table that cells make, and which of its columns each cell says it is of."""
    cells = Cells([tf.constant(column) for column in columns])
    places = cells.places(tf.constant(rows, tf.int64))
    return (
        tf.gather(cells.values, places).numpy(),
        tf.gather(cells.owners, places).numpy(),
    )


@pytest.mark.parametrize("several", [False, True])
def test_a_table_finds_its_cells_again(several):
    user, item, price = ["u"], ["a", "b", "c"], ["1", "2", "3"]
    columns = [user, item, price]
    expected = [["u", "a", "1"], ["u", "b", "2"], ["u", "c", "3"]]
    if several:
        columns[1] = [[name, f"{name}{name}"] for name in item]
        columns.append([["x", "y"]])
        expected = [
            ["u", name, f"{name}{name}", one, "x", "y"]
            for name, one in zip(item, price, strict=True)
        ]
    values, owners = table(columns, ROWS)
    np.testing.assert_array_equal(values.astype(str), expected)
    np.testing.assert_array_equal(owners, [range(len(expected[0]))] * ROWS)


def test_what_is_the_same_in_every_row_is_one_cell():
    cells = Cells([tf.constant(["u"]), tf.constant(["a", "b", "c"])])
    assert cells.values.shape == (4,)


def test_without_rows_the_table_is_empty():
    values, owners = table([["u"], np.empty(0, np.object_)], 0)
    assert values.shape == owners.shape == (0, 2)
