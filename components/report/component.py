"""`Report`: one page that says what a run did, and why its model went out or not."""

from tfx import types
from tfx.dsl.components.base import base_component, executor_spec
from tfx.types import component_spec, standard_artifacts
from tfx.types.component_spec import ChannelParameter, ExecutionParameter
from tfx.types.experimental.simple_artifacts import File

from components.report import executor


class ReportSpec(component_spec.ComponentSpec):
    """What `Report` takes and gives."""

    PARAMETERS = {  # noqa: RUF012
        executor.CONFIG: ExecutionParameter(type=str),
        executor.METADATA_PATH: ExecutionParameter(type=str),
        executor.CODE_VERSION: ExecutionParameter(type=str),
    }
    INPUTS = {  # noqa: RUF012
        "evaluation": ChannelParameter(type=standard_artifacts.ModelEvaluation),
        "blessing": ChannelParameter(type=standard_artifacts.ModelBlessing),
        "infra_blessing": ChannelParameter(type=standard_artifacts.InfraBlessing),
        "examples": ChannelParameter(type=standard_artifacts.Examples),
        "statistics": ChannelParameter(type=standard_artifacts.ExampleStatistics),
        "anomalies": ChannelParameter(type=standard_artifacts.ExampleAnomalies),
        "transform_graph": ChannelParameter(type=standard_artifacts.TransformGraph),
        "model": ChannelParameter(type=standard_artifacts.Model),
        "model_run": ChannelParameter(type=standard_artifacts.ModelRun),
        "pushed_model": ChannelParameter(type=standard_artifacts.PushedModel),
    }
    OUTPUTS = {executor.REPORT: ChannelParameter(type=File)}  # noqa: RUF012


class Report(base_component.BaseComponent):
    """Writes the page of a run, whether its model was blessed or not.

    TFMA and TFDV show what they found in notebooks only, with scripts from the network.

    Outputs:
        report: `File`, a type that every runner knows: a folder with `report.html`.
    """

    SPEC_CLASS = ReportSpec
    EXECUTOR_SPEC = executor_spec.ExecutorClassSpec(executor.Executor)

    def __init__(
        self,
        *,
        evaluation: types.BaseChannel,
        blessing: types.BaseChannel,
        infra_blessing: types.BaseChannel,
        examples: types.BaseChannel,
        statistics: types.BaseChannel,
        anomalies: types.BaseChannel,
        transform_graph: types.BaseChannel,
        model: types.BaseChannel,
        model_run: types.BaseChannel,
        pushed_model: types.BaseChannel,
        config: str,
        metadata_path: str,
        code_version: str,
    ) -> None:
        """Makes the component.

        Args:
            evaluation: The Evaluator's.
            blessing: The Evaluator's.
            infra_blessing: The InfraValidator's.
            examples: The raw ones that the model was evaluated on.
            statistics: Of these.
            anomalies: Of these.
            transform_graph: What Transform fitted.
            model: The Trainer's.
            model_run: The Trainer's.
            pushed_model: The Pusher's, so that the report comes last.
            config: The experiment, as JSON.
            metadata_path: ML Metadata's SQLite file, for the run's lineage and timings;
                empty where it is not a file.
            code_version: Stands for our code in the cache's key.
        """
        super().__init__(
            ReportSpec(
                evaluation=evaluation,
                blessing=blessing,
                infra_blessing=infra_blessing,
                examples=examples,
                statistics=statistics,
                anomalies=anomalies,
                transform_graph=transform_graph,
                model=model,
                model_run=model_run,
                pushed_model=pushed_model,
                config=config,
                metadata_path=metadata_path,
                code_version=code_version,
                report=types.Channel(type=File),
            )
        )
