"""`CTRModel`, what all models have in common, and `Fields`, what it hands to them."""

import abc
from collections.abc import Sequence
from typing import Any, NamedTuple

import keras
from keras import ops

from model.config import ModelConfig
from model.layers.shared_embedding import SharedEmbedding
from schema.contract import IDS, VALUES
from schema.features import EmbeddingField


class Fields(NamedTuple):
    """A batch, looked up: B examples, F fields, D the embedding dimension."""

    weights: Any  # first-order weights, (B, F)
    embeddings: Any  # (B, F, D)


class CTRModel(keras.Model, abc.ABC):
    """Looks the fields up once and leaves the rest to `logit`.

    A subclass makes its parts in `__init__` and sums them in `logit`; it overrides
    nothing else. Models return logits: the sigmoid is the serving signature's.

    Args:
        fields: The slots of the input, in order.
        config: The policy block.
        embedding_stddev: Of the normal distribution that embeddings are drawn from.
        embedding_l2: Weight of the sum of squares of all embeddings and first-order
            weights in the loss.

    Input shape:
        `ids_xf`: int64 (B, F). `values_xf`: float32 (B, S), the multipliers of the S
        scaled fields; absent when there are none.

    Output shape:
        float32 (B, 1).
    """

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        config: ModelConfig | dict[str, Any],
        embedding_stddev: float = 0.05,
        embedding_l2: float = 0.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.config = ModelConfig.model_validate(config)
        self.embedding_stddev = embedding_stddev
        self.embedding_l2 = embedding_l2
        num_ids = [field.num_ids for field in self.fields]
        l2 = keras.regularizers.L2(embedding_l2) if embedding_l2 else None
        normal = keras.initializers.RandomNormal(stddev=embedding_stddev)
        self.embedding = SharedEmbedding(
            num_ids, self.config.embedding_dim, normal, l2, name="embedding"
        )
        self.linear = SharedEmbedding(num_ids, 1, "zeros", l2, name="linear")
        # Which column of [1, values] multiplies each field.
        scaled = [i for i, field in enumerate(self.fields) if field.scaled]
        self._columns = [
            1 + scaled.index(i) if i in scaled else 0 for i in range(len(self.fields))
        ]

    @abc.abstractmethod
    def logit(self, fields: Fields, training: bool) -> Any:
        """Returns the logits (B, 1): the sum of the parts that the paper names."""

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        ids = inputs[IDS]  # (B, F)
        embeddings = self.embedding(ids)  # (B, F, D)
        weights = self.linear(ids)  # (B, F, 1)
        if any(self._columns):
            values = ops.concatenate(
                [ops.ones_like(inputs[VALUES][:, :1]), inputs[VALUES]], axis=1
            )
            multipliers = ops.take(values, self._columns, axis=1)[:, :, None]
            embeddings = embeddings * multipliers
            weights = weights * multipliers
        fields = Fields(ops.squeeze(weights, axis=-1), embeddings)
        return self.logit(fields, training)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "config": self.config.model_dump(mode="json"),
            "embedding_stddev": self.embedding_stddev,
            "embedding_l2": self.embedding_l2,
        }
