"""From raw text to transformed Examples: our components, and the stock ones.

Draws Criteo-shaped text (label, 13 counts, 26 names) and runs the pipeline as far as
Transform: ours, and CsvExampleGen, StatisticsGen, SchemaGen and Transform with TFT's
own analyzers, one a column, as TFX's template has it. Each runs in a process of its
own, in turns, since hosts drift. Prints seconds by component, rows per second and per
second that a core was busy, and the most memory that the process held.

    python benchmarks/to_transform.py [ROWS [STOCK_ROWS [ROUNDS [MORE_ROWS]]]]

With MORE_ROWS ours runs on so many, too, to see whether its time grows with the rows.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import ingest

_LOG = "log.csv"


def stock_preprocessing_fn(inputs: dict[str, Any]) -> dict[str, Any]:
    """What TFX's template does: a vocabulary for each name, buckets for each count."""
    import tensorflow as tf
    import tensorflow_transform as tft

    def dense(column: tf.SparseTensor, missing: Any) -> tf.Tensor:
        shape = [column.dense_shape[0], 1]
        column = tf.SparseTensor(column.indices, column.values, shape)
        return tf.sparse.to_dense(column, missing)

    # CsvExampleGen takes a header's quotes for a part of the names.
    inputs = {name.strip('"'): column for name, column in inputs.items()}
    outputs = {"label": dense(inputs["label"], 0)}
    for name in ingest._NAMES:
        outputs[f"{name}_xf"] = tft.compute_and_apply_vocabulary(
            dense(inputs[name], ""), frequency_threshold=5, num_oov_buckets=1
        )
    for name in ingest._COUNTS:
        numbers = tf.cast(dense(inputs[name], 0), tf.float32)
        outputs[f"{name}_xf"] = tft.bucketize(numbers, 32)
    return outputs


def _stock(folder: Path) -> list[Any]:
    from tfx import v1 as tfx

    reader = tfx.components.CsvExampleGen(str(folder))
    examples = reader.outputs["examples"]
    statistics_gen = tfx.components.StatisticsGen(examples=examples)
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics_gen.outputs["statistics"], infer_feature_shape=False
    )
    transform = tfx.components.Transform(
        examples=examples,
        schema=schema_gen.outputs["schema"],
        preprocessing_fn="to_transform.stock_preprocessing_fn",
        disable_statistics=True,
    )
    return [reader, statistics_gen, schema_gen, transform]


def _ours(folder: Path) -> list[Any]:
    from tfx import v1 as tfx

    from components.example_gen.component import example_gens
    from components.transform.component import Analyzer, SpanTransform
    from pipeline.pipeline import statistics_gen
    from schema.features import Dataset

    features = {name: {"type": "numeric"} for name in ingest._COUNTS}
    features |= {name: {"type": "categorical"} for name in ingest._NAMES}
    dataset = Dataset.model_validate(
        {
            "name": "to_transform",
            "path": str(folder / _LOG),
            "label": {"column": "label"},
            "features": features,
        }
    )
    [reader] = example_gens(dataset, "")
    examples = reader.outputs["examples"]
    statistics = statistics_gen(reader)
    schema_gen = tfx.components.SchemaGen(
        statistics=statistics.outputs["statistics"], infer_feature_shape=False
    )
    analyzer = Analyzer(examples, dataset, "")
    transform = SpanTransform(
        examples,
        analyzer.outputs["analysis"],
        schema_gen.outputs["schema"],
        dataset,
        "",
    )
    return [reader, statistics, schema_gen, analyzer, transform]


def _run(side: str, folder: Path) -> None:
    """Runs one side in this process and prints what it took as a line of JSON."""
    from ml_metadata import MetadataStore
    from tfx.orchestration import metadata, pipeline
    from tfx.orchestration.local.local_dag_runner import LocalDagRunner

    components = {"stock": _stock, "ours": _ours}[side](folder)
    imported = sum(os.times()[:2])
    with tempfile.TemporaryDirectory() as root:
        connection = metadata.sqlite_metadata_connection_config(f"{root}/metadata.db")
        LocalDagRunner().run(
            pipeline.Pipeline(
                side,
                root,
                connection,
                components,
                beam_pipeline_args=ingest._BEAM_ARGS,
            )
        )
        store = MetadataStore(connection)
        names = {kind.id: kind.name for kind in store.get_execution_types()}
        seconds = {
            names[run.type_id].rsplit(".", 1)[-1]: (
                run.last_update_time_since_epoch - run.create_time_since_epoch
            )
            / 1000
            for run in store.get_executions()
        }
    [peak] = [
        int(line.split()[1])
        for line in Path("/proc/self/status").read_text().splitlines()
        if line.startswith("VmHWM")
    ]
    core_seconds = sum(os.times()[:2]) - imported
    found = {"core_seconds": core_seconds, "peak_mib": peak / 1024}
    print(json.dumps({"seconds": seconds, **found}))


def _measured(side: str, folder: Path, rows: int) -> dict[str, Any]:
    command = [sys.executable, __file__, side, str(folder)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    total = sum(found["seconds"].values())
    speeds = {
        "total_seconds": round(total, 1),
        "rows_per_second": round(rows / total),
        "rows_per_core_second": round(rows / found["core_seconds"]),
    }
    print(json.dumps({side: found, "rows": rows, **speeds}), flush=True)
    return speeds


def main(
    rows: int = 1_000_000,
    stock_rows: int = 100_000,
    rounds: int = 3,
    more_rows: int = 0,
) -> None:
    """Prints every run, and medians of the ratios within a round, as JSON."""
    runs: list[dict[str, Any]] = []
    with tempfile.TemporaryDirectory() as place:
        sizes = {"ours": rows, "stock": stock_rows, "more": more_rows}
        for name, size in sizes.items():
            if size:
                (Path(place) / name).mkdir()
                ingest.draw(Path(place) / name / _LOG, size, ",", header=True)
        for _ in range(rounds):
            done = {
                name: _measured(
                    "stock" if name == "stock" else "ours", Path(place) / name, size
                )
                for name, size in sizes.items()
                if size
            }
            runs.append(done)
    figures: dict[str, Any] = {
        "cores": os.cpu_count(),
        "load_average": os.getloadavg()[0],
        **sizes,
    }
    for name in ("stock", "more"):
        if sizes[name]:
            for unit in ("second", "core_second"):
                key = f"rows_per_{unit}"
                figures[f"{key}_times_{name}"] = round(
                    statistics.median(
                        run["ours"][key] / run[name][key] for run in runs
                    ),
                    3,
                )
    print(json.dumps(figures, indent=2))


if __name__ == "__main__":
    if sys.argv[1:2] in (["stock"], ["ours"]):
        _run(sys.argv[1], Path(sys.argv[2]))
    else:
        main(*map(int, sys.argv[1:]))
