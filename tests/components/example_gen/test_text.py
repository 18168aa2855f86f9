import codecs
import gzip

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from components.example_gen import reader, text
from schema.errors import DataError
from tests.components.example_gen.tables import COLUMNS, HEADER, dataset

ROW = "1,u,a,s,d,1,2\n"
BOM = codecs.BOM_UTF8


def read(path, size=1 << 20, block=64, **file):
    """Returns the good rows and the bad ones of a file, cut into shards."""
    declared = dataset(path, file)
    good, bad, counted = [], [], 0
    for shard in text.shards(str(path), declared, True, size):
        for count, batch, wrong in reader.read_shard(shard, declared, block=block):
            counted += count
            good += batch.to_pylist()
            bad += wrong
    assert counted == len(good) + len(bad)
    return good, bad


@pytest.mark.parametrize("size", [1, 40, 1000, 1 << 20])
def test_however_it_is_cut_each_row_is_read_once_with_its_line(tmp_path, size):
    lines = [f'{i % 2},"u\n{i}",a,s,d,{"x" if i % 7 == 0 else i},\n' for i in range(99)]
    (tmp_path / "x.csv").write_text("\ufeff" + HEADER + "\r\n" + "".join(lines))
    good, bad = read(tmp_path / "x.csv", size)
    assert [row["user"] for row in good] == [f"u\n{i}" for i in range(99) if i % 7]
    assert [row.position["line"] for row in bad] == [
        3 + 2 * i for i in range(99) if i % 7 == 0
    ]
    assert bad[1].row == lines[7].rstrip("\n")


def test_large_files_become_many_shards(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER + ROW * 1000)
    (tmp_path / "x.csv.gz").write_bytes(gzip.compress((HEADER + ROW * 1000).encode()))
    declared = dataset(tmp_path)
    shards = text.shards(str(tmp_path / "x.csv"), declared, True, 1000)
    assert len(shards) >= 10
    assert [s.start for s in shards[1:]] == [s.stop for s in shards[:-1]]
    assert len(text.shards(str(tmp_path / "x.csv.gz"), declared, True, 1000)) == 1


@pytest.mark.parametrize(
    ("content", "num_good", "bad"),
    [
        (HEADER + ROW + ROW.replace("\n", "\r\n") + ROW.replace("\n", "\r"), 3, []),
        ("\ufeff" + HEADER + ROW, 1, []),
        (HEADER + "\n\r\n" + ROW + "\n", 1, []),
        (HEADER + '1,"u\r\nv",a,s,d,1,2', 1, []),
        (HEADER + "1,u\n" + ROW, 1, [(2, None, "wrong number of columns")]),
        (HEADER + ROW + "1,u,a,s,d,1,2,3", 1, [(3, None, "wrong number of columns")]),
        (HEADER + "1,u,a,s,d,b,2\n", 0, [(2, "price", "not a number")]),
        (HEADER + "1,7,8,9,1,b,c\n", 0, [(2, "price", "not a number")]),
        (HEADER + "1,7,8,9,1,2,3\n", 1, []),  # a number may be a category
        (HEADER + f"1,u,a,s,d,{2**70},2\n", 1, []),
        (HEADER + f"{2**70},u,a,s,d,1,2\n", 0, [(2, "click", "neither 0 nor 1")]),
        (HEADER + "1,u,a,s,d,nan,-Inf\n", 1, []),
        (HEADER + "1,u,a,s,d,1e99,2\n", 0, [(2, "price", "too large a number")]),
        (HEADER + "0.3,u,a,s,d,1,2\n", 0, [(2, "click", "neither 0 nor 1")]),
        (HEADER + "true,u,a,s,d,1,2\n", 1, []),
        (b"\xff" + HEADER.encode() + ROW.encode(), None, "no column 'click'"),
        (HEADER.encode() + b"1,\xff,a,s,d,1,2\n", 0, [(2, "user", "not valid UTF-8")]),
        (HEADER.encode() + b"1,u,a,s,d,1,\xff\n", 0, [(2, "age", "not valid UTF-8")]),
        (HEADER[:-1] + ",ad\n1,u,a,s,d,1,2,3\n", None, "2 columns named 'ad'"),
        (HEADER + '1,"u,a,s,d,1,2\n' + ROW, None, "line 2: a quote is opened and nev"),
        (HEADER, 0, []),
        ("", 0, []),
    ],
)
def test_what_becomes_of_odd_input(tmp_path, content, num_good, bad):
    path = tmp_path / "x.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    if num_good is None:
        with pytest.raises(DataError, match=bad):
            read(path)
        return
    good, found = read(path)
    assert len(good) == num_good
    assert [(row.position["line"], row.column, row.reason) for row in found] == bad


def test_quotes_may_be_plain_text(tmp_path):
    (tmp_path / "x.tsv").write_text('1\t"u\ta"b\ts\td\t1\t2\n')
    file = {"header": False, "columns": COLUMNS, "delimiter": "\t", "quote": None}
    [row], _ = read(tmp_path / "x.tsv", **file)
    assert (row["user"], row["ad"]) == ('"u', 'a"b')


def test_a_delimiter_of_several_characters(tmp_path):
    (tmp_path / "x.dat").write_text("1::u::a:b::s::d::1::2\n1::u\n")
    file = {"header": False, "columns": COLUMNS, "delimiter": "::", "quote": None}
    [row], [bad] = read(tmp_path / "x.dat", **file)
    assert row["ad"] == "a:b"
    assert bad.row == "1::u"


@pytest.mark.parametrize("compress", [gzip.compress, None])
def test_a_stream_cut_off_is_an_error_that_names_the_file(tmp_path, compress):
    import pyarrow as pa

    content = (HEADER + ROW * 1000).encode()
    whole = (compress or (lambda b: pa.compress(b, "zstd", asbytes=True)))(content)
    for stop in (len(whole) - 1, len(whole) // 2, 20):
        (tmp_path / "x.csv.gz").write_bytes(whole[:stop])
        with pytest.raises(DataError, match=r"x\.csv\.gz cannot be read to its end: "):
            read(tmp_path / "x.csv.gz")


CELL = st.text(st.characters(exclude_categories=["Cs"]), max_size=6)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_any_table_comes_back(tmp_path_factory, data):
    """Whatever the cells hold, the rows are those of Python's own csv module."""
    import csv

    path = tmp_path_factory.mktemp("any") / "x.csv"
    cells = data.draw(st.lists(st.tuples(*[CELL] * 4), max_size=8))
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, quoting=csv.QUOTE_ALL)
        writer.writerow(COLUMNS)
        writer.writerows([["1", *row, "1", "2"] for row in cells])
    good, bad = read(path, size=data.draw(st.integers(1, 200)))
    assert not bad
    for row, expected in zip(good, cells, strict=True):
        # Arrow strips what Unicode calls white space, Python a little more.
        found = tuple(row[name] or "" for name in COLUMNS[1:5])
        assert [f.strip() for f in found] == [cell.strip() for cell in expected]


@example([BOM, b"\n"], 1, '"')
@example([BOM, ROW.encode(), BOM, ROW.encode()], 60, None)
@settings(max_examples=300, deadline=None)
@given(
    st.lists(
        st.sampled_from([b'"', b",", b"\n", b"\r", b"1", b"\xff", ROW.encode()])
        | st.binary(max_size=5),
        max_size=20,
    ),
    st.integers(1, 60),
    st.sampled_from(['"', None, "'"]),
)
def test_any_bytes_balance_or_are_explained(tmp_path_factory, parts, size, quote):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(HEADER.encode() + b"".join(parts))
    try:
        good, bad = read(path, size, quote=quote)
    except DataError:
        return
    # However it is cut, the same rows come out.
    again, bad_again = read(path, 1 << 20, 1 << 20, quote=quote)
    assert (good, bad) == (again, bad_again)


@settings(max_examples=300, deadline=None)
@given(st.binary(max_size=80))
def test_any_file_is_read_or_explained(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "x.csv"
    path.write_bytes(content)
    try:
        reader.check_first_rows(dataset(path))
    except DataError as error:
        assert str(path) in str(error)
