import pytest
import tensorflow as tf
from tfx.components.example_gen import utils
from tfx.proto import example_gen_pb2, range_config_pb2

from components.example_gen import reader, sources, spans
from schema.errors import ConfigError, DataError
from tests.components.example_gen.tables import HEADER, dataset

ROW = "1,u,a,s,d,1,2\n"


def write(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(HEADER + ROW)


def found(path, file=None, **settings):
    return sources.find_spans(dataset(path, file, **settings))


def by_tfx(folder, pattern, number=None):
    """Returns latest span, its version and its pattern, as TFX finds them."""
    split = example_gen_pb2.Input.Split(name="all", pattern=pattern)
    static = range_config_pb2.StaticRange(
        start_span_number=number or 0, end_span_number=number or 0
    )
    only = range_config_pb2.RangeConfig(static_range=static)
    _, span, version = utils.calculate_splits_fingerprint_span_and_version(
        str(folder), [split], only if number is not None else None
    )
    return span, version, split.pattern


@pytest.mark.parametrize(
    ("pattern", "files"),
    [
        ("day-{SPAN}.csv", ["day-0.csv", "day-9.csv", "day-10.csv"]),
        ("{SPAN:3}/*.csv", ["007/b.csv", "007/a.csv", "006/a.csv"]),
        ("{YYYY}-{MM}-{DD}/x.csv", ["2024-02-28/x.csv", "2024-02-29/x.csv"]),
        ("{DD}{MM}{YYYY}.csv", ["31122023.csv", "01012024.csv"]),
        ("{SPAN}/v{VERSION}/?.csv", ["3/v2/a.csv", "3/v10/a.csv", "2/v11/a.csv"]),
        ("{VERSION:2}/{YYYY}/{MM}/{DD}", ["01/1970/01/02", "02/1970/01/01"]),
        ("[ab]{SPAN}.csv", ["a1.csv", "b1.csv"]),
    ],
)
def test_spans_are_those_that_tfx_finds(tmp_path, pattern, files):
    write(tmp_path, *files)
    [latest] = found(tmp_path / pattern)
    span, version, filled = by_tfx(tmp_path, pattern)
    assert (latest.number, latest.version) == (span, version)
    assert list(latest.files) == sources.expand(str(tmp_path), filled)
    for one in found(tmp_path / pattern, window=1000):
        expected = (one.number, one.version, spans.fill(pattern, one))
        assert by_tfx(tmp_path, pattern, one.number) == expected


def test_the_window_ends_with_the_latest_span_and_may_have_holes(tmp_path):
    write(tmp_path, *(f"{n}/{part}.csv" for n in (1, 2, 3, 5) for part in "ab"))
    for path, file in (
        (tmp_path / "{SPAN}", {}),  # folders, of which file.pattern is read
        (tmp_path / "{SPAN}" / "*.csv", {}),
        (tmp_path, {"pattern": "{SPAN}/*.csv"}),
    ):
        window = found(path, file, window=3)
        assert [span.number for span in window] == [3, 5]
        files = sources.find_files(dataset(path, file, window=3))
        assert files == [
            str(tmp_path / f"{n}/{part}.csv") for n in "35" for part in "ab"
        ]
    assert [s.number for s in found(tmp_path / "{SPAN}")] == [5]


def test_the_first_rows_of_the_window_are_looked_at(tmp_path):
    write(tmp_path, "1.csv", "3.csv")
    (tmp_path / "2.csv").write_text(HEADER.replace("price", "prize") + ROW)
    reader.check_first_rows(dataset(tmp_path / "{SPAN}.csv"))
    with pytest.raises(DataError, match=r"2\.csv has no column 'price'"):
        reader.check_first_rows(dataset(tmp_path / "{SPAN}.csv", window=2))


def test_the_folder_above_marks_and_globs():
    assert spans.cut("/logs/a b/{SPAN}/x.csv") == ("/logs/a b", "{SPAN}/x.csv")
    assert spans.cut("/logs/*/{SPAN}.csv") == ("/logs", "*/{SPAN}.csv")
    assert spans.cut("/{SPAN}/*.csv") == ("/", "{SPAN}/*.csv")
    assert spans.cut("{SPAN}.csv") == ("", "{SPAN}.csv")
    assert spans.cut("gs://logs/day={SPAN}/x") == ("gs://logs", "day={SPAN}/x")


def test_spans_of_a_remote_folder_and_of_this_one(tmp_path, monkeypatch):
    for number in (1, 2):
        with tf.io.gfile.GFile(f"ram://{tmp_path.name}/{number}/x.csv", "w") as file:
            file.write(HEADER + ROW)
    window = found(f"ram://{tmp_path.name}/{{SPAN}}", window=2)
    assert [span.number for span in window] == [1, 2]
    assert window[0].files == (f"ram://{tmp_path.name}/1/x.csv",)
    write(tmp_path, "7.csv")
    monkeypatch.chdir(tmp_path)
    assert found("{SPAN}.csv")[0].files == ("7.csv",)


def test_names():
    assert spans.name("{YYYY}-{MM}-{DD}.csv", 19782) == "2024-02-29"
    assert spans.name("{SPAN}.csv", 19782) == "19782"


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("{SPAN}/{YYYY}.csv", r"dataset\.path: .* has {SPAN} and {YYYY} both"),
        ("{SPAN}/{SPAN}.csv", r"dataset\.path: .* {SPAN} more than once"),
        ("{YYYY}-{DD}.csv", r"dataset\.path: .* has {YYYY}, but lacks {MM}"),
        ("v{VERSION}.csv", r"dataset\.path: .* has {VERSION}, but no span"),
        ("{SPAN:x}.csv", r"dataset\.path: .* a width in digits"),
    ],
)
def test_marks_that_say_no_span_are_refused(tmp_path, pattern, message):
    with pytest.raises(ConfigError, match=message):
        found(tmp_path / pattern)


def test_a_window_needs_spans(tmp_path):
    write(tmp_path, "log.csv")
    for path in (tmp_path, tmp_path / "log.csv"):
        with pytest.raises(ConfigError, match=r"dataset\.window: 3 spans are wanted"):
            sources.find_files(dataset(path, window=3))


def test_no_span(tmp_path):
    with pytest.raises(
        DataError, match=r"holds no span: .*'{SPAN}/\*\.csv' \(dataset\.path"
    ):
        found(tmp_path / "{SPAN}")
    with pytest.raises(DataError, match=r"no span: .*\(dataset\.file\.pattern"):
        found(tmp_path, {"pattern": "{YYYY}-{MM}-{DD}.csv"})


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        ("{SPAN}.csv", "old.csv"),
        ("{SPAN}.csv", "07.csv"),
        ("{SPAN:2}.csv", "123.csv"),
        ("{YYYY}{MM}{DD}.csv", "20240230.csv"),
        ("{SPAN}-{VERSION}.csv", "1-x.csv"),
    ],
)
def test_a_file_without_a_number_is_not_left_out_in_silence(tmp_path, pattern, name):
    write(tmp_path, name)
    with pytest.raises(DataError, match=f"{name} fits .* has no number or date"):
        found(tmp_path / pattern)
