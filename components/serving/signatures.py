"""Writes a trained model as a SavedModel that takes raw features.

Transform's graph and the model travel as one, so that serving transforms a raw record
exactly as training did.
"""

import tensorflow as tf
import tensorflow_transform as tft

from components.serving import columns, definitions, warmup
from components.serving.columns import Columns
from components.serving.transform_graph import TransformGraph
from model.base import CTRModel
from schema import contract
from schema.features import Dataset

Outputs = dict[str, tf.Tensor]


class ServedModel(tf.Module):
    """A model behind its transform graph, asked in every way of `schema.contract`."""

    def __init__(
        self, model: CTRModel, transform: tft.TFTransformOutput, dataset: Dataset
    ) -> None:
        super().__init__()
        # The weights alone: a Keras model would bring its optimizer's state along.
        self._weights = [variable.value for variable in model.variables]
        self._logits = lambda features: model(features, training=False)
        self._embeddings = model.field_embeddings
        self._transform = TransformGraph(transform, dataset)
        spec = transform.raw_feature_spec()
        # Whoever asks for a score does not know the label.
        self._raw_feature_spec = {name: spec[name] for name in dataset.features}
        self._dataset = dataset
        # Functions, so that all signatures that need one share its graph: a server
        # holds up requests for as long as it imports the graph of a new version.
        examples = [tf.TensorSpec([None], tf.string, name=contract.EXAMPLES)]
        table = [columns.specs(dataset), tf.TensorSpec([], tf.int64)]
        self._transformed = tf.function(self._transform_examples, examples)
        self._scored = tf.function(self._score_examples, examples)
        self._scored_columns = tf.function(self._score_columns, table)

    def signatures(self) -> dict[str, tf.types.experimental.GenericFunction]:
        """Returns the signatures by name."""
        by_examples = {
            contract.SERVING_DEFAULT: (contract.EXAMPLES, self.predict),
            contract.PREDICT: (contract.EXAMPLES, self.predict),
            contract.CLASSIFICATION: (contract.INPUTS, self.classify),
            contract.REGRESSION: (contract.INPUTS, self.regress),
            contract.TRANSFORM_FEATURES: (contract.EXAMPLES, self.transform),
            contract.EMBEDDINGS: (contract.EXAMPLES, self.embed),
        }
        by_columns = {
            contract.PREDICT_COLUMNS: self.predict_columns,
            contract.RANK: self.rank,
        }
        specs = columns.specs(self._dataset)
        return {
            name: tf.function(
                method, input_signature=[tf.TensorSpec([None], tf.string, name=key)]
            )
            for name, (key, method) in by_examples.items()
        } | {
            name: tf.function(method, input_signature=[specs])
            for name, method in by_columns.items()
        }

    def transform(self, examples: tf.Tensor) -> Outputs:
        """Returns what the model is given of serialized tf.Examples, (B,).

        An absent feature is missing: its declared default, or its own id, stands in. A
        feature that the model does not know is ignored.
        """
        return self._transformed(examples)

    def predict(self, examples: tf.Tensor) -> Outputs:
        """Scores serialized tf.Examples of raw features, (B,)."""
        return {contract.PROBABILITIES: self._probabilities(examples)}

    def classify(self, examples: tf.Tensor) -> Outputs:
        """Returns the probability of no click, and of a click, as classes 0 and 1."""
        click = self._probabilities(examples)  # (B, 1)
        classes = tf.tile([["0", "1"]], [tf.shape(click)[0], 1])  # (B, 2)
        scores = tf.concat([1.0 - click, click], axis=1)  # (B, 2)
        return {contract.CLASSES: classes, contract.SCORES: scores}

    def regress(self, examples: tf.Tensor) -> Outputs:
        """Returns the probability as a regression's value."""
        return {contract.OUTPUTS: self._probabilities(examples)}

    def embed(self, examples: tf.Tensor) -> Outputs:
        """Returns each field's embedding, (B, its width)."""
        return self._embeddings(self.transform(examples))

    def predict_columns(self, raw: Columns) -> Outputs:
        """Scores rows that come as a dense tensor per raw feature."""
        rows = columns.common_length(raw)
        return self._scored_columns(raw, rows)

    def rank(self, raw: Columns) -> Outputs:
        """Scores N candidates in one context, whose values are transformed once."""
        context = {name: raw[name] for name in self._dataset.context}
        if not context:
            return self.predict_columns(raw)
        with tf.control_dependencies([columns.require_one_row(context)]):
            candidates = {n: column for n, column in raw.items() if n not in context}
            count = columns.common_length(candidates or context)
        return self._scored_columns(raw, count)

    def _probabilities(self, examples: tf.Tensor) -> tf.Tensor:
        return self._scored(examples)[contract.PROBABILITIES]

    def _transform_examples(self, examples: tf.Tensor) -> Outputs:
        features = tf.io.parse_example(examples, self._raw_feature_spec)
        return self._transform.features(features)

    def _score_examples(self, examples: tf.Tensor) -> Outputs:
        return self._scores(self._transformed(examples))

    def _score_columns(self, raw: Columns, rows: tf.Tensor) -> Outputs:
        return self._scores(self._transform.columns(raw, rows))

    def _scores(self, features: Outputs) -> Outputs:
        logits = self._logits(features)  # (B, 1)
        # The one place where a logit becomes a probability (Guo et al., Eq. 1).
        return {contract.PROBABILITIES: tf.sigmoid(logits), contract.LOGITS: logits}


def export(
    model: CTRModel, transform: tft.TFTransformOutput, dataset: Dataset, folder: str
) -> None:
    """Writes the SavedModel of a trained model, and what warms a server up for it.

    Args:
        model: Takes transformed features, returns logits (B, 1).
        transform: What Transform wrote.
        dataset: The declaration.
        folder: Where the SavedModel goes.
    """
    served = ServedModel(model, transform, dataset)
    tf.saved_model.save(served, folder, signatures=served.signatures())
    definitions.complete(folder, columns.left_out(dataset), dataset.context)
    warmup.write(model, transform, dataset, folder)
