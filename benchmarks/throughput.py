"""Training examples per second, as the vocabulary grows.

Criteo-shaped batches that already lie in memory (39 fields, width 16, tower of three
times 400, 4096 examples): DeepFM with row-sparse Adam, the same with the embeddings'
L2, the same with matrix products in bfloat16, and the obvious Keras model (one
keras.layers.Embedding per field, Keras's Adam), all under model.fit. Each round trains
every model for a few steps, one after the other, so that a drift of the machine meets
all of them.
"""

import itertools
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

FIELDS, DIM, UNITS, BATCH = 39, 16, (400, 400, 400), 4096
ZIPF = 1.2  # the exponent of how often ids occur
VOCABULARIES = (100_000, 1_000_000, 10_000_000)
KINDS = ("row_sparse", "row_sparse_l2", "row_sparse_bfloat16", "keras")
_STEPS = _BATCHES = 8  # the warm-up meets every batch


def field_sizes(vocabulary: int) -> list[int]:
    """Returns how many ids each field has: 13 of buckets, 26 that share the rest."""
    import numpy as np

    numeric = [33] * 13
    shares = np.geomspace(1.0, 1e4, FIELDS - len(numeric))
    rest = vocabulary - sum(numeric)
    sizes = np.maximum(shares / shares.sum() * rest, 10).astype(int)
    sizes[-1] += rest - sizes.sum()
    return [*numeric, *sizes.tolist()]


def draw_ids(sizes: list[int], rows: int):
    """Returns ids (rows, F): buckets evenly, other ids by Zipf's law."""
    import numpy as np

    rng = np.random.default_rng(0)
    n = np.array(sizes, float)
    uniform = rng.random((rows, FIELDS))
    tail = ZIPF - 1.0
    zipf = (1.0 - uniform * (1.0 - n**-tail)) ** (-1.0 / tail) - 1.0
    ids = np.where(n == 33, uniform * n, zipf).astype(np.int64)
    return np.clip(ids, 0, np.array(sizes) - 1)


def batches(sizes: list[int]):
    """Returns a few batches of (ids, clicks), over and over."""
    import numpy as np
    import tensorflow as tf

    ids = draw_ids(sizes, BATCH * _BATCHES)
    clicks = (np.random.default_rng(1).random((len(ids), 1)) < 0.25).astype(np.float32)
    data = tf.data.Dataset.from_tensor_slices((ids, clicks)).batch(BATCH)
    return data.cache().repeat()


def distinct_rows(vocabulary: int) -> int:
    """Returns how many rows of the table one batch touches."""
    import numpy as np

    sizes = field_sizes(vocabulary)
    offsets = np.cumsum([0, *sizes[:-1]])
    return int(np.unique(draw_ids(sizes, BATCH) + offsets).size)


def row_sparse(sizes: list[int], kind: str):
    """Returns our DeepFM, compiled."""
    from model.base import EmbeddingPrior
    from model.config import ModelConfig
    from model.deepfm import DeepFM
    from model.optimizers.adam import RowSparseAdam
    from schema.features import EmbeddingField

    fields = [EmbeddingField(name=f"f{i}", num_ids=n) for i, n in enumerate(sizes)]
    config = ModelConfig(
        policy_type="deepfm",
        embedding_dim=DIM,
        deep_hidden_units=UNITS,
        dropout=0.0,
        mixed_precision=kind == "row_sparse_bfloat16",
    )
    l2 = 1e-6 if kind == "row_sparse_l2" else 0.0
    model = DeepFM(fields, config, EmbeddingPrior(0.05, l2, l2))
    return model, RowSparseAdam()


def obvious(sizes: list[int]):
    """Returns the DeepFM that anyone would write first, compiled."""
    import keras
    from keras import ops

    class Obvious(keras.Model):
        def __init__(self):
            super().__init__()
            self.embeddings = [keras.layers.Embedding(n, DIM) for n in sizes]
            self.weights_ = [keras.layers.Embedding(n, 1) for n in sizes]
            layers = [keras.layers.Dense(u, "relu") for u in UNITS]
            self.tower = keras.Sequential([*layers, keras.layers.Dense(1)])

        def call(self, ids):
            looked_up = [e(ids[:, i]) for i, e in enumerate(self.embeddings)]
            first = sum(w(ids[:, i]) for i, w in enumerate(self.weights_))
            stacked = ops.stack(looked_up, axis=1)
            total = ops.sum(stacked, axis=1)
            pairs = ops.square(total) - ops.sum(ops.square(stacked), axis=1)
            pairs = 0.5 * ops.sum(pairs, axis=1, keepdims=True)
            return first + pairs + self.tower(ops.concatenate(looked_up, axis=1))

    return Obvious(), keras.optimizers.Adam()


def trainer(kind: str, vocabulary: int) -> Callable[[], None]:
    """Returns a function that trains one model for a few steps; it is warm."""
    import keras

    from schema.contract import IDS

    keras.utils.set_random_seed(0)
    sizes = field_sizes(vocabulary)
    data = batches(sizes)
    if kind == "keras":
        model, optimizer = obvious(sizes)
    else:
        model, optimizer = row_sparse(sizes, kind)
        data = data.map(lambda ids, clicks: ({IDS: ids}, clicks))
    model.compile(optimizer, keras.losses.BinaryCrossentropy(from_logits=True))

    def train() -> None:
        model.fit(data, steps_per_epoch=_STEPS, verbose=0)

    train()
    return train


def matrix_products() -> Callable[[], None]:
    """Returns a function that runs the tower's matrix products, and nothing else."""
    import tensorflow as tf

    widths = [FIELDS * DIM, *UNITS, 1]
    inputs = [tf.random.normal((BATCH, a)) for a in widths]
    weights = [tf.random.normal(pair) for pair in itertools.pairwise(widths)]

    @tf.function
    def step() -> tf.Tensor:
        total = 0.0
        for x, w, y in zip(inputs, weights, inputs[1:], strict=False):
            total += tf.matmul(x, w)[0, 0]  # forward
            total += tf.matmul(y, w, transpose_b=True)[0, 0]  # to the inputs
            total += tf.matmul(x, y, transpose_a=True)[0, 0]  # to the weights
        return total

    def train() -> None:
        for _ in range(_STEPS):
            step().numpy()

    train()
    return train


def main() -> None:
    """Prints medians, and medians of the ratios within a round, as JSON."""
    rounds = int(sys.argv[1]) if len(sys.argv) > 1 else 9
    jobs = {"limit": matrix_products()}
    for kind, vocabulary in itertools.product(KINDS, VOCABULARIES):
        jobs[f"{kind}@{vocabulary}"] = trainer(kind, vocabulary)
    speeds: dict[str, list[float]] = {name: [] for name in jobs}
    for _ in range(rounds):
        for name, train in jobs.items():
            begun = time.perf_counter()
            train()
            speeds[name].append(_STEPS * BATCH / (time.perf_counter() - begun))

    def ratio(one: str, other: str) -> float:
        pairs = zip(speeds[one], speeds[other], strict=True)
        return round(statistics.median(a / b for a, b in pairs), 3)

    figures = {
        "distinct_rows_a_batch": {v: distinct_rows(v) for v in VOCABULARIES},
        "examples_per_second": {
            name: round(statistics.median(found)) for name, found in speeds.items()
        },
        "to_100k_ids": {
            v: ratio(f"row_sparse@{v}", f"row_sparse@{VOCABULARIES[0]}")
            for v in VOCABULARIES
        },
        "to_keras": {v: ratio(f"row_sparse@{v}", f"keras@{v}") for v in VOCABULARIES},
        "with_l2_to_without": {
            v: ratio(f"row_sparse_l2@{v}", f"row_sparse@{v}") for v in VOCABULARIES
        },
        "bfloat16_to_float32": {
            v: ratio(f"row_sparse_bfloat16@{v}", f"row_sparse@{v}")
            for v in VOCABULARIES
        },
        "to_limit": {v: ratio(f"row_sparse@{v}", "limit") for v in VOCABULARIES},
    }
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    main()
