import pytest
from tensorflow_metadata.proto.v0 import anomalies_pb2

from components.example_validator import gate
from schema.errors import DataAnomalyError


def write(tmp_path, split, **descriptions):
    found = anomalies_pb2.Anomalies()
    for feature, description in descriptions.items():
        found.anomaly_info[feature].description = description
    folder = tmp_path / f"Split-{split}"
    folder.mkdir()
    (folder / "SchemaDiff.pb").write_bytes(found.SerializeToString())


def test_no_anomaly_lets_the_run_go_on(tmp_path):
    write(tmp_path, "train")
    assert gate.find_anomalies(str(tmp_path), ["train"]) == []


def test_feature_anomaly_and_place_are_named(tmp_path):
    write(tmp_path, "train")
    write(tmp_path, "eval", age="Values below 0.", sex="Unexpected values.")
    with pytest.raises(DataAnomalyError) as error:
        gate.check_anomalies(str(tmp_path), ["train", "eval"])
    message = str(error.value)
    assert "feature 'age' of split 'eval': Values below 0." in message
    assert "'sex'" in message
    assert str(tmp_path) in message
