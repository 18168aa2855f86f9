"""What a record of a click log is: one frozen declaration per dataset and feature."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from schema.errors import did_you_mean
from schema.files import FileFormat, SideTable
from schema.frozen import Frozen, Name


class Categorical(Frozen):
    """A column of names or ids, whatever they look like; read as text.

    Its ids are 0 for missing, then the vocabulary by falling frequency in the train
    split, then the out-of-vocabulary buckets; or, hashed, 0 and the hash buckets.
    """

    type: Literal["categorical"]
    # Values seen in fewer training rows share the out-of-vocabulary buckets, which is
    # what trains their embedding.
    min_count: int = Field(default=5, ge=1)  # rows
    max_vocabulary: int = Field(default=1_000_000, ge=1)  # most frequent values kept
    oov_buckets: int = Field(default=1, ge=1)
    # No vocabulary at all: every value goes to one of this many buckets by its hash.
    hash_buckets: int | None = Field(default=None, ge=2)
    # A hashed field's ids share this many rows, told apart by the row of the quotient
    # id // remainder_rows: about 2 sqrt(hash_buckets) rows can stand for all of them.
    remainder_rows: int | None = Field(default=None, ge=2)
    # What lies between the values of a cell, where a row has several (tags, genres).
    separator: str | None = Field(default=None, min_length=1)
    max_values: int = Field(default=10, ge=1)  # of a row; those after them are cut off
    pooling: Literal["mean", "sum", "max"] = "mean"  # of the values' embeddings
    # Stands in for a missing value; without it a missing value has an id of its own.
    default: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _options_agree(self) -> "Categorical":
        if self.hash_buckets and (
            changed := self._changed("min_count", "max_vocabulary", "oov_buckets")
        ):
            raise ValueError(f"hash_buckets replaces the vocabulary: remove {changed}")
        if self.remainder_rows and self.remainder_rows >= (self.hash_buckets or 0):
            raise ValueError(
                "remainder_rows needs hash_buckets, and must be smaller than it"
            )
        if not self.separator and (changed := self._changed("max_values", "pooling")):
            raise ValueError(
                f"without a separator there is one value: remove {changed}"
            )
        return self

    @property
    def num_values(self) -> int:
        """How many columns of ids it takes: the values that a row can have."""
        return self.max_values if self.separator else 1

    def _changed(self, *keys: str) -> str:
        fields = type(self).model_fields
        return ", ".join(k for k in keys if getattr(self, k) != fields[k].default)


class Numeric(Frozen):
    """A column of numbers, cut into quantile buckets of the train split.

    Its ids are 0 for missing and 1 to `buckets`. With `scale`, the bucket's embedding
    is multiplied by the standardised value, so that a raw number never meets FM.
    """

    type: Literal["numeric"]
    buckets: int = Field(default=32, ge=1, le=10_000)
    # log_z_score takes sign(x) * log(1 + |x|) first, for heavy tails. raw takes the
    # number as it is, which only a policy without interactions can bear.
    scale: Literal["z_score", "log_z_score", "raw"] | None = None
    default: float | None = None

    @model_validator(mode="after")
    def _number_is_seen(self) -> "Numeric":
        if self.buckets == 1 and not self.scale:
            raise ValueError("one bucket says nothing of a number: add scale: z_score")
        return self


Feature = Annotated[Categorical | Numeric, Field(discriminator="type")]


class Label(Frozen):
    """The column to predict: 0 or 1, or what is mapped to them."""

    column: Name
    positive: tuple[str, ...] | None = Field(default=None, min_length=1)  # mean 1
    at_least: float | None = None  # numbers from here on mean 1, as in ratings

    @model_validator(mode="after")
    def _one_mapping(self) -> "Label":
        if self.positive and self.at_least is not None:
            raise ValueError("positive and at_least exclude each other: remove one")
        return self


class SplitRule(Frozen):
    """Which rows are for evaluation.

    Equal rows always are in the same split, but where files decide.
    """

    # row: by a hash of the row. key: by a hash of the column, so that all rows of a
    # user, say, stay together. time: the latest rows by the column. files: the rows of
    # some files.
    by: Literal["row", "key", "time", "files"] = "row"
    column: Name | None = None  # need not be a feature
    # A glob that finds the files for evaluation, below the folder of all files.
    eval: str | None = Field(default=None, min_length=1)

    @model_validator(mode="after")
    def _key_fits(self) -> "SplitRule":
        if (self.by in ("key", "time")) != (self.column is not None):
            raise ValueError("key and time need a column, row and files take none")
        if (self.by == "files") != (self.eval is not None):
            raise ValueError(
                "files needs eval, the pattern of the files for evaluation; nothing "
                "else takes it"
            )
        return self


class Sampling(Frozen):
    """Which rows of the train split are left out; the eval split stays whole."""

    # Share of the rows with label 0 that stay. A model learns the true odds from what
    # is left, so that its probabilities are those of the whole log.
    negatives: float = Field(gt=0.0, le=1.0)


class Dataset(Frozen):
    """A dataset's declaration: where it lies, how it is read, what its columns are."""

    name: Name
    path: str | None = None  # a file, folder or glob; `deepfm run --data` sets it
    # How many of the latest spans are worked on, where path or file.pattern holds
    # {SPAN}, or {YYYY}, {MM} and {DD}, and of which version, by {VERSION}, the latest.
    window: int = Field(default=1, ge=1, le=1000)
    file: FileFormat = FileFormat()
    # Joined to every row by a key: what is known of users and items, say.
    tables: tuple[SideTable, ...] = ()
    label: Label
    # The column that says how much a row counts, in training and in every metric: a
    # number of 0 or more. Only the ratios matter. Without it, all rows count alike.
    weight: Name | None = None
    features: dict[Name, Feature] = Field(min_length=1)
    # Features that all candidates of one request share (the user, the page, the time);
    # the others are the candidate's. A ranking request sends them once.
    context: tuple[Name, ...] = ()
    curated_schema: str | None = None  # a reviewed schema.pbtxt; inferred without
    eval_fraction: float = Field(default=0.2, gt=0.0, lt=1.0)  # of rows, or of keys
    split: SplitRule = SplitRule()
    sampling: Sampling | None = None  # of the train split; without it, all rows
    # Rows that cannot be used are set aside; a larger share of them stops the run.
    max_bad_fraction: float = Field(default=0.001, ge=0.0, le=1.0)

    def declaration(self) -> str:
        """Returns it as JSON, but for where the data lies and how much of it is used.

        These say nothing of what rows are, so what was made of rows does not hang on
        them.
        """
        return self.model_dump_json(exclude={"path", "window"})

    def categorical(self) -> dict[str, Categorical]:
        """Returns the categorical features, in declared order."""
        features = self.features.items()
        return {name: f for name, f in features if isinstance(f, Categorical)}

    def numeric(self) -> dict[str, Numeric]:
        """Returns the numeric features, in declared order."""
        features = self.features.items()
        return {name: f for name, f in features if isinstance(f, Numeric)}

    def id_columns(self) -> list[str]:
        """Returns which feature each column of `ids_xf` is of, in order."""
        owners = self._owners()
        return [owners[i] for i in self.id_order()]

    def text_columns(self) -> list[tuple[str, int]]:
        """Returns for each column of text its feature, and which value of a row."""
        return [
            (name, nth)
            for name, feature in self.categorical().items()
            for nth in range(feature.num_values)
        ]

    def id_order(self) -> list[int]:
        """Returns where columns of `ids_xf` come from: text columns, then numbers."""
        owners, declared = self._owners(), list(self.features)
        return sorted(range(len(owners)), key=lambda i: declared.index(owners[i]))

    def scaled(self) -> list[int]:
        """Returns which of the numeric features have multipliers, by their places."""
        features = self.numeric().values()
        return [i for i, feature in enumerate(features) if feature.scale]

    def negatives(self) -> float:
        """Returns the share of rows with label 0 that the train split keeps."""
        return self.sampling.negatives if self.sampling else 1.0

    def unserved(self) -> list[str]:
        """Returns the columns that a row to be scored lacks: the label, the weight."""
        return [self.label.column, *([self.weight] if self.weight else [])]

    def columns(self) -> list[str]:
        """Returns all columns that are read, each once."""
        by = [self.split.column] if self.split.column else []
        return list(dict.fromkeys([*self.unserved(), *self.features, *by]))

    def _owners(self) -> list[str]:
        return [*(name for name, _ in self.text_columns()), *self.numeric()]

    @model_validator(mode="after")
    def _columns_agree(self) -> "Dataset":
        if self.label.column in self.features:
            raise ValueError(f"the label {self.label.column!r} is also a feature")
        for name in self.context:
            if name not in self.features:
                raise ValueError(f"context names {name!r}, which is no feature")
        if self.label.column == self.split.column:
            raise ValueError(f"rows cannot be split by the label {self.label.column!r}")
        for what, names in (
            ("the label", [self.label.column]),
            ("a feature", self.features),
            ("what rows are split by", [self.split.column]),
        ):
            if self.weight and self.weight in names:
                raise ValueError(f"the weight {self.weight!r} is also {what}")
        return self

    @model_validator(mode="after")
    def _file_has_columns(self) -> "Dataset":
        supplied = {name for table in self.tables for name in table.supplied()}
        for name in (*self.columns(), *(table.key for table in self.tables)):
            if self.file.columns and name not in {*self.file.columns, *supplied}:
                raise ValueError(f"file.columns does not name {name!r}")
        return self

    @model_validator(mode="after")
    def _files_decide(self) -> "Dataset":
        default = type(self).model_fields["eval_fraction"].default
        if self.split.by == "files" and self.eval_fraction != default:
            raise ValueError(
                "split by files takes the eval split as it is: remove eval_fraction"
            )
        return self

    @model_validator(mode="after")
    def _tables_agree(self) -> "Dataset":
        supplied = [name for table in self.tables for name in table.supplied()]
        for name in supplied:
            if supplied.count(name) > 1:
                raise ValueError(f"tables supply the column {name!r} twice")
            if name not in self.columns():
                near = did_you_mean(name, self.features).rstrip(".")
                raise ValueError(f"tables supply {name!r}, which is no feature{near}")
        for table in self.tables:
            if table.key in supplied:
                raise ValueError(
                    f"tables are joined on {table.key!r}, so that it is to be a column "
                    "of the data's own files, not one that a table supplies"
                )
            for name in table.flags:
                feature = self.features.get(name)
                if not isinstance(feature, Categorical) or not feature.separator:
                    raise ValueError(
                        f"tables make several values of flags for {name!r}, which is "
                        "to be a categorical feature with a separator"
                    )
        return self


class EmbeddingField(Frozen):
    """A slot of the model's input: the ids that a feature has in an embedding table."""

    name: Name
    num_ids: int = Field(ge=2)
    oov_buckets: int = Field(default=0, ge=0)  # the last ids: values never seen
    numeric: bool = False  # its ids are buckets
    scaled: bool = False  # its embedding is multiplied by a value
    num_values: int = Field(default=1, ge=1)  # columns of `ids_xf` that it takes
    pooling: Literal["mean", "sum", "max"] | None = None  # set where multi-valued
    remainder_rows: int | None = None  # set where two rows compose an id's embedding


def embedding_field(
    name: str, feature: Categorical | Numeric, vocabulary_lines: int
) -> EmbeddingField:
    """Returns the field of a feature.

    Args:
        name: The feature's name.
        feature: Its declaration.
        vocabulary_lines: How many known values Transform kept, and one for missing.
    """
    if isinstance(feature, Numeric):
        return EmbeddingField(
            name=name,
            num_ids=1 + feature.buckets,
            numeric=True,
            scaled=feature.scale is not None,
        )
    return EmbeddingField(
        name=name,
        num_ids=vocabulary_lines + (feature.hash_buckets or feature.oov_buckets),
        oov_buckets=0 if feature.hash_buckets else feature.oov_buckets,
        num_values=feature.num_values,
        pooling=feature.pooling if feature.separator else None,
        remainder_rows=feature.remainder_rows,
    )
