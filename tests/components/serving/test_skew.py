"""Of every known dataset, a row of the log is served the score that training gives it.

From the owner's file on: ExampleGen's code reads it, Transform's code writes what the
Trainer reads, and the trainer's model scores that. A server is asked for the scores of
the same rows as a client has them.
"""

import contextlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import tensorflow as tf

from components.example_gen import encoding, reader, side_tables
from components.serving import server, signatures
from components.trainer import datasets
from components.transform import materialization
from pipeline import loading
from schema.contract import WARMUP_PATH
from tests import exporting, fitting, owners, rounding
from tests.components.serving.asking import Asked

FLOAT, INT8 = "float32", "int8"
AT_HAND = Path(__file__).parents[4] / "shared" / "data"
# Beside the logs that are drawn, two real ones, where they lie beside the checkout.
REAL = {"adult": "adult/adult.data", "criteo": "criteo_sample/train.tsv"}
SEEN = 8  # rows that are asked for and were fitted to
NAMES = [*loading.known_datasets(), *(f"{name}, real rows" for name in REAL)]


class Log:
    """A dataset's log, as the pipeline reads and transforms it.

    Attributes:
        dataset: The declaration, with a context.
        rows: The last of the log, unlabelled; the first few of them were fitted to.
        in_context: The same, all with the first one's context.
    """

    def __init__(self, name, folder):
        declared = exporting.declared(name.partition(",")[0])
        if "real" in name:
            path = AT_HAND / REAL[declared.name]
            if not path.exists():
                pytest.skip(f"the log of {declared.name} is not there: {path}")
        else:
            path = owners.write(name, folder)
        names = list(declared.features)
        context = declared.context or tuple(names[: len(names) // 2])
        declared = declared.model_copy(update={"path": str(path), "context": context})
        self.dataset = side_tables.placed(declared)
        self._folder = folder
        batch = next(reader.read_batches(str(path), self.dataset))
        batch = batch.select([self.dataset.label.column, *names])
        batch = batch.slice(0, owners.PLAIN + owners.ODD)
        fitted_to = self._write(batch.slice(0, owners.PLAIN))
        self.transform = fitting.fit_files(self.dataset, [fitted_to])
        self._batch = batch.slice(owners.PLAIN - SEEN)
        self.rows = self._batch.select(names).to_pylist()
        shared = {name: self.rows[0][name] for name in context}
        self.in_context = [row | shared for row in self.rows]

    def examples(self, rows):
        """Returns serialized tf.Examples, without label."""
        return encoding.encode(self._typed(rows).select(list(self.dataset.features)))

    def as_trained(self, rows):
        """Returns what the Trainer reads of rows: what Transform writes of them."""
        source = self._write(self._typed(rows))
        target = f"{source}.transformed"
        graph = str(Path(self.transform.transform_savedmodel_dir).parent)
        materialization.write_blocks(source, target, graph, permutation=None)
        spec = self.transform.transformed_feature_spec()
        label = self.dataset.label.column
        [(features, _)] = datasets.read([target], spec, label, len(rows))
        return features

    def _typed(self, rows):
        labels = self._batch.column(self.dataset.label.column)
        features = self._batch.schema.remove(0)
        columns = pa.RecordBatch.from_pylist(rows, features).columns
        return pa.record_batch([labels, *columns], self._batch.schema)

    def _write(self, batch):
        path = str(self._folder / f"{len(list(self._folder.iterdir()))}.gz")
        with tf.io.TFRecordWriter(path, "GZIP") as writer:
            for example in encoding.encode(batch):
                writer.write(example)
        return path


class Known:
    """A log, a model of it in the Trainer's memory, and servers of it.

    Attributes:
        log: The log.
        trained: The trainer's scores of its rows, by storage, (B,).
        ranked: The same of its rows in context.
        bound: By how much int8 may move the former.
        asked: The servers, by storage.
    """

    def __init__(self, name, folder, stack):
        (folder / "log").mkdir()
        self.log = log = Log(name, folder / "log")
        dataset, transform = log.dataset, log.transform
        features, in_context = map(log.as_trained, (log.rows, log.in_context))
        model = exporting.untrained(
            dataset, transform, features, deep_hidden_units=[16]
        )
        self.bound = rounding.int8_bound(model, features)
        self.trained, self.ranked, self.asked = {}, {}, {}
        for storage in (FLOAT, INT8):
            model.store_embeddings_as(storage)
            self.trained[storage] = _scores(model, features)
            self.ranked[storage] = _scores(model, in_context)
            versions = folder / storage / dataset.name
            signatures.export(model, transform, dataset, str(versions / "1"))
            (versions / "1" / WARMUP_PATH).unlink()  # plans what nobody asks here
            served = stack.enter_context(server.running(str(versions), rest_port=0))
            self.asked[storage] = Asked(served, dataset)


def _scores(model, features):
    return exporting.sigmoid(np.array(model(features, training=False))[:, 0])


@pytest.fixture(scope="module", params=NAMES)
def known(request, tmp_path_factory):
    with contextlib.ExitStack() as stack:
        yield Known(request.param, tmp_path_factory.mktemp("known"), stack)


@pytest.mark.parametrize("storage", [FLOAT, INT8])
def test_all_ways_of_asking_give_the_trainers_score(known, storage):
    rows, trained = known.log.rows, known.trained[storage]
    assert np.ptp(trained) > 1e-2
    found = known.asked[storage].score(rows, known.log.examples(rows))
    for way, scores in found.items():
        np.testing.assert_allclose(scores, trained, 1e-5, 1e-6, err_msg=way)


@pytest.mark.parametrize("storage", [FLOAT, INT8])
def test_ranking_gives_the_trainers_score_in_one_context(known, storage):
    ranked = known.ranked[storage]
    for way, scores in known.asked[storage].rank(known.log.in_context).items():
        np.testing.assert_allclose(scores, ranked, 1e-5, 1e-6, err_msg=way)


def test_int8_moves_no_score_by_more_than_its_rounding(known):
    moved = np.abs(known.trained[INT8] - known.trained[FLOAT])
    assert np.all(moved <= known.bound + 1e-6)  # and float32's own
    assert moved.max() > 1e-6
    assert known.bound.max() < np.ptp(known.trained[FLOAT])
