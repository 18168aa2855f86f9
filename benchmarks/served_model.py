"""A Criteo-shaped model as it is served, and what it does without a server.

39 fields, width 16, tower of three times 400. Its weights are as drawn and its
transform is fitted to rows drawn by lot: neither changes how long a score takes.
"""

import json
import os
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

os.environ.setdefault("KERAS_BACKEND", "tensorflow")
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

_CONTEXT = 20  # of the 39 fields; the rest is the candidate's
_ROWS, _WORDS = 3000, 500
_SECONDS = 3.0
_THREADS = (1, 2, 3, 4)


def build(folder: Path) -> None:
    """Writes the SavedModel, with its warm-up requests."""
    from components.serving import signatures
    from components.trainer import training
    from components.trainer.config import TrainConfig
    from components.trainer.datasets import TransformedSplits
    from model.config import ModelConfig
    from pipeline import loading
    from schema.contract import IDS, VALUES

    declared = loading.load("pipeline/configs/criteo.yaml").dataset
    context = list(declared.features)[:_CONTEXT]
    dataset = declared.model_copy(update={"context": context})
    transform = _fitted(dataset)
    fields = TransformedSplits(dataset, transform, [], []).fields
    policy = ModelConfig(
        policy_type="deepfm", embedding_dim=16, deep_hidden_units=(400, 400, 400)
    )
    model = training.build(fields, policy, TrainConfig(), _ROWS)
    spec = transform.transformed_feature_spec()
    shapes = {key: spec[key].shape for key in (IDS, VALUES) if key in spec}
    kinds = {IDS: np.int64, VALUES: np.float32}
    model({key: np.zeros((1, *shape), kinds[key]) for key, shape in shapes.items()})
    signatures.export(model, transform, dataset, str(folder))


def _fitted(dataset):
    """Returns the transform of a dataset, fitted to rows drawn by lot."""
    import apache_beam as beam
    import pyarrow as pa
    import tensorflow as tf
    import tensorflow_transform as tft
    from apache_beam.options.pipeline_options import PipelineOptions

    from components.example_gen import encoding
    from components.transform import analysis, fitted, graph
    from pipeline.config import LOCAL_BEAM

    rng = np.random.default_rng(0)
    label, numeric = dataset.label.column, dataset.numeric()
    columns = {label: pa.array(rng.integers(2, size=_ROWS))}
    for name in dataset.features:
        drawn = rng.integers(1000 if name in numeric else _WORDS, size=_ROWS)
        words = [f"{word:08x}" for word in drawn]
        columns[name] = pa.array(drawn.astype("f4") if name in numeric else words)
    folder = Path(tempfile.mkdtemp())
    parts = [str(folder / name) for name in ("rows", "analysis", "fitted", "graph")]
    rows, analyzed, fitted_folder, uri = parts
    with tf.io.TFRecordWriter(rows, "GZIP") as writer:
        for example in encoding.encode(pa.RecordBatch.from_pydict(columns)):
            writer.write(example)
    analysis.analyze([rows], dataset, analyzed)
    os.mkdir(fitted_folder)
    fitted.fit([analyzed], dataset, fitted_folder)
    kinds = {
        name: tf.float32 if name in numeric else tf.string for name in dataset.features
    } | {label: tf.int64}
    metadata = tft.DatasetMetadata.from_feature_spec(
        {name: tf.io.VarLenFeature(kind) for name, kind in kinds.items()}
    )
    options = PipelineOptions(list(LOCAL_BEAM))
    graph.write(
        metadata.schema,
        dataset,
        fitted_folder,
        uri,
        lambda: beam.Pipeline(options=options),
    )
    return tft.TFTransformOutput(uri)


def requests(folder: Path) -> dict[str, bytes]:
    """Returns warm-up requests: "rank 100" and the like, serialized."""
    import tensorflow as tf
    from tensorflow_serving.apis import prediction_log_pb2

    from schema.contract import RANK, SERVING_DEFAULT, WARMUP_PATH

    found = {}
    for record in tf.data.TFRecordDataset(str(folder / WARMUP_PATH)):
        log = prediction_log_pb2.PredictionLog.FromString(record.numpy())
        request = log.predict_log.request
        if request.model_spec.signature_name in (RANK, SERVING_DEFAULT):
            rows = max(len(t.string_val) for t in request.inputs.values())
            request.model_spec.name = folder.parent.name
            name = f"{request.model_spec.signature_name} {rows}"
            found[name] = request.SerializeToString()
    return found


class InProcess:
    """The signatures of a SavedModel, called as anyone would in Python."""

    def __init__(self, folder: Path) -> None:
        import tensorflow as tf

        self._loaded = tf.saved_model.load(str(folder))
        self._requests = requests(folder)

    def call(self, name: str) -> Callable[[], None]:
        """Returns what runs a request's signature once, arrays in and arrays out."""
        import tensorflow as tf
        from tensorflow_serving.apis import predict_pb2

        request = predict_pb2.PredictRequest.FromString(self._requests[name])
        signature = self._loaded.signatures[request.model_spec.signature_name]
        arrays = {key: tf.make_ndarray(proto) for key, proto in request.inputs.items()}

        def run() -> None:
            inputs = {key: tf.constant(array) for key, array in arrays.items()}
            for output in signature(**inputs).values():
                output.numpy()

        return run

    def latency(self, name: str, count: int) -> list[float]:
        """Returns how many milliseconds each call takes."""
        run, found = self.call(name), []
        for _ in range(20):
            run()
        for _ in range(count):
            begun = time.perf_counter()
            run()
            found.append(1e3 * (time.perf_counter() - begun))
        return found

    def throughput(self, name: str) -> tuple[float, float]:
        """Returns calls a second, of as many threads as are fastest.

        And milliseconds that each of them keeps a core busy.
        """
        return max(self._calls_a_second(self.call(name), n) for n in _THREADS)

    def _calls_a_second(
        self, run: Callable[[], None], threads: int
    ) -> tuple[float, float]:
        counts = [0] * threads
        end, busy = time.perf_counter() + _SECONDS, time.process_time()

        def work(thread: int) -> None:
            while time.perf_counter() < end:
                run()
                counts[thread] += 1

        workers = [threading.Thread(target=work, args=(n,)) for n in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        busy = time.process_time() - busy
        return sum(counts) / _SECONDS, 1e3 * busy / sum(counts)


def main() -> None:
    """Builds the model if need be, then answers lines of JSON, until they end."""
    folder = Path(sys.argv[1])
    if not folder.exists():
        build(folder)
    model = InProcess(folder)
    answers = {"latency": model.latency, "throughput": model.throughput}
    answers["requests"] = lambda: {k: v.hex() for k, v in requests(folder).items()}
    for line in sys.stdin:
        what, *arguments = json.loads(line)
        print("answer", json.dumps(answers[what](*arguments)), flush=True)


if __name__ == "__main__":
    main()
