"""`CTRModel`, what all models have in common, and `Fields`, what it hands to them."""

import abc
import contextlib
import dataclasses
from collections.abc import Iterator, Sequence
from typing import Any

import keras
from keras import ops

from model.config import ModelConfig
from model.layers.deep_tower import DeepTower
from model.layers.field_embedding import FieldEmbedding
from model.layers.id_dropout import IdDropout
from model.layers.logit_sum import LogitSum
from model.layers.shared_embedding import SharedEmbedding
from model.logit_curve import LogitCurve
from model.widths import embedding_widths
from schema.contract import IDS, VALUES, Storage
from schema.features import EmbeddingField


@dataclasses.dataclass(frozen=True)
class Fields:
    """A batch, looked up: B examples, F fields, D the width of their embeddings."""

    ids: Any  # int64 (B, T)
    weights: Any  # first-order weights, (B, F), where the model reads them
    groups: list[Any]  # (B, F_k, D_k) per width, where the model reads embeddings

    @property
    def embeddings(self) -> Any:
        """All fields at one width, (B, F, D)."""
        return _joined(self.groups)

    @property
    def concatenated(self) -> Any:
        """All embeddings of an example side by side, (B, sum of widths)."""
        flat = [
            ops.reshape(group, (-1, group.shape[1] * group.shape[2]))
            for group in self.groups
        ]
        return _joined(flat)


@dataclasses.dataclass(frozen=True)
class EmbeddingPrior:
    """How embeddings begin, and what pulls them back: per kind of table.

    Attributes:
        stddev: Of the normal distribution that embeddings are drawn from; first-order
            weights begin at 0.
        l2: Weight in the loss of half the sum of squares of the embeddings.
        first_order_l2: The same of the first-order weights.
    """

    stddev: float = 0.05
    l2: float = 0.0
    first_order_l2: float = 0.0


class CTRModel(keras.Model, abc.ABC):
    """Looks the fields up once and leaves the rest to `logit`.

    A subclass says what it reads, makes its parts in `make_parts` and sums them in
    `logit`; it overrides nothing else. Models return logits: the sigmoid is the serving
    signature's.

    Args:
        fields: The slots of the input, in order.
        config: The policy block.
        prior: How embeddings begin, and what pulls them back.
        negatives: Share of the rows with label 0 that training sees; logits are those
            of all rows nonetheless (`LogitSum`).

    Input shape:
        `ids_xf`: int64 (B, T), a column per field, or as many as the values of a
        multi-valued one. `values_xf`: float32 (B, S), the multipliers of the S scaled
        fields; absent when there are none.

    Output shape:
        float32 (B, 1).
    """

    # What a subclass reads of `Fields`; what it does not read is not made.
    reads_weights = True
    one_width = True  # of all fields' embeddings: an interaction needs it

    @property
    def reads_embeddings(self) -> bool:
        """Whether a part reads embeddings; settings may leave none that does."""
        return True

    def __init__(
        self,
        fields: Sequence[EmbeddingField | dict[str, Any]],
        config: ModelConfig | dict[str, Any],
        prior: EmbeddingPrior | dict[str, float] | None = None,
        negatives: float = 1.0,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.fields = [EmbeddingField.model_validate(field) for field in fields]
        self.config = ModelConfig.model_validate(config)
        if isinstance(prior, dict):
            prior = EmbeddingPrior(**prior)
        self.prior = prior or EmbeddingPrior()
        self.id_dropout = IdDropout(
            self.fields, self.config.id_dropout, name="id_dropout"
        )
        self._make_tables()
        # Which column of [1, values] multiplies each field.
        scaled = [i for i, field in enumerate(self.fields) if field.scaled]
        self._columns = [
            1 + scaled.index(i) if i in scaled else 0 for i in range(len(self.fields))
        ]
        self.total = LogitSum(negatives, name="total")
        self.curve: LogitCurve | None = None
        with _precision(self.config.mixed_precision):
            self.make_parts()

    @abc.abstractmethod
    def make_parts(self) -> None:
        """Makes the layers whose outputs `logit` hands to `self.total`."""

    @abc.abstractmethod
    def logit(self, fields: Fields, training: bool) -> Any:
        """Returns the logits (B, 1): the sum of the parts that the paper names."""

    def make_tower(self) -> DeepTower:
        """Returns the deep part that the policy block describes."""
        config = self.config
        return DeepTower(
            config.deep_hidden_units,
            config.activation_fn,
            config.dropout,
            config.batch_norm,
            name="tower",
        )

    @property
    def field_order(self) -> list[EmbeddingField]:
        """The fields in the order of `Fields.embeddings`: by width, then declared."""
        return [self.fields[i] for i in self.embedding.order]

    def call(self, inputs: dict[str, Any], training: bool = False) -> Any:
        ids = self.id_dropout(inputs[IDS], training=training)  # (B, T)
        multipliers = self._multipliers(inputs)
        weights, groups = None, []
        if self.reads_weights:
            [found] = self.linear(ids, multipliers)  # (B, F, 1)
            weights = ops.squeeze(found, axis=-1)
        if self.reads_embeddings:
            groups = self.embedding(ids, multipliers)  # (B, F_k, D_k) each
        logits = self.logit(Fields(ids, weights, groups), training)  # (B, 1)
        return logits if training or self.curve is None else self.curve(logits)

    def field_embeddings(self, inputs: dict[str, Any]) -> dict[str, Any]:
        """Returns what the parts of the model read of each field, (B, D) by its name.

        Of a model that reads no embeddings, the first-order weights, (B, 1).
        """
        layer = self.embedding if self.reads_embeddings else self.linear
        groups = layer(inputs[IDS], self._multipliers(inputs))  # (B, F_k, D_k) each
        columns = [group[:, i] for group in groups for i in range(group.shape[1])]
        found = {
            self.fields[i].name: c for i, c in zip(layer.order, columns, strict=True)
        }
        return {field.name: found[field.name] for field in self.fields}

    def store_embeddings_as(self, storage: Storage) -> None:
        """Stores embeddings and first-order weights in fewer bits, to be exported."""
        for layer in self.layers:
            tables = layer.tables if isinstance(layer, FieldEmbedding) else [layer]
            for table in tables:
                if isinstance(table, SharedEmbedding):
                    table.store_as(storage)

    def correct_by(self, curve: LogitCurve) -> None:
        """Returns logits as the curve corrects them from now on, to be exported."""
        self.curve = curve

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "fields": [field.model_dump() for field in self.fields],
            "config": self.config.model_dump(mode="json"),
            "prior": dataclasses.asdict(self.prior),
            "negatives": self.total.negatives,
        }

    def _make_tables(self) -> None:
        prior = self.prior
        if self.reads_embeddings:
            widths = embedding_widths(self.fields, self.config)
            common = self.config.projection_dim or max(widths)
            self.embedding = FieldEmbedding(
                self.fields,
                widths,
                common if self.one_width else None,
                keras.initializers.RandomNormal(stddev=prior.stddev),
                prior.l2,
                name="embedding",
            )
        if self.reads_weights:
            ones = [1] * len(self.fields)
            self.linear = FieldEmbedding(
                self.fields, ones, None, "zeros", prior.first_order_l2, name="linear"
            )

    def _multipliers(self, inputs: dict[str, Any]) -> Any:
        """Returns what each field's embedding is multiplied by, (B, F), or None."""
        if not any(self._columns):
            return None
        ones = ops.ones_like(inputs[VALUES][:, :1])
        values = ops.concatenate([ones, inputs[VALUES]], axis=1)  # (B, 1 + S)
        return ops.take(values, self._columns, axis=1)


def _joined(parts: list[Any]) -> Any:
    return parts[0] if len(parts) == 1 else ops.concatenate(parts, axis=1)


@contextlib.contextmanager
def _precision(mixed: bool) -> Iterator[None]:
    """Makes layers that compute in bfloat16, if asked; tables stay out of it."""
    before = keras.config.dtype_policy()
    if mixed:
        keras.config.set_dtype_policy("mixed_bfloat16")
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)
