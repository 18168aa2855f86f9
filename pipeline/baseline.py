"""Which model a candidate is compared with: the latest that was fit to be pushed."""

from collections.abc import Sequence
from typing import Any

from ml_metadata import MetadataStore
from ml_metadata.proto import metadata_store_pb2 as mlmd
from tfx import types
from tfx import v1 as tfx

_MODEL, _MODEL_BLESSING = "model", "model_blessing"
_INFRA_BLESSING = "infra_blessing"
_BLESSED = "blessed"  # a property of either blessing, 1 or 0


class LatestFitModelStrategy(tfx.dsl.experimental.LatestBlessedModelStrategy):
    """Resolves the latest model that both Evaluator and InfraValidator blessed.

    The stock strategy does not know of the InfraValidator: a model that it refused,
    which nobody was ever served, would be what the next ones are held to.

    The channels are `model`, `model_blessing` and `infra_blessing`.
    """

    def resolve_artifacts(
        self, store: MetadataStore, input_dict: dict[str, list[types.Artifact]]
    ) -> dict[str, list[types.Artifact]]:
        """Returns the model and its blessings, each in a list; empty if there is none.

        Args:
            store: Says which blessing is of which model.
            input_dict: All models and blessings of the pipeline.
        """
        fit = _blessed_models(store, input_dict[_INFRA_BLESSING])
        found = super().resolve_artifacts(
            store,
            {
                _MODEL: [model for model in input_dict[_MODEL] if model.id in fit],
                _MODEL_BLESSING: input_dict[_MODEL_BLESSING],
            },
        )
        return {**found, _INFRA_BLESSING: [fit[model.id] for model in found[_MODEL]]}


def _blessed_models(
    store: MetadataStore, blessings: Sequence[types.Artifact]
) -> dict[int, types.Artifact]:
    """Returns the InfraBlessing of each model that has one, by the model's id.

    Found by what a validation was given: a stock InfraBlessing names no model.
    """
    granted = {
        blessing.id: blessing
        for blessing in blessings
        if blessing.get_int_custom_property(_BLESSED)
    }
    if not granted:
        return {}
    blessing_of = {
        event.execution_id: granted[event.artifact_id]
        for event in store.get_events_by_artifact_ids(list(granted))
        if event.type == mlmd.Event.OUTPUT
    }
    given: Sequence[Any] = store.get_events_by_execution_ids(list(blessing_of))
    return {
        event.artifact_id: blessing_of[event.execution_id]
        for event in given
        if event.type == mlmd.Event.INPUT
    }
