"""Exports models behind transforms that are fitted in memory, for tests of serving."""

import dataclasses

import keras
import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components.serving import columns, definitions, signatures
from components.trainer import training
from components.trainer.config import TrainConfig
from components.trainer.datasets import TransformedSplits
from model.base import CTRModel
from model.config import ModelConfig
from pipeline import loading
from schema.features import Categorical, Dataset
from tests import fitting
from tests.conftest import SMALL
from tests.gradients import randomise
from tests.tagged import TAGGED

CONTEXTS = {
    "tagged": ["price", "tags", "user", "shops"],
    "small": ["user", "device", "age"],
}
_NUMBERS = [0.0, 1.0, -2.5, 7.0, 30.0, 1e4]


@dataclasses.dataclass(frozen=True)
class Exported:
    """A model in memory, and its SavedModel."""

    dataset: Dataset
    transform: tft.TFTransformOutput
    model: CTRModel
    folder: str

    def __post_init__(self):
        object.__setattr__(self, "_loaded", tf.saved_model.load(self.folder))
        object.__setattr__(self, "definitions", definitions.read(self.folder))

    def call(self, signature, inputs):
        """Returns what a signature answers; defaults fill in, as a server does."""
        filled = {
            name: tf.make_ndarray(value)
            for name, value in self.definitions[signature].defaults.items()
        } | inputs
        names = columns.arguments(self.dataset.features)
        found = self._loaded.signatures[signature](
            **{names.get(n, n): tf.constant(v) for n, v in filled.items()}
        )
        return {name: value.numpy() for name, value in found.items()}

    def in_memory(self, rows):
        """Returns the trained model's logits for raw rows, (B, 1)."""
        raw = fitting.raw(self.dataset, rows)
        features = self.transform.transform_features_layer()(raw)
        features.pop(self.dataset.label.column)
        return np.array(self.model(features, training=False))


def declared(name):
    """Returns `small` or `tagged`, with a context, or a known dataset."""
    if name not in CONTEXTS:
        return loading.load(f"pipeline/configs/{name}.yaml").dataset
    price = {"type": "numeric", "buckets": 4, "scale": "log_z_score"}
    raw = SMALL if name == "small" else TAGGED
    features = raw["features"] | {"price": price}  # raw numbers are for lr
    settings = raw | {"context": CONTEXTS[name], "features": features}
    return Dataset.model_validate(settings)


def draw(dataset, count, seed=0):
    """Returns raw rows drawn by lot: known, unseen, empty and missing values."""
    rng = np.random.default_rng(seed)

    def cell(feature):
        if not isinstance(feature, Categorical):
            return [float(rng.choice(_NUMBERS))] if rng.random() < 0.9 else []
        several = feature.max_values + 1 if feature.separator else 1
        words = [f"w{rng.integers(12)}" for _ in range(rng.integers(several + 1))]
        return words if rng.random() < 0.9 else [""]

    features = dataset.features.items()
    return [
        {name: cell(feature) for name, feature in features}
        | {dataset.label.column: [int(rng.integers(2))]}
        for _ in range(count)
    ]


def untrained(dataset, transform, features, **policy):
    """Returns a small model, built on transformed rows, with random weights."""
    fields = TransformedSplits(dataset, transform, [], []).fields
    settings = {"policy_type": "deepfm", "embedding_dim": 8, **policy}
    model = training.build(fields, ModelConfig(**settings), TrainConfig(), 1000)
    keras.utils.set_random_seed(5)
    model(features)
    randomise(model, scale=0.1)
    return model


def export(dataset, folder, storage="float32", curve=None, **policy):
    """Fits a transform, makes a model and exports both."""
    rows = draw(dataset, 200)
    transform = fitting.fit(dataset, rows)
    features = transform.transform_features_layer()(fitting.raw(dataset, rows[:2]))
    model = untrained(dataset, transform, features, **policy)
    model.compile("adam", "mse")  # as a trained model is
    model.optimizer.build(model.trainable_variables)
    model.store_embeddings_as(storage)
    if curve:
        model.correct_by(curve)
    signatures.export(model, transform, dataset, str(folder))
    return Exported(dataset, transform, model, str(folder))


def to_examples(dataset, rows):
    """Returns serialized tf.Examples of raw rows, without label."""
    return [
        tf.train.Example(
            features={
                "feature": {
                    name: fitting.feature(row[name])
                    for name in dataset.features
                    if len(row[name])
                }
            }
        ).SerializeToString()
        for row in rows
    ]


def to_columns(dataset, rows):
    """Returns raw rows as a dense array per feature."""
    found = {}
    for name, feature in dataset.features.items():
        values = [row[name] for row in rows]
        if not isinstance(feature, Categorical):
            numbers = [(v or [np.nan])[0] for v in values]
            found[name] = np.array(numbers, np.float32)
        elif feature.separator:
            width = max(map(len, values), default=0)
            padded = [v + [""] * (width - len(v)) for v in values]
            texts = np.array(padded, np.object_)
            found[name] = texts.reshape(len(rows), width)
        else:
            found[name] = np.array([(v or [""])[0] for v in values], np.object_)
    return found


def sigmoid(logits):
    """Returns probabilities, in float64."""
    return 1.0 / (1.0 + np.exp(-logits.astype(np.float64)))


def in_one_context(dataset, rows):
    """Returns the rows, all with the first one's context."""
    shared = {name: rows[0][name] for name in dataset.context}
    return [row | shared for row in rows]


def assert_equal(found, expected):
    """A tower sums in another order for another batch: 1e-6 is what float32 has."""
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-6)
