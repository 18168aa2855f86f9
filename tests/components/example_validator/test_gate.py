import pytest
import tensorflow_data_validation as tfdv

from components.example_validator import gate
from schema.errors import DataAnomalyError
from tests.components.example_validator.tables import ROWS, SCHEMA, statistics


def write(folder, split, found):
    """Writes what ExampleValidator would."""
    anomalies = tfdv.validate_statistics(found, SCHEMA)
    path = folder / f"Split-{split}"
    path.mkdir()
    (path / "SchemaDiff.pb").write_bytes(anomalies.SerializeToString())


def test_no_anomaly_lets_the_run_go_on(tmp_path):
    found = {"train": statistics()}
    write(tmp_path, "train", found["train"])
    findings = gate.find_anomalies(str(tmp_path), found, SCHEMA)
    assert findings == []
    gate.check(findings, str(tmp_path))


def test_every_finding_and_place_is_named(tmp_path):
    odd = statistics(missing=0.3, prices=[-9.0] * ROWS)
    found = {"train": statistics(), "eval": odd}
    for split, split_statistics in found.items():
        write(tmp_path, split, split_statistics)
    findings = gate.find_anomalies(str(tmp_path), found, SCHEMA)
    with pytest.raises(DataAnomalyError) as error:
        gate.check(findings, str(tmp_path))
    assert error.value.findings == findings
    device, price = findings
    assert "feature 'device' of split 'eval'" in device
    assert "feature 'price' of split 'eval'" in price
    message = str(error.value)
    assert message.startswith("2 anomalies were found, nothing was trained:")
    assert device in message and price in message
    assert str(tmp_path) in message


def test_an_anomaly_without_a_reason_still_stops_the_run(tmp_path):
    found = statistics()
    write(tmp_path, "train", found)
    path = tmp_path / "Split-train" / "SchemaDiff.pb"
    anomalies = tfdv.validate_statistics(found, SCHEMA)
    anomalies.anomaly_info["device"].description = "Odd."
    path.write_bytes(anomalies.SerializeToString())
    [sentence] = gate.find_anomalies(str(tmp_path), {"train": found}, SCHEMA)
    assert sentence.startswith("feature 'device' of split 'train': Odd; mend the data")
