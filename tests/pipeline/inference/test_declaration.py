"""From a table to a declaration that loads, and that the reader can follow."""

import gzip
import io
import random
import re
from pathlib import Path

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from components.example_gen import click_log, reader
from pipeline import loading
from pipeline.inference import declaration
from pipeline.inference.start import Hints
from schema.errors import ConfigError, DataError

# Real samples; not everywhere, and not needed.
SHARED = Path(__file__).parents[4] / "shared" / "data"
SHOP = "".join(
    f"{i},{int(i % 4 == 0)},u{i % 40},{i % 7},{i * i % 997}.5,{'?' if i % 9 else ''}x,"
    f"{'a|b' if i % 2 else 'b|c|d'},2024-01-{1 + i % 28:02},web\n"
    for i in range(200)
)
HEADER = "row,click,user_id,weekday,price,note,tags,day,source\n"


def load(path, text):
    """Returns the declaration as an experiment beside it loads it."""
    (path / "mine.yaml").write_text(text, encoding="utf-8")
    experiment = path / "experiment.yaml"
    experiment.write_text(
        "dataset: mine.yaml\npolicy_configs: {scoring_policy: {policy_type: deepfm}}\n"
    )
    return loading.load(str(experiment)).dataset


def infer(folder, data, **hints):
    text = declaration.infer(str(data), Hints(**hints))
    return load(folder, text), text


def read(dataset):
    batches = reader.read_batches(dataset.path, dataset)
    return [row for batch in batches for row in batch.to_pylist()]


@pytest.fixture
def shop(tmp_path):
    path = tmp_path / "shop.csv"
    path.write_text(HEADER + SHOP)
    return path


def test_each_column_gets_its_treatment(tmp_path, shop):
    dataset, text = infer(tmp_path, shop)
    found = {
        n: f.model_dump(exclude_defaults=True) for n, f in dataset.features.items()
    }
    assert found == {
        "user_id": {"type": "categorical"},
        "weekday": {"type": "categorical"},
        "price": {"type": "numeric"},
        "note": {"type": "categorical"},
        "tags": {"type": "categorical", "separator": "|"},
    }
    assert (dataset.name, dataset.path) == ("shop", str(shop))
    assert (dataset.label.column, dataset.label.positive) == ("click", None)
    assert "user_id: {type: categorical, min_count: 5}  # 40 values in 200 row" in text
    assert "'row' is left out: nearly every row has its own value" in text
    assert "'day' is left out: a time" in text
    assert "'source' is left out: all rows have 'web'" in text
    assert "column: click  # 25 % of the rows are 1" in text
    assert "200 rows: all rows were looked at" in text


def test_the_reader_follows_it(tmp_path, shop):
    rows = read(infer(tmp_path, shop)[0])
    assert len(rows) == 200
    assert (rows[1]["click"], rows[1]["price"], rows[2]["tags"]) == (0, 1.5, [*"bcd"])


@pytest.mark.parametrize("delimiter", ["\t", ";", "|"])
def test_delimiters_are_found_out(tmp_path, delimiter):
    path = tmp_path / "log.tsv.gz"
    text = (HEADER + SHOP).replace("|", "/").replace(",", delimiter)
    path.write_bytes(gzip.compress(text.encode()))
    dataset, _ = infer(tmp_path, path)
    assert (dataset.file.delimiter, dataset.file.pattern) == (delimiter, "*.tsv.gz")
    assert len(read(dataset)) == 200


def test_a_file_without_header_gets_names(tmp_path):
    path = tmp_path / "log.txt"
    path.write_text(SHOP)
    with pytest.raises(
        ConfigError, match=r"label.*0 and 1 are in 'column_2'.*--columns"
    ):
        infer(tmp_path, path)
    dataset, _ = infer(tmp_path, path, columns=tuple(HEADER.strip().split(",")))
    assert (dataset.file.header, dataset.label.column) == (False, "click")
    assert len(read(dataset)) == 200
    dataset, _ = infer(tmp_path, path, label="column_2")
    assert dataset.file.columns[-1] == "column_9"


def test_null_tokens_are_found(tmp_path):
    path = tmp_path / "log.csv"
    rows = [f"{i % 2},{i * 1.5},{'abc'[i % 3]},{'DE'}" for i in range(90)]
    rows += ["1,NA,?,NA", "0,\\N,a,FR"]
    path.write_text("\n".join(["click,price,site,country", *rows]))
    dataset, text = infer(tmp_path, path)
    assert set(dataset.file.null_tokens) == {"", "?", "\\N", "NA"}
    path.write_text("\n".join(["click,site,country", "1,a,NA", "0,b,FR", "1,a,-"]))
    dataset, text = infer(tmp_path, path)
    # NA is Namibia, unless it stands among numbers.
    assert dataset.file.null_tokens == ("",)
    assert "'NA' in 'country' was taken for a value" in text


def test_a_label_of_two_words(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("income,sex\n" + "low,f\nhigh,m\nlow,m\n" * 9)
    dataset, text = infer(tmp_path, path, label="income")
    assert dataset.label.positive == ("high",)
    assert "33 % of the rows are 1; a guess" in text
    dataset, text = infer(tmp_path, path, label="income", positive=("low",))
    assert "67 % of the rows are 1\n" in text


def test_other_labels_are_left_out(tmp_path):
    path = tmp_path / "log.csv"
    path.write_text("purchase,click,site\n1,1,a\n0,0,b\n0,1,a\n")
    dataset, text = infer(tmp_path, path)
    assert dataset.label.column == "click"
    assert "'purchase' is left out: named like a label" in text


def test_a_folder_is_read_as_one_table(tmp_path):
    for i in range(9):
        (tmp_path / f"part{i}.csv").write_text(f"click,site\n0,s{i}\n1,s{i}\n")
    (tmp_path / "_SUCCESS").touch()
    dataset, text = infer(tmp_path, tmp_path)
    assert (dataset.path, dataset.file.pattern) == (str(tmp_path), "*.csv")
    assert "8 rows: the first 8 MiB of 4 of 9 files were looked at" in text


def test_parquet(tmp_path):
    path = tmp_path / "log.parquet"
    columns = {
        "click": pa.array([True, False] * 50),
        "user": pa.array([f"u{i % 9}" for i in range(100)]).dictionary_encode(),
        "price": pa.array([None if i % 5 else i / 7 for i in range(100)]),
        "tags": pa.array([["a", "b"], ["c"]] * 50),
        "seen": pa.array(range(100), pa.timestamp("s")),
        "box": pa.array([{"x": 1}] * 100),
    }
    pyarrow.parquet.write_table(pa.table(columns), path)
    dataset, text = infer(tmp_path, path)
    assert dataset.label.positive == ("true",)
    assert list(dataset.features) == ["user", "price", "tags"]
    assert dataset.features["tags"].separator
    assert "price: {type: numeric}  # numbers, 0 to 13.57, 80 % missing" in text
    assert "'box' is left out: cells of type 'struct<x: int64>'" in text


def test_what_the_project_knows_is_said(tmp_path):
    plan = click_log.load_plan()
    table, _ = click_log.draw({**plan, "rows": 3000})
    pyarrow.csv.write_csv(table, tmp_path / "clicks.csv")
    dataset, text = infer(tmp_path, tmp_path / "clicks.csv")
    assert "as dataset: generated." in text
    known = loading.load(str(Path(loading.__file__).parent / "configs/generated.yaml"))
    types = {name: f.type for name, f in known.dataset.features.items()}
    assert {name: f.type for name, f in dataset.features.items()} == types
    assert len(read(dataset)) == 3000


@pytest.mark.parametrize(
    ("path", "hints", "numeric"),
    [
        ("adult/adult.data", {"label": "column_15"}, {1, 3, 11, 12, 13}),
        ("criteo_sample/train.tsv", {"label": "column_1"}, {*range(2, 15)} - {11, 13}),
    ],
)
def test_real_logs(tmp_path, path, hints, numeric):
    if not (SHARED / path).is_file():
        pytest.skip(f"{SHARED / path} is not here")
    dataset, text = infer(tmp_path, SHARED / path, **hints)
    assert set(dataset.numeric()) == {f"column_{i}" for i in numeric}
    assert f"as dataset: {path.partition('/')[0].partition('_')[0]}" in text
    assert len(read(dataset)) > 7000


@pytest.mark.parametrize(
    ("content", "hints", "message"),
    [
        ("", {}, "is empty"),
        ("\n", {}, "no row of data"),
        ("\nclick,a\n", {}, "line 1, is empty"),
        ("click,a\n", {}, "no row of data"),
        ("just text\nand more\n", {}, "nothing cuts its lines into columns"),
        ("click,a,a\n1,x,y\n", {}, "names 'a' twice"),
        ("click,a\n1,x,y\n2,3,4\n", {}, "most rows have not 2 columns"),
        ("click,a\n1,x\n1,x\n0,x\n", {}, "can be a feature.*'a' is left out"),
        (
            "clack,a\n1,x\n0,y\n",
            {},
            "which column is the label.*0 and 1 are in 'clack'",
        ),
        ("clack,a\n1,x\n0,y\n", {"label": "click"}, "did you mean 'clack'"),
        ("stars,a\n1,x\n2,y\n3,z\n", {"label": "stars"}, "3 values, '1', '2', '3'"),
        ("a b,c\n1,x\n0,y\n", {"label": "a b"}, "is not letters, digits"),
        ("click,a\n1,x\n0,y\n", {"positive": ("yes",)}, "has none of 'yes'"),
        ("click,a\n1,x\n0,y\n", {"columns": ("c",)}, "1 names, but .* has 2 columns"),
        ("PAR1", {}, "cannot be read as Parquet"),
        ("\x1f\x8b", {}, "cannot be read"),
        ("a\0b", {}, "is a binary file"),
    ],
)
def test_mistakes_end_in_a_sentence(tmp_path, content, hints, message):
    path = tmp_path / "log.csv"
    path.write_text(content, encoding="latin-1")
    with pytest.raises((DataError, ConfigError), match=message) as error:
        infer(tmp_path, path, **hints)
    assert str(path) in str(error.value)
    assert "\n" not in str(error.value)


def test_folders_that_hold_no_one_table(tmp_path):
    with pytest.raises(DataError, match="does not exist"):
        infer(tmp_path, tmp_path / "nowhere")
    data = tmp_path / "data"
    data.mkdir()
    with pytest.raises(DataError, match=r"no file that ends in \.csv"):
        infer(tmp_path, data)
    (data / "a.csv").write_text("click,a\n1,x\n0,y\n")
    (data / "b.csv").write_text("click,b\n1,x\n0,y\n")
    with pytest.raises(DataError, match=r"b\.csv has other columns .* 'b' in place of"):
        infer(tmp_path, data)
    (data / "b.csv").rename(data / "b.tsv")
    with pytest.raises(DataError, match=r"several kinds.*1 of \*\.csv.*--pattern"):
        infer(tmp_path, data)
    assert infer(tmp_path, data, pattern="a*")[0].file.pattern == "a*"
    with pytest.raises(ConfigError, match=r"no file in .* matches 'z\*'"):
        infer(tmp_path, data, pattern="z*")


@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_row_too_many_is_said_and_passed_over(tmp_path, ending):
    path = tmp_path / "log.csv"
    path.write_bytes(
        ending.join(["click,a", *["1,x", "0,y"] * 9, "1,2,3", ""]).encode()
    )
    _, text = infer(tmp_path, path)
    assert re.search(r"# 1 rows of .* have not 2 columns", text)


CELLS = st.one_of(
    st.sampled_from(
        ["", "0", "1", "?", "NA", "1.5", "-2", "1e400", "inf", "nan", "a|b"]
    ),
    st.text(max_size=6).filter(lambda text: text.isprintable()),
    st.integers().map(str),
    st.floats().map(str),
)
NAMES = st.one_of(
    st.sampled_from(["click", "y", "null", "yes", "user_id", "a b", "1", ""]),
    st.text(max_size=8).filter(str.isprintable),
)


@settings(
    max_examples=150, deadline=None, suppress_health_check=[*HealthCheck]
)  # fmt: skip
@given(
    names=st.lists(NAMES, min_size=1, max_size=5),
    rows=st.integers(0, 60),
    pool=st.lists(CELLS, min_size=1, max_size=12),
    seed=st.integers(0, 9),
    labelled=st.booleans(),
    header=st.booleans(),
)
def test_any_table_is_declared_or_refused(
    tmp_path, names, rows, pool, seed, labelled, header
):
    chosen = random.Random(seed)
    cells = [[chosen.choice(pool) for _ in names] for _ in range(rows)]
    if labelled:
        names = ["click", *names]
        cells = [[chosen.choice("01"), *row] for row in cells]
    table = [names, *cells] if header else cells
    text = "".join(",".join(_quoted(cell) for cell in row) + "\n" for row in table)
    path = tmp_path / "log.csv"
    path.write_text(text, encoding="utf-8")
    try:
        dataset, _ = infer(tmp_path, path)
    except (DataError, ConfigError) as error:
        assert str(error).isprintable()
        return
    assert len(read(dataset)) <= rows


def _quoted(cell: str) -> str:
    return '"' + cell.replace('"', '""') + '"'


def test_unreadable_bytes_are_an_error_of_the_users(tmp_path):
    chosen = random.Random(0)
    for _ in range(50):
        path = tmp_path / "noise.csv"
        path.write_bytes(chosen.randbytes(200))
        with pytest.raises((DataError, ConfigError)):
            infer(tmp_path, path)


def test_comments_and_values_survive_yaml(tmp_path):
    path = tmp_path / "Ünïcode 1.csv"
    odd = ["a: b", "#x", "'", '"', "\u2028", "\x85", "日本", "{", "*", "yes"]
    table = io.StringIO()
    table.write("click,null,yes,on\n")
    for i in range(200):
        table.write(f'{i % 2},"{odd[i % 10].replace(chr(34), "")}",x{i % 3},{i % 5}\n')
    path.write_text(table.getvalue(), encoding="utf-8")
    dataset, text = infer(tmp_path, path)
    assert list(dataset.features) == ["null", "yes", "on"]
    assert yaml.safe_load(text)["name"] == dataset.name == "n_code_1"
