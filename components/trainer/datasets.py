"""Reads Examples as batches: transformed ones for Keras, raw ones for all others."""

import dataclasses
import functools
import re
from typing import Any

import numpy as np
import tensorflow as tf
import tensorflow_transform as tft

from components import blocks
from schema.contract import VOCABULARY, WEIGHT, vocabulary_sizes
from schema.features import Dataset, EmbeddingField, embedding_field

EVAL_BATCH = 4096  # examples; nothing is learnt from them, so larger is only faster
_SHUFFLED_BLOCKS = 1024  # half a million rows
_MIXED_BLOCKS = 64  # 32,768 rows
_MIXED_FILES = 8
# Of the rows of a block, which Transform put into an order by lot: what is held out is
# the same in every pass, and like the rest.
_HELD_OUT = 10  # every tenth row


@dataclasses.dataclass(frozen=True)
class TransformedSplits:
    """What a model is trained on.

    Attributes:
        dataset: The declaration.
        transform: What Transform fitted.
        train_files: Patterns of gzipped TFRecord files of blocks of transformed rows.
        eval_files: The same of the eval split.
        hold_out: Whether every tenth row of the train split is kept from training.
    """

    dataset: Dataset
    transform: tft.TFTransformOutput
    train_files: list[str]
    eval_files: list[str]
    hold_out: bool = False

    @functools.cached_property
    def fields(self) -> list[EmbeddingField]:
        """The slots of a model's input, in declared order."""
        lines: dict[str, int] = {}
        if self.dataset.categorical():
            with open(self.transform.vocabulary_file_by_name(VOCABULARY)) as file:
                lines = vocabulary_sizes(file)
        return [
            embedding_field(name, feature, lines.get(name, 0))
            for name, feature in self.dataset.features.items()
        ]

    def train(self, batch_size: int, seed: int) -> tf.data.Dataset:
        """Returns shuffled batches of (features, label), another order each pass.

        Of a weighted dataset they are (features, label, weight), here and in the other
        splits; the weights are scaled to a mean of 1 over the rows trained on.
        """
        return self._rescaled(self._trained(batch_size, seed))

    def held_out(self) -> tf.data.Dataset:
        """Returns batches of (features, label): what training is not shown."""
        if not self.hold_out:
            raise ValueError("no row was held out: make the splits with hold_out=True")
        return self._rescaled(self._read(self.train_files, EVAL_BATCH, held_out=True))

    def evaluation(self) -> tf.data.Dataset:
        """Returns batches of (features, label)."""
        return self._rescaled(self._read(self.eval_files, EVAL_BATCH))

    @functools.cached_property
    def mean_weight(self) -> float:
        """The mean weight of the rows trained on: reads a weighted split once."""
        if not self.dataset.weight:
            return 1.0
        batches = self._trained(EVAL_BATCH)
        sums = [np.sum(weight, dtype=np.float64) for _, _, weight in batches]
        return float(np.sum(sums)) / self.train_rows

    def _trained(self, batch_size: int, seed: int | None = None) -> tf.data.Dataset:
        return self._read(self.train_files, batch_size, seed, self._shown)

    def _read(
        self,
        files: list[str],
        batch_size: int,
        seed: int | None = None,
        held_out: bool | None = None,
    ) -> tf.data.Dataset:
        spec = self.transform.transformed_feature_spec()
        return read(files, spec, self.dataset.label.column, batch_size, seed, held_out)

    @property
    def _shown(self) -> bool | None:
        return False if self.hold_out else None

    def _rescaled(self, batches: tf.data.Dataset) -> tf.data.Dataset:
        # Around 1, so that neither the steps nor the weight of the prior hang on the
        # unit that weights are given in.
        if not self.dataset.weight:
            return batches
        mean = self.mean_weight
        return batches.map(lambda x, label, weight: (x, label, weight / mean))

    @functools.cached_property
    def train_rows(self) -> int:
        """How many rows are trained on: counting them reads the train split once."""
        return count(self.train_files, self._shown)


def read(
    files: list[str],
    feature_spec: dict[str, tf.io.FixedLenFeature],
    label: str,
    batch_size: int,
    shuffle_seed: int | None = None,
    held_out: bool | None = None,
) -> tf.data.Dataset:
    """Returns batches of (features, label), of weighted rows (features, label, weight).

    Shuffled, rows come in an order of the seed, new each epoch, in three steps: files
    take turns, eight at a time, in random order; of the 1,024 blocks that come next any
    may come first; and the rows of 64 blocks are permuted. Since a block's rows are
    from all over 65,536 rows of its file, two rows that were neighbours in the log are
    in one batch no more often than rows of the same 65,536 are; up to 32,768 rows the
    order is a whole permutation.

    Args:
        files: Patterns of gzipped TFRecord files of blocks of transformed rows.
        feature_spec: Their transformed features.
        label: Which of these is the label.
        batch_size: Examples a batch; the last one may be smaller.
        shuffle_seed: Where given, rows come in an order of this seed, new each epoch.
        held_out: Every tenth row of a block, or all but these; by default all rows.
    """

    def batched(rows: dict[str, tf.Tensor]) -> tuple[Any, ...]:
        labels = tf.cast(rows.pop(label), tf.float32)  # (B, 1)
        weight = rows.pop(WEIGHT, None)  # (B, 1)
        return (rows, labels) if weight is None else (rows, labels, weight)

    def decode(records: tf.Tensor) -> dict[str, tf.Tensor]:
        rows = blocks.decode(records, feature_spec)
        if held_out is None:
            return rows
        places = tf.ragged.range(blocks.num_rows(records)).flat_values
        chosen = is_held_out(places) == held_out
        return {name: tf.boolean_mask(values, chosen) for name, values in rows.items()}

    def parse(records: tf.Tensor) -> tuple[Any, ...]:
        return batched(decode(records))

    def parse_mixed(records: tf.Tensor, seed: tf.Tensor) -> tuple[Any, ...]:
        rows = decode(records)
        order = tf.range(tf.shape(rows[label])[0])
        order = tf.random.experimental.stateless_shuffle(order, tf.stack([seed, 0]))
        return batched({n: tf.gather(v, order) for n, v in rows.items()})

    if shuffle_seed is None:
        parsed = _records(files).batch(_MIXED_BLOCKS).map(parse, tf.data.AUTOTUNE)
    else:
        seeds = tf.data.Dataset.random(shuffle_seed, rerandomize_each_iteration=True)
        groups = _shuffled(files, shuffle_seed).batch(_MIXED_BLOCKS)
        parsed = tf.data.Dataset.zip(groups, seeds).map(parse_mixed, tf.data.AUTOTUNE)
    return parsed.rebatch(batch_size).prefetch(4)


def read_raw(
    files: list[str], dataset: Dataset, transform: tft.TFTransformOutput
) -> tf.data.Dataset:
    """Returns batches of (features, numbers, label, weight), rows in the files' order.

    The features are transformed; the numbers are those of the numeric columns as they
    were, float32 (B, M), not a number where missing; the weights are 1 where none are
    declared.

    Args:
        files: Patterns of gzipped TFRecord files of raw tf.Examples.
        dataset: What they hold.
        transform: What Transform fitted.
    """
    raw_spec, layer = transform.raw_feature_spec(), transform.transform_features_layer()
    missing = tf.io.FixedLenFeature([], tf.float32, float("nan"))
    number_spec = dict.fromkeys(dataset.numeric(), missing)
    label = dataset.label.column

    def parse(batch: tf.Tensor) -> tuple[Any, ...]:
        features = layer(tf.io.parse_example(batch, raw_spec))
        labels = tf.cast(features.pop(label), tf.float32)  # (B, 1)
        weights = features.pop(WEIGHT, tf.ones_like(labels))  # (B, 1)
        if not number_spec:
            return features, tf.zeros([tf.size(batch), 0]), labels, weights
        columns = tf.io.parse_example(batch, number_spec)
        numbers = tf.stack([columns[name] for name in number_spec], axis=1)
        return features, numbers, labels, weights

    return _records(files).batch(EVAL_BATCH).map(parse).prefetch(2)


def is_held_out(places: Any) -> Any:
    """Returns which rows are kept from training, by their places among others.

    Args:
        places: From 0, an array or a tensor of integers.
    """
    return (places + 1) % _HELD_OUT == 0


def count(files: list[str], held_out: bool | None = None) -> int:
    """Returns how many rows the files hold.

    Args:
        files: Patterns of gzipped TFRecord files of blocks of transformed rows.
        held_out: As in `read`.
    """

    def counted(records: tf.Tensor) -> tf.Tensor:
        sizes = blocks.num_rows(records)
        if held_out is None:
            return sizes
        apart = sizes // _HELD_OUT
        return apart if held_out else sizes - apart

    sizes = _records(files).batch(_MIXED_BLOCKS).map(counted)
    zero = tf.constant(0, tf.int64)
    return int(sizes.reduce(zero, lambda rows, some: rows + tf.reduce_sum(some)))


def _records(files: list[str]) -> tf.data.Dataset:
    return tf.data.TFRecordDataset(_paths(files), "GZIP", num_parallel_reads=1)


def _shuffled(files: list[str], seed: int) -> tf.data.Dataset:
    """Returns records in an order of the seed, new each epoch."""
    paths = _paths(files)
    records = (
        tf.data.Dataset.from_tensor_slices(paths)
        .shuffle(len(paths), seed)
        .interleave(
            lambda path: tf.data.TFRecordDataset(path, "GZIP"),
            _MIXED_FILES,
            num_parallel_calls=tf.data.AUTOTUNE,
            deterministic=True,
        )
    )
    return records.shuffle(_SHUFFLED_BLOCKS, seed)


def _paths(files: list[str]) -> list[str]:
    """Returns the files of patterns, in the patterns' order and then by number."""

    def numbered(path: str) -> list[tuple[str, int]]:
        # A span's folder is its number, and 9 comes before 10.
        return [(text, int(n or 0)) for text, n in re.findall(r"(\D*)(\d*)", path)]

    return [
        path
        for pattern in files
        for path in sorted(tf.io.gfile.glob(pattern), key=numbered)
    ]
