"""Columns of a request as one vector of cells, and where a table finds them again."""

from collections.abc import Sequence

import tensorflow as tf

from components.serving.columns import num_rows


class Cells:
    """The values of columns, each once, one column after the other.

    Attributes:
        values: Of all columns, (n,).
        owners: Which column of the table each value is of, int64 (n,).
    """

    def __init__(self, columns: Sequence[tf.Tensor]) -> None:
        """Lays the columns out.

        Args:
            columns: Each (rows,), or (rows, width) and then so many of the table; one
                row is every row's.
        """
        self.values = tf.concat([tf.reshape(c, [-1]) for c in columns], axis=0)
        widths = [1 if c.shape.rank == 1 else c.shape[1] for c in columns]
        width = tf.constant(widths, tf.int64)  # (columns,)
        rows = num_rows(columns)
        sizes = rows * width
        starts = tf.cumsum(sizes, exclusive=True)
        column = tf.repeat(tf.range(len(widths)), sizes)  # (n,)
        self.owners = tf.cast(column, tf.int64)
        if max(widths) > 1:
            place = tf.range(tf.reduce_sum(sizes)) - tf.gather(starts, column)
            nth = place % tf.gather(width, column)
            self.owners = tf.gather(tf.cumsum(width, exclusive=True), column) + nth
        # For each of the table's T columns, where its first cell is, and how far on
        # that of the next row is: nowhere, if one row is every row's.
        of = [number for number, each in enumerate(widths) for _ in range(each)]
        beside = [nth for each in widths for nth in range(each)]
        self._firsts = tf.gather(starts, of) + tf.constant(beside, tf.int64)
        self._steps = tf.gather(tf.where(rows == 1, tf.zeros_like(width), width), of)

    def places(self, rows: tf.Tensor) -> tf.Tensor:
        """Returns which cell each place of a table has, int64 (rows, T)."""
        return self._firsts + self._steps * tf.range(rows)[:, tf.newaxis]
