import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.example_gen import parquet, reader
from schema.errors import DataError
from tests.components.example_gen.tables import COLUMNS, as_parquet, dataset, rows


def table(**changed):
    columns = {name: ["1", "0"] for name in COLUMNS}
    return pa.table({**columns, **changed})


def read(path, declared=None):
    """Returns the good rows and the bad ones of a file, cut at each row group."""
    declared = declared or dataset(path)
    good, bad = [], []
    for shard in parquet.shards(str(path), declared, True, size=1):
        for count, batch, wrong in reader.read_shard(shard, declared):
            assert count == batch.num_rows + len(wrong)
            good += batch.to_pylist()
            bad += wrong
    return good, bad


def test_row_groups_are_shards(tmp_path):
    as_parquet(rows(100), tmp_path / "x.parquet", row_group_size=30)
    path = str(tmp_path / "x.parquet")
    assert len(parquet.shards(path, dataset(path), True, size=1)) == 4
    assert len(parquet.shards(path, dataset(path), True, size=1 << 20)) == 1
    good, bad = read(path)
    assert [row["user"] for row in good] == [f"u{i}" for i in range(100)]
    assert not bad


@pytest.mark.parametrize(
    ("column", "values", "expected"),
    [
        ("user", pa.array([1, None]), ["1", None]),
        ("user", pa.array([1.0, 2.5]), ["1", "2.5"]),
        ("user", pa.array([True, False]), ["true", "false"]),
        ("user", pa.array([["x"], []]), ["x", None]),
        ("user", pa.array(["x", " "]).cast(pa.large_string()), ["x", None]),
        ("user", pa.array([None, None]), [None, None]),
        ("price", pa.array([2**63, 1], pa.uint64()), [2.0**63, 1.0]),
        ("price", pa.array([float("nan"), float("inf")]), [None, None]),
        ("price", pa.array(["1.5", ""]), [1.5, None]),
        ("price", pa.array([[1.5], None]), [1.5, None]),
        ("click", pa.array([True, False]), [1, 0]),
        ("click", pa.array([1.0, 0.0]), [1, 0]),
    ],
)
def test_any_type_is_read_as_declared(tmp_path, column, values, expected):
    pq.write_table(table(**{column: values}), tmp_path / "x.parquet")
    good, bad = read(tmp_path / "x.parquet")
    assert [row[column] for row in good] == expected
    assert not bad


@pytest.mark.parametrize(
    ("column", "values", "reason", "value"),
    [
        ("user", pa.array([["x", "y"], ["z"]]), "more than one value", "['x', 'y']"),
        ("user", pa.array([b"\xff", b"x"]), "not valid UTF-8", "\\xff"),
        ("price", pa.array(["cheap", "1"]), "not a number", "cheap"),
        ("price", pa.array([1e300, 1.0]), "too large a number", "1e+300"),
        ("click", pa.array([0.3, 1.0]), "neither 0 nor 1", "0.3"),
        ("click", pa.array([None, 1]), "neither 0 nor 1", ""),
        (
            "click",
            pa.array([2**64 - 1, 1], pa.uint64()),
            "neither 0 nor 1",
            str(2**64 - 1),
        ),
    ],
)
def test_a_bad_cell_takes_its_row_to_the_quarantine(
    tmp_path, column, values, reason, value
):
    pq.write_table(table(**{column: values}), tmp_path / "x.parquet")
    good, [bad] = read(tmp_path / "x.parquet")
    assert len(good) == 1
    assert bad.position == {"row_group": 0, "row": 0}
    assert (bad.column, bad.reason) == (column, reason)
    assert bad.value == value
    assert '"site": "1"' in bad.row


def test_strings_that_are_no_utf8(tmp_path):
    # pyarrow writes such a file without looking.
    broken = pa.StringArray.from_buffers(
        2, pa.array([0, 1, 2], pa.int32()).buffers()[1], pa.py_buffer(b"\xffx")
    )
    pq.write_table(table(user=broken), tmp_path / "x.parquet")
    good, [bad] = read(tmp_path / "x.parquet")
    assert good[0]["user"] == "x"
    assert bad.reason == "not valid UTF-8"


def test_several_values_are_a_list_or_text_with_a_separator(tmp_path):
    declared = dataset(
        tmp_path, features={"user": {"type": "categorical", "separator": "|"}}
    )
    for values in (pa.array([["x", None, "y"], []]), pa.array(["x| |y", None])):
        pq.write_table(table(user=values), tmp_path / "x.parquet")
        good, _ = read(tmp_path / "x.parquet", declared)
        assert [row["user"] for row in good] == [["x", "y"], None]


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (table().drop_columns("price"), "has no column 'price'"),
        (table().append_column("user", pa.array(["x", "y"])), "2 columns named 'user'"),
        (table(user=[{"a": 1}, None]), "column 'user' is of type struct"),
    ],
)
def test_a_file_unlike_its_neighbours_is_named(tmp_path, found, message):
    as_parquet(rows(10), tmp_path / "a.parquet")
    pq.write_table(found, tmp_path / "b.parquet")
    with pytest.raises(DataError, match=f"b.parquet.*{message}"):
        reader.check_first_rows(dataset(tmp_path, {"pattern": "*.parquet"}))


def test_a_file_cut_off_is_an_error_that_names_it(tmp_path):
    as_parquet(rows(100), tmp_path / "x.parquet")
    content = (tmp_path / "x.parquet").read_bytes()
    (tmp_path / "x.parquet").write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError, match=r"x\.parquet cannot be read to its end"):
        read(tmp_path / "x.parquet")


def test_a_file_without_rows(tmp_path):
    as_parquet([], tmp_path / "x.parquet")
    assert read(tmp_path / "x.parquet") == ([], [])
