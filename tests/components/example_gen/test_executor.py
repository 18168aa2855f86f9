import pytest
import tensorflow as tf

from components.example_gen import executor
from schema.errors import DataError
from schema.features import Dataset
from tests.conftest import SMALL

HEADER = "click,user,ad,site,device,price,age\n"
SHARES = {"train": 800, "eval": 200}


def lines(n, label=lambda i: i % 2):
    return [f"{label(i)},u{i},a{i % 5},s,d,{i},\n" for i in range(n)]


def write_splits(tmp_path, texts, name="out"):
    dataset = Dataset.model_validate({**SMALL, "path": str(tmp_path)})
    files = []
    for i, text in enumerate(texts):
        (tmp_path / f"{i}.csv").write_text(HEADER + "".join(text))
        files.append(str(tmp_path / f"{i}.csv"))
    folders = {split: str(tmp_path / name / split) for split in SHARES}
    return executor.write_splits(files, dataset, SHARES, folders), dataset, folders


def users(folder):
    records = tf.data.TFRecordDataset(tf.io.gfile.glob(f"{folder}/*"), "GZIP")
    examples = [tf.train.Example.FromString(r.numpy()) for r in records]
    return {e.features.feature["user"].bytes_list.value[0].decode() for e in examples}


def test_every_row_lands_in_one_split_and_stays_there(tmp_path):
    splits, _, folders = write_splits(tmp_path, [lines(1000)])
    train, evaluation = users(folders["train"]), users(folders["eval"])
    assert len(train) + len(evaluation) == 1000
    assert not train & evaluation
    assert 150 <= splits[1].rows <= 250
    # The same rows in other files, in another order.
    _, _, again = write_splits(tmp_path, [lines(1000)[::-1][:400], lines(600)], "again")
    assert users(again["eval"]) == evaluation


def test_a_missing_value_is_an_absent_feature(tmp_path):
    _, _, folders = write_splits(tmp_path, [lines(20)])
    [record] = tf.data.TFRecordDataset(
        tf.io.gfile.glob(f"{folders['train']}/*"), "GZIP"
    ).take(1)
    feature = tf.train.Example.FromString(record.numpy()).features.feature
    assert not feature["age"].WhichOneof("kind")
    assert feature["click"].int64_list.value[0] in (0, 1)


def test_one_class_is_refused(tmp_path):
    splits, dataset, _ = write_splits(tmp_path, [lines(100, lambda i: 1)])
    with pytest.raises(
        DataError, match=r"all .* rows of the 'train' split have the lab"
    ):
        executor.check_splits(splits, dataset)


def test_a_column_of_missing_values_is_refused(tmp_path):
    splits, dataset, _ = write_splits(tmp_path, [lines(100)])
    with pytest.raises(DataError, match=r"column 'age': every value .* is missing"):
        executor.check_splits(splits, dataset)


def test_too_few_rows_are_refused(tmp_path):
    splits, dataset, _ = write_splits(tmp_path, [lines(1)])
    with pytest.raises(DataError, match="no row fell into the"):
        executor.check_splits(splits, dataset)
