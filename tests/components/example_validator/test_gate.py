import json

import pytest
import tensorflow_data_validation as tfdv
from google.protobuf import text_format
from tensorflow_metadata.proto.v0 import schema_pb2
from tfx.types import artifact_utils, standard_artifacts

from components.example_validator import gate
from schema.errors import DataAnomalyError
from schema.features import Dataset
from tests.components.example_validator.tables import ROWS, SCHEMA, statistics

SHOP = Dataset.model_validate(
    {
        "name": "shop",
        "label": {"column": "click"},
        "features": {"device": {"type": "categorical"}, "price": {"type": "numeric"}},
    }
)
SAMPLED = SHOP.model_validate({**SHOP.model_dump(), "sampling": {"negatives": 0.1}})
LABEL = """
feature {
  name: "click"
  type: INT
  presence { min_fraction: 1 min_count: 1 }
  drift_comparator { jensen_shannon_divergence { threshold: 0.01 } }
  skew_comparator { jensen_shannon_divergence { threshold: 0.01 } }
}
dataset_constraints { min_examples_count: 900 }
"""


def labelled(nth=2, **settings):
    """Statistics of a table in which every nth row is a click."""
    return statistics(click=[int(i % nth == 0) for i in range(ROWS)], **settings)


class Gate:
    """The component, over artifacts such as those before it write."""

    def __init__(self, folder):
        self.folder = folder
        self.accepted = None
        self._count = 0
        schema = schema_pb2.Schema()
        schema.CopyFrom(SCHEMA)
        text_format.Merge(LABEL, schema)
        (folder / "schema").mkdir()
        (folder / "schema" / "schema.pbtxt").write_text(str(schema))
        self.rules = schema

    def run(self, found=None, dataset=SHOP, serving=None, **earlier):
        found = found or labelled()
        splits = found if isinstance(found, dict) else {"train": found, "eval": found}
        statistics = self._artifact(standard_artifacts.ExampleStatistics, splits)
        anomalies = self._artifact(standard_artifacts.ExampleAnomalies, splits)
        accepted = self._artifact(standard_artifacts.ExampleStatistics, {})
        schema = standard_artifacts.Schema()
        schema.uri = str(self.folder / "schema")
        more = {}
        if serving:
            more["serving"] = self._artifact(
                standard_artifacts.ExampleStatistics, {"serving": serving}
            )
        more["earlier"] = [
            self._artifact(standard_artifacts.ExampleStatistics, {"train": found})
            for found in earlier.values()
        ]
        if self.accepted:
            more["previous"] = self.accepted
        gate.AnomalyGate.test_call(
            anomalies=anomalies, statistics=statistics, schema=schema,
            accepted=accepted, dataset=dataset.model_dump_json(),
            earlier_spans=json.dumps(list(earlier)), **more,
        )  # fmt: skip
        self.accepted = accepted

    def findings(self, *args, **settings):
        try:
            self.run(*args, **settings)
        except DataAnomalyError as error:
            return error.findings
        return []

    def _artifact(self, kind, splits):
        artifact = kind()
        self._count += 1
        artifact.uri = str(self.folder / f"{self._count}")
        artifact.split_names = artifact_utils.encode_split_names(list(splits))
        for split, found in splits.items():
            if kind is standard_artifacts.ExampleAnomalies:
                name, found = (
                    "SchemaDiff.pb",
                    tfdv.validate_statistics(found, self.rules),
                )
            else:
                name = "FeatureStats.pb"
            path = self.folder / f"{self._count}" / f"Split-{split}"
            path.mkdir(parents=True)
            (path / name).write_bytes(found.SerializeToString())
        return artifact


@pytest.fixture
def shop(tmp_path):
    return Gate(tmp_path)


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


def test_a_run_is_compared_with_the_last_one_that_passed(shop):
    shop.run()
    [sentence] = shop.findings(labelled(tv=0.5))
    assert sentence.startswith("feature 'device' of split 'train'")
    assert shop.findings(labelled(tv=0.25)) == []


def test_what_sampling_does_to_the_label_is_no_drift(shop):
    shop.run(labelled(nth=9))
    assert shop.findings(labelled(), SAMPLED) == []
    [sentence] = shop.findings(labelled(nth=9), SAMPLED)  # as before, but for clicks
    assert "feature 'click' of split 'train'" in sentence
    assert shop.findings(labelled(nth=9)) == []


def test_requests_need_no_label_and_no_number_of_rows(shop):
    few = statistics(tv=0.25)
    few.datasets[0].num_examples = 800
    assert shop.findings(serving=few) == []


def test_requests_that_differ_stop_the_run(shop):
    new, skewed = shop.findings(serving=statistics(tv=0.5, new=0.06))
    assert new.startswith("feature 'device' of the serving data: 6.00% of the values")
    assert skewed.startswith("feature 'device' of split 'train': the share of")
    assert shop.accepted is None  # nothing that a later run could be compared with


def test_requests_are_compared_with_rows_that_sampling_left_whole(shop):
    splits = {"train": labelled(tv=0.5), "eval": labelled(tv=0.2)}
    requests = statistics(tv=0.2)
    [sentence] = shop.findings(splits, serving=requests)
    assert "split 'train'" in sentence
    assert shop.findings(splits, SAMPLED, serving=requests) == []


def test_every_span_of_the_window_is_held_against_the_schema(shop):
    [sentence] = shop.findings(Monday=labelled(missing=0.5), Tuesday=labelled())
    assert sentence.startswith("feature 'device' of split 'train' of span Monday: 50.0")
