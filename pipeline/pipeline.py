"""`create_pipeline`: which stages, in what order, with which settings."""

import json
import os
from collections.abc import Sequence

import tensorflow_data_validation as tfdv
from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base import executor_spec
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.types import channel

from components.evaluator import eval_config
from components.evaluator.component import Evaluator
from components.example_gen.component import (
    BEFORE_SPAN,
    EXAMPLE_GEN,
    ArrowExampleGen,
    example_gens,
    serving_example_gen,
    unseen_example_gen,
)
from components.example_validator.gate import AnomalyGate
from components.infra_validator.component import InfraValidator
from components.pusher import executor as pusher_executor
from components.report.component import Report
from components.tracking.component import MLflowLogger, check_installed
from components.transform.component import Analyzer, SpanTransform
from pipeline.config import PipelineConfig
from pipeline.past import InFolder, InMetadata


def create_pipeline(
    config: PipelineConfig,
    pipeline_root: str,
    metadata_path: str,
    serving_dir: str,
    code_version: str,
    memory: str | None = None,
) -> tfx.dsl.Pipeline:
    """Returns the DAG of an experiment; every runner runs this one.

    Args:
        config: The experiment; its dataset has a path.
        pipeline_root: Where artifacts go.
        metadata_path: The SQLite file of ML Metadata; empty where there is none.
        serving_dir: Where versions are pushed.
        code_version: Of our code: a component's cached output holds only for it.
        memory: The folder by which a run knows of the one before, where no component
            can ask ML Metadata and the data is out of sight until they run.
    """
    past = InFolder(memory) if memory else InMetadata()
    dataset = config.dataset
    declaration, experiment = dataset.declaration(), config.model_dump_json()

    # One, or one for each span of the window; a model is judged by the latest.
    if memory:
        readers = [unseen_example_gen(dataset, code_version)]
    else:
        readers = example_gens(dataset, code_version)
    examples = readers[-1].outputs["examples"]
    window = _together([reader.outputs["examples"] for reader in readers])

    # An inferred schema is made of the latest span, and not for others to meet.
    validated = readers if dataset.curated_schema else readers[-1:]
    *earlier, latest = [statistics_gen(reader) for reader in validated]
    statistics = latest.outputs["statistics"]

    if dataset.curated_schema:
        schema_gen = tfx.components.ImportSchemaGen(schema_file=dataset.curated_schema)
    else:
        schema_gen = tfx.components.SchemaGen(
            statistics=statistics, infer_feature_shape=False
        )
    schema = schema_gen.outputs["schema"]

    example_validator = tfx.components.ExampleValidator(
        statistics=statistics, schema=schema
    )
    gate_inputs = {}
    if earlier:
        gate_inputs["earlier"] = _together(
            [gen.outputs["statistics"] for gen in earlier]
        )
    served = _of_served_data(config, code_version, seen=not memory)
    if served:
        gate_inputs["serving"] = served[-1].outputs["statistics"]
    anomaly_gate = AnomalyGate(
        anomalies=example_validator.outputs["anomalies"],
        statistics=statistics,
        schema=schema,
        dataset=declaration,
        earlier_spans=json.dumps(
            [reader.id.partition(BEFORE_SPAN)[2] for reader in validated[:-1]]
        ),
        previous=past.statistics,  # none in the first run
        **gate_inputs,
    )

    # One for each span: of those that were there yesterday, nothing is counted again.
    analyzers = [
        Analyzer(reader.outputs["examples"], dataset, code_version).with_id(
            reader.id.replace(EXAMPLE_GEN, "Analyzer")
        )
        for reader in readers
    ]
    for analyzer in analyzers:
        analyzer.add_upstream_node(anomaly_gate)

    transform = SpanTransform(
        examples=window,
        analyses=_together([one.outputs["analysis"] for one in analyzers]),
        schema=schema,
        dataset=dataset,
        code_version=code_version,
    ).with_id("Transform")

    trainer = tfx.components.Trainer(
        run_fn="components.trainer.run_fn.run_fn",
        examples=transform.outputs["transformed_examples"],
        transform_graph=transform.outputs["transform_graph"],
        schema=schema,
        custom_config={
            "dataset": declaration,
            "policy": config.policy.model_dump_json(),
            "training": config.training.model_dump_json(),
            "serving": config.serving.model_dump_json(),
            "code_version": code_version,
        },
    )
    model = trainer.outputs["model"]

    evaluator = Evaluator(
        examples=examples,
        model=model,
        baseline_model=past.model,
        eval_config=eval_config.to_tfma(
            config.evaluation, dataset.label.column, dataset.weight
        ),
        module_path="components.evaluator.extractors",
    )

    infra_validator = InfraValidator(
        model=model,
        examples=examples,
        config=config.infra_validation,
        code_version=code_version,
    )
    infra_validator.add_upstream_node(evaluator)

    pusher = tfx.components.Pusher(
        model=model,
        model_blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_validator.outputs["blessing"],
        push_destination=tfx.proto.PushDestination(
            filesystem=tfx.proto.PushDestination.Filesystem(base_directory=serving_dir)
        ),
        custom_executor_spec=executor_spec.ExecutorClassSpec(pusher_executor.Executor),
    )

    report = Report(
        evaluation=evaluator.outputs["evaluation"],
        blessing=evaluator.outputs["blessing"],
        infra_blessing=infra_validator.outputs["blessing"],
        examples=examples,
        statistics=statistics,
        anomalies=example_validator.outputs["anomalies"],
        transform_graph=transform.outputs["transform_graph"],
        model=model,
        model_run=trainer.outputs["model_run"],
        pushed_model=pusher.outputs["pushed_model"],
        config=experiment,
        metadata_path=os.path.abspath(metadata_path) if metadata_path else "",
        code_version=code_version,
    )

    tracked = []
    if config.mlflow:
        check_installed()
        tracked = [
            MLflowLogger(
                tracking_uri=config.mlflow,
                config=experiment,
                code_version=code_version,
                evaluation=evaluator.outputs["evaluation"],
                model_run=trainer.outputs["model_run"],
                pushed_model=pusher.outputs["pushed_model"],
                report=report.outputs["report"],
            )
        ]

    return tfx.dsl.Pipeline(
        pipeline_name=config.name,
        pipeline_root=pipeline_root,
        components=[
            *past.known,
            *readers,
            *earlier,
            latest,
            schema_gen,
            example_validator,
            *served,
            anomaly_gate,
            *analyzers,
            transform,
            trainer,
            evaluator,
            infra_validator,
            pusher,
            report,
            *tracked,
            *past.kept(anomaly_gate, model, evaluator, infra_validator, pusher),
        ],
        enable_cache=True,
        metadata_connection_config=(
            tfx.orchestration.metadata.sqlite_metadata_connection_config(metadata_path)
        ),
        beam_pipeline_args=list(config.beam_args),
    )


def statistics_gen(reader: ArrowExampleGen) -> tfx.components.StatisticsGen:
    """Returns a component that is called after its reader: `StatisticsGen-<span>`.

    Frequent values and their number are counted by sketches, exactly up to some 16,000
    values a feature. Without, all values travel through Beam, for twice the time.
    """
    gen = tfx.components.StatisticsGen(
        examples=reader.outputs["examples"],
        stats_options=tfdv.StatsOptions(use_sketch_based_topk_uniques=True),
    )
    return gen.with_id(reader.id.replace(EXAMPLE_GEN, "StatisticsGen"))


def _together(channels: Sequence[types.BaseChannel]) -> types.BaseChannel:
    """Returns the union of some outputs; of one, itself, which every runner takes."""
    return channels[0] if len(channels) == 1 else channel.union(channels)


def _of_served_data(
    config: PipelineConfig, code_version: str, seen: bool
) -> list[BaseComponent]:
    """Returns what reads the requests that were served, and looks at them, if any."""
    if config.served is None:
        return []
    reader = serving_example_gen(config.served, code_version, seen)
    return [reader, statistics_gen(reader)]
