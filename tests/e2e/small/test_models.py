"""Models of the small experiment, compared, served and asked."""

import json
import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf
import tensorflow_transform as tft

from components.example_gen import encoding, reader
from components.serving import signatures
from components.trainer import datasets
from model.base import EmbeddingPrior
from model.config import ModelConfig
from model.deepfm import DeepFM
from pipeline import loading
from schema.contract import vocabulary_sizes
from schema.features import Dataset, embedding_field
from tests.e2e.running import deepfm, reused, started
from tests.e2e.small.log import LOG, ROWS

pytestmark = pytest.mark.pipeline


def test_models_are_compared_on_the_data_of_a_run(place):
    output = place.ask(
        "compare", "--seeds", 2, "--models", "lr, deepfm,gbdt",
        "--set", "training.epochs=8", "--set", "training.calibration=platt",
    )  # fmt: skip
    assert output.returncode == 0, output.stderr
    assert "Transform" in reused(output.stdout)
    assert "Trainer" not in started(output.stdout)
    folder = place.run_folder / "compare"
    result = json.loads((folder / "compare.json").read_text())
    assert set(result["models"]) == {"lr", "deepfm", "gbdt"}
    aucs = {name: model["auc"]["mean"] for name, model in result["models"].items()}
    assert min(aucs["deepfm"], aucs["gbdt"]) > 0.05 + aucs["lr"]  # a pair decides
    for name, model in result["models"].items():
        assert len(model["auc"]["values"]) == 2
        assert 0.0 < model["log_loss"]["mean"] < math.log(2)
        assert model["latency_ms"]["p99"] >= model["latency_ms"]["p50"] > 0.0
        assert re.search(rf"^{name} +{model['auc']['mean']:.4f} ±", output.stdout, re.M)
    assert result["verdict"] in output.stdout
    assert (folder / "compare.png").read_bytes().startswith(b"\x89PNG")


@pytest.fixture(scope="module")
def server(place):
    folder = str(place.versions()[0].parent)
    ports = ["--port", "0", "--rest-port", "0"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pipeline", "serve", folder, *ports],
        stdout=subprocess.PIPE,
        text=True,
    )
    port = re.search(r"port (\d+)", process.stdout.readline())[1]
    yield f"localhost:{port}"
    process.terminate()
    assert process.wait(30) == 0


def test_scores_over_grpc_equal_those_of_the_savedmodel(place, server, tmp_path):
    table = tmp_path / "unlabelled.csv"
    lines = (place.folder / "log.csv").read_text().splitlines()[:500]
    # No label, a column that the model does not know, and values never seen.
    body = [line.split(",", 1)[1] + ",x" for line in lines]
    body += ["new,new,new,new,1e30,-1e30,new|t1|new,x", ",,,,,,,x"]
    table.write_text("\n".join(body) + "\n")
    scores = tmp_path / "scores.csv"
    output = deepfm(
        "score", table, scores, "--target", server, "--model", "small",
        "--config", place.run_folder / "config.yaml",
    )  # fmt: skip
    assert output.returncode == 0, output.stderr
    served = np.loadtxt(scores, skiprows=1)

    dataset = Dataset.model_validate(LOG)
    [batch] = reader.read_batches(str(table), dataset, labelled=False)
    loaded = tf.saved_model.load(str(place.versions()[-1]))
    examples = tf.constant(encoding.encode(batch))
    found = loaded.signatures["serving_default"](examples=examples)
    assert served.shape == (501,)
    np.testing.assert_allclose(served, found["probabilities"][:, 0], atol=1e-6)


def test_served_probabilities_equal_those_of_training(place, tmp_path):
    """The rows that Transform wrote for the Trainer, against the raw rows served."""
    artifacts = place.run_folder / "artifacts"

    def files(component, output):
        folder = min((artifacts / component / output).iterdir())
        return [str(folder / "Split-eval" / "*")]

    graph = min((artifacts / "Transform" / "transform_graph").iterdir())
    transform = tft.TFTransformOutput(str(graph))
    spec = transform.transformed_feature_spec()
    transformed = files("Transform", "transformed_examples")
    [(features, clicks)] = datasets.read(transformed, spec, "click", ROWS)
    paths = sorted(tf.io.gfile.glob(files("ExampleGen", "examples")))
    raw = next(iter(tf.data.TFRecordDataset(paths, "GZIP").batch(ROWS)))
    labels = tf.io.parse_example(raw, {"click": tf.io.FixedLenFeature([1], tf.int64)})
    np.testing.assert_array_equal(clicks, labels["click"])

    lines = vocabulary_sizes(open(graph / "transform_fn" / "assets" / "vocabulary"))
    config = place.run_folder / "config.yaml"
    dataset = loading.load(str(config)).dataset
    fields = [
        embedding_field(name, feature, lines[name])
        for name, feature in dataset.features.items()
    ]
    model = DeepFM(fields, ModelConfig(policy_type="deepfm"), EmbeddingPrior(0.5))
    in_training = tf.sigmoid(model(features))
    assert np.ptp(in_training) > 0.1
    signatures.export(model, transform, dataset, str(tmp_path / "1"))
    served = tf.saved_model.load(str(tmp_path / "1")).signatures["serving_default"]
    probabilities = served(examples=raw)["probabilities"]
    np.testing.assert_allclose(probabilities, in_training, atol=1e-6)


def test_scoring_says_what_is_wrong(place, server, tmp_path):
    score = ["score", place.folder / "log.csv", tmp_path / "scores.csv"]
    config = ["--config", place.config]
    unknown = deepfm(*score, "--target", server, "--model", "huge", *config)
    assert (unknown.returncode, "'huge'" in unknown.stderr) == (2, True)
    unreachable = deepfm(*score, "--target", "localhost:1", "--model", "small", *config)
    assert unreachable.returncode == 5
    assert "no answer from a model server at localhost:1" in unreachable.stderr
    assert not list(Path(tmp_path).iterdir())


def test_a_busy_port_is_said_before_the_model_is_loaded(place, server):
    port = server.rsplit(":", 1)[1]
    output = deepfm("serve", place.versions()[0].parent, "--port", port)
    assert output.returncode == 2
    assert f"port {port} cannot be used" in output.stderr
