"""What is encoded is what TensorFlow's and tfx_bsl's own code understands by it."""

import numpy as np
import pyarrow as pa
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st
from tfx_bsl.coders import example_coder

from components.example_gen import encoding

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
LONG = st.builds(lambda text, times: text * times, TEXT, st.sampled_from([1, 20, 3000]))


def decode(examples):
    """Returns the values of each Example as TensorFlow's own messages hold them."""
    found = []
    for example in examples:
        row = {}
        for name, feature in tf.train.Example.FromString(
            example
        ).features.feature.items():
            row[name] = list(getattr(feature, feature.WhichOneof("kind")).value)
        found.append(row)
    return found


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 1),
            LONG | st.none(),
            st.floats(width=32, allow_nan=False) | st.none(),
            st.lists(LONG, min_size=1, max_size=4) | st.none(),
        ),
        max_size=6,
    ),
    st.text("abc_", min_size=1, max_size=200),
)
def test_any_row_comes_back(drawn, name):
    labels, texts, numbers, lists = zip(*drawn, strict=True) if drawn else [()] * 4
    batch = pa.RecordBatch.from_pydict(
        {
            "click": pa.array(labels, pa.int64()),
            f"text {name}": pa.array(texts, pa.string()),
            "price": pa.array(numbers, pa.float32()),
            "tags": pa.array(lists, pa.list_(pa.string())),
        }
    )
    expected = []
    for label, text, number, values in drawn:
        row = {"click": [label]}
        if text is not None:
            row[f"text {name}"] = [text.encode()]
        if number is not None:
            row["price"] = [number]
        if values is not None:
            row["tags"] = [value.encode() for value in values]
        expected.append(row)
    assert decode(encoding.encode(batch)) == expected


def test_it_decodes_as_what_tfx_bsl_encodes_does():
    rng = np.random.default_rng(0)
    n = 3000
    missing = rng.random(n) < 0.3
    batch = pa.RecordBatch.from_pydict(
        {
            "click": pa.array(rng.integers(0, 2, n)),
            "word": pa.array(["w" * (i % 300) for i in range(n)], mask=missing),
            "price": pa.array(rng.normal(size=n).astype(np.float32), mask=missing),
        }
    ).slice(7, n - 20)  # an array may start within its buffers
    lists = pa.RecordBatch.from_arrays(
        [
            pa.array(
                [None if v is None else [v] for v in column.to_pylist()],
                pa.list_(pa.binary() if column.type == pa.string() else column.type),
            )
            for column in batch.columns
        ],
        names=batch.schema.names,
    )
    theirs = example_coder.RecordBatchToExamplesEncoder().encode(lists)
    decoder = example_coder.ExamplesToRecordBatchDecoder()
    ours, theirs = (
        decoder.DecodeBatch(examples) for examples in (encoding.encode(batch), theirs)
    )
    for name in batch.schema.names:
        assert ours.column(name).to_pylist() == theirs.column(name).to_pylist()


def test_equal_rows_are_equal_bytes():
    batch = pa.RecordBatch.from_pydict({"a": ["x", "x"], "b": ["y", "y"]})
    first, second = encoding.encode(batch)
    assert first == second
