import gzip

import pytest
import tensorflow as tf

from components.example_gen import reader, tfrecord
from schema.errors import DataError
from tests.components.example_gen.tables import as_records, dataset, rows


def read(path):
    """Returns the good rows and the bad ones of a file."""
    declared = dataset(path)
    good, bad = [], []
    [shard] = tfrecord.shards(str(path))
    for count, batch, wrong in reader.read_shard(shard, declared):
        assert count == batch.num_rows + len(wrong)
        good += batch.to_pylist()
        bad += wrong
    return good, bad


def write(path, records):
    with tf.io.TFRecordWriter(str(path)) as writer:
        for record in records:
            writer.write(record)


def example(**features):
    found = tf.train.Example()
    for name, values in features.items():
        feature = found.features.feature[name]
        for value in values:
            if isinstance(value, bytes):
                feature.bytes_list.value.append(value)
            elif isinstance(value, int):
                feature.int64_list.value.append(value)
            else:
                feature.float_list.value.append(value)
    return found.SerializeToString()


@pytest.mark.parametrize("compression", ["", "GZIP"])
def test_records_come_back(tmp_path, compression):
    as_records(rows(50), tmp_path / "x", compression)
    good, bad = read(tmp_path / "x")
    assert [row["user"] for row in good] == [f"u{i}" for i in range(50)]
    assert not bad


def test_bad_records_are_named_and_the_others_kept(tmp_path):
    records = [
        example(click=[1], user=[b"x"], price=[1.5]),
        b"\xff\xfe",
        example(click=[0], user=[7], price=[b"2"]),  # other kinds, same meaning
        example(click=[0], user=[b"x", b"y"]),
        example(click=[0.25], user=[b"x"]),
        example(user=[b"x"]),
        example(click=[1], price=[b"cheap"]),
    ]
    write(tmp_path / "x.tfrecord", records)
    good, bad = read(tmp_path / "x.tfrecord")
    assert [(row["user"], row["price"]) for row in good] == [("x", 1.5), ("7", 2.0)]
    assert [(row.position["record"], row.column, row.reason) for row in bad] == [
        (1, None, "not a tf.Example"),
        (3, "user", "more than one value"),
        (4, "click", "neither 0 nor 1"),
        (5, "click", "neither 0 nor 1"),
        (6, "price", "not a number"),
    ]


@pytest.mark.parametrize("compressed", [False, True])
def test_a_file_cut_off_is_an_error_that_names_it(tmp_path, compressed):
    as_records(rows(50), tmp_path / "x.tfrecord")
    content = (tmp_path / "x.tfrecord").read_bytes()
    content = gzip.compress(content) if compressed else content
    for stop in (len(content) - 1, len(content) // 2):
        (tmp_path / "x.tfrecord").write_bytes(content[:stop])
        with pytest.raises(DataError, match=r"x\.tfrecord cannot be read to its end"):
            read(tmp_path / "x.tfrecord")


def test_zstd_is_refused(tmp_path):
    (tmp_path / "x.tfrecord").write_bytes(b"\x28\xb5\x2f\xfd")
    with pytest.raises(DataError, match="plain or gzip, not zstd"):
        read(tmp_path / "x.tfrecord")


def test_a_file_without_records(tmp_path):
    write(tmp_path / "x.tfrecord", [])
    assert read(tmp_path / "x.tfrecord") == ([], [])
