"""What a run knows of the runs before it: accepted statistics and a blessed model."""

from collections.abc import Sequence
from typing import Protocol

from tfx import types
from tfx import v1 as tfx
from tfx.dsl.components.base.base_component import BaseComponent
from tfx.dsl.components.base.base_node import BaseNode
from tfx.dsl.input_resolution.canned_resolver_functions import latest_created
from tfx.types import standard_artifacts

from components.memory import component as memory
from pipeline.baseline import LatestFitModelStrategy


class Past(Protocol):
    """Who knows it.

    Attributes:
        statistics: Of the train split, those that AnomalyGate accepted last.
        model: The latest that Evaluator and InfraValidator both blessed.
        known: The nodes that find these.
    """

    statistics: types.BaseChannel
    model: types.BaseChannel
    known: Sequence[BaseNode]

    def kept(
        self,
        gate: BaseComponent,
        model: types.BaseChannel,
        evaluator: BaseComponent,
        infra_validator: BaseComponent,
        pusher: BaseComponent,
    ) -> Sequence[BaseNode]:
        """Returns the nodes that let the next run know of this one."""


class InMetadata:
    """ML Metadata knows it: it has every artifact of every run."""

    def __init__(self) -> None:
        self.statistics = latest_created(
            tfx.dsl.Channel(
                type=standard_artifacts.ExampleStatistics,
                producer_component_id="AnomalyGate",
                output_key="accepted",
            )
        )
        resolver = tfx.dsl.Resolver(
            strategy_class=LatestFitModelStrategy,
            model=tfx.dsl.Channel(type=standard_artifacts.Model),
            model_blessing=tfx.dsl.Channel(type=standard_artifacts.ModelBlessing),
            infra_blessing=tfx.dsl.Channel(type=standard_artifacts.InfraBlessing),
        ).with_id("latest_blessed_model_resolver")
        self.model = resolver.outputs["model"]
        self.known = [resolver]

    def kept(
        self,
        gate: BaseComponent,
        model: types.BaseChannel,
        evaluator: BaseComponent,
        infra_validator: BaseComponent,
        pusher: BaseComponent,
    ) -> Sequence[BaseNode]:
        return []


class InFolder:
    """A folder keeps copies: Kubeflow Pipelines has no resolvers.

    Nor can who waits for a run ask what became of its model: the last node fails where
    nothing was pushed.
    """

    def __init__(self, folder: str) -> None:
        self._folder = folder
        statistics = memory.RecallStatistics(folder=folder)
        model = memory.RecallModel(folder=folder)
        self.statistics = statistics.outputs["statistics"]
        self.model = model.outputs["model"]
        self.known = [statistics, model]

    def kept(
        self,
        gate: BaseComponent,
        model: types.BaseChannel,
        evaluator: BaseComponent,
        infra_validator: BaseComponent,
        pusher: BaseComponent,
    ) -> Sequence[BaseNode]:
        statistics = memory.RememberStatistics(
            folder=self._folder, statistics=gate.outputs["accepted"]
        )
        blessed = memory.RememberModel(
            folder=self._folder,
            model=model,
            blessing=evaluator.outputs["blessing"],
            infra_blessing=infra_validator.outputs["blessing"],
        )
        verdict = memory.Verdict(pushed_model=pusher.outputs["pushed_model"])
        return [statistics, blessed, verdict]
