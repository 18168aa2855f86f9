"""Rows split by a key and by time, as the component writes them."""

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from components.example_gen import splits, times
from schema.errors import DataError
from tests.components.example_gen.tables import (
    HEADER,
    SHARES,
    dataset,
    examples,
    ingest,
    quarantine,
)


def write(tmp_path, name, hours, users=lambda i: f"u{i}"):
    """Writes a row for each hour; its `price` is its number."""
    rows = [f"{i % 2},{users(i)},a,s,d,{i},,{hour}\n" for i, hour in enumerate(hours)]
    (tmp_path / name).write_text(HEADER[:-1] + ",hour\n" + "".join(rows))


def numbers(folder):
    """Returns the `price` of the rows in each split."""
    found = {}
    for split in SHARES:
        rows = [dict(row) for row in examples(f"{folder}/Split-{split}")]
        assert not any("hour" in row for row in rows)
        found[split] = {int(row["price"][0]) for row in rows}
    return found


def by(rule, path, **settings):
    return dataset(path, split={"by": rule, "column": "hour"}, **settings)


@pytest.mark.parametrize(
    "hours",
    [
        [14102100 + i // 10 for i in range(200)],
        [1.7e18 + 1e9 * (i // 10) for i in range(200)],
        [f"2014-10-{10 + i // 10}T00:00:00Z" for i in range(200)],
        [f"2014-10-{10 + i // 10} 00:00" for i in range(200)],
        [f"2014-10-{10 + i // 10}" for i in range(200)],
    ],
)
def test_the_latest_rows_are_for_evaluation(tmp_path, hours):
    write(tmp_path, "x.csv", hours)
    ingest(by("time", tmp_path), tmp_path / "out", size=1000)
    assert numbers(tmp_path / "out") == {
        "train": set(range(160)), "eval": set(range(160, 200)),
    }  # fmt: skip


def test_the_share_is_the_nearest_that_keeps_equal_times_together(tmp_path):
    write(tmp_path, "x.csv", [3] * 50 + [1] * 100 + [2] * 50)
    ingest(by("time", tmp_path, eval_fraction=0.3), tmp_path / "out")
    assert numbers(tmp_path / "out")["eval"] == set(range(50))


def test_dates_of_parquet_are_times(tmp_path):
    n = 100
    columns = {name: ["1", "0"] * (n // 2) for name in HEADER[:-1].split(",")}
    columns["price"] = list(range(n))
    columns["hour"] = pa.array([i * 10**15 for i in range(n)], pa.timestamp("ns"))
    pq.write_table(pa.table(columns), tmp_path / "x.parquet", row_group_size=30)
    ingest(by("time", tmp_path / "x.parquet"), tmp_path / "out", size=1)
    assert numbers(tmp_path / "out")["eval"] == set(range(80, 100))


def test_a_row_without_a_time_is_set_aside(tmp_path):
    write(tmp_path, "x.csv", [1, "", "soon", 2, "2014-13-01", "nan"])
    ingest(by("time", tmp_path), tmp_path / "out")
    assert [(row["line"], row["reason"]) for row in quarantine(tmp_path / "out")] == [
        (line, "no time") for line in (3, 4, 6, 7)
    ]


def test_one_time_cannot_split(tmp_path):
    write(tmp_path, "x.csv", [7, 7, 7])
    with pytest.raises(DataError, match="'hour', but there are not two different"):
        ingest(by("time", tmp_path), tmp_path / "out")


def test_many_times_are_thinned_out_and_the_cut_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(times, "_HELD", 500)
    monkeypatch.setattr(times, "_KEPT", 200)
    write(tmp_path, "x.csv", range(5000))
    declared = by("time", tmp_path)
    ingest(declared, tmp_path / "out", size=20_000)
    assert len(numbers(tmp_path / "out")["eval"]) == pytest.approx(1000, abs=25)


def test_rows_of_a_key_stay_together_whatever_else_they_hold(tmp_path):
    write(tmp_path, "x.csv", [f"k{i % 100}" for i in range(1000)])
    ingest(by("key", tmp_path), tmp_path / "out", size=5000)
    found = numbers(tmp_path / "out")
    keys = {split: {i % 100 for i in rows} for split, rows in found.items()}
    assert not keys["train"] & keys["eval"]
    assert len(found["train"] | found["eval"]) == 1000
    assert 10 <= len(keys["eval"]) <= 30


def test_rows_without_a_key_are_spread(tmp_path):
    write(tmp_path, "x.csv", [""] * 1000)
    ingest(by("key", tmp_path), tmp_path / "out")
    assert 150 <= len(numbers(tmp_path / "out")["eval"]) <= 250


def test_a_file_without_the_column_is_named(tmp_path):
    (tmp_path / "x.csv").write_text(HEADER)
    with pytest.raises(DataError, match=r"x\.csv has no column 'hour'"):
        ingest(by("key", tmp_path), tmp_path / "out")


def test_a_feature_may_split(tmp_path):
    write(tmp_path, "x.csv", range(500), users=lambda i: f"u{i % 50}")
    declared = dataset(tmp_path, split={"by": "key", "column": "user"})
    ingest(declared, tmp_path / "out")
    users = [
        {dict(row)["user"] for row in examples(f"{tmp_path}/out/Split-{split}")}
        for split in SHARES
    ]
    assert not users[0] & users[1]
    assert len(users[0] | users[1]) == 50
    assert splits.SPLIT not in dict(examples(f"{tmp_path}/out/Split-train")[0])
