"""Turns typed record batches into serialized tf.Examples of raw features."""

import pyarrow as pa
from tfx_bsl.coders import example_coder


def encode(batch: pa.RecordBatch) -> list[bytes]:
    """Returns one serialized tf.Example per row; a missing value is an absent feature.

    Args:
        batch: Columns of string, list of strings, float32 or int64, as read.
    """
    columns = [_as_lists(column) for column in batch.columns]
    lists = pa.RecordBatch.from_arrays(columns, names=batch.schema.names)
    return example_coder.RecordBatchToExamples(lists)


def _as_lists(column: pa.Array) -> pa.Array:
    """Returns each value as a list of one, each list as it is, each null as null."""
    if pa.types.is_list(column.type):
        return column.cast(pa.list_(pa.binary()))
    if column.type == pa.string():
        column = column.cast(pa.binary())
    present = column.is_valid()
    # The i-th list starts after the present values before it.
    starts = pa.compute.cumulative_sum(present.cast(pa.int32()))
    offsets = pa.concat_arrays([pa.array([0], pa.int32()), starts])
    return pa.ListArray.from_arrays(
        offsets, column.drop_null(), mask=pa.compute.invert(present)
    )
