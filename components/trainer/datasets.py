"""Reads transformed Examples as batches for Keras."""

import tensorflow as tf

_SHUFFLE_ROWS = 200_000


def read(
    files: list[str],
    feature_spec: dict[str, tf.io.FixedLenFeature],
    label: str,
    batch_size: int,
    shuffle_seed: int | None = None,
) -> tf.data.Dataset:
    """Returns batches of (features, label).

    Args:
        files: Patterns of gzipped TFRecord files of transformed tf.Examples.
        feature_spec: Their transformed features.
        label: Which of these is the label.
        batch_size: Examples a batch; the last one may be smaller.
        shuffle_seed: Where given, rows come in an order of this seed, new each epoch.
    """
    records = _records(files)
    if shuffle_seed is not None:
        records = records.shuffle(_SHUFFLE_ROWS, shuffle_seed)

    def parse(batch: tf.Tensor) -> tuple[dict[str, tf.Tensor], tf.Tensor]:
        features = tf.io.parse_example(batch, feature_spec)
        labels = tf.cast(features.pop(label), tf.float32)  # (B, 1)
        return features, labels

    return records.batch(batch_size).map(parse, tf.data.AUTOTUNE).prefetch(4)


def count(files: list[str]) -> int:
    """Returns how many rows the files hold."""
    return int(_records(files).reduce(0, lambda rows, _: rows + 1))


def _records(files: list[str]) -> tf.data.Dataset:
    paths = tf.io.gfile.glob(files)
    return tf.data.TFRecordDataset(sorted(paths), "GZIP", num_parallel_reads=1)
