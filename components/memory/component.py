"""What a run leaves for the next one, where no ML Metadata can be asked for it.

Kubeflow Pipelines runs no resolvers: a component cannot ask for the latest artifact of
another run. Here a run keeps copies in a folder, and the next one reads them; what was
not kept yet is an artifact without files.
"""

import os

from tfx import v1 as tfx
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_artifacts
from tfx.utils import io_utils

from components.memory import store
from schema.errors import NotPushedError

_STATISTICS, _MODEL = "statistics", "model"
# What TFX's Evaluator and InfraValidator write.
_BLESSED_FILE, _INFRA_BLESSED_FILE = "BLESSED", "INFRA_BLESSED"
_NEGATIVES = "negatives"
_NOTHING = "NOTHING_KEPT"  # a file, so that an object store has the folder


@tfx.dsl.components.component
def RecallStatistics(
    folder: tfx.dsl.components.Parameter[str],
    statistics: tfx.dsl.components.OutputArtifact[standard_artifacts.ExampleStatistics],
) -> None:
    """Finds the statistics that the latest run accepted.

    Args:
        folder: Of the memory.
        statistics: They; without splits if there was no run.
    """
    kept = store.recall(os.path.join(folder, _STATISTICS), statistics.uri)
    if kept is None:
        _leave_nothing(statistics.uri)
        statistics.split_names = artifact_utils.encode_split_names([])
        return
    statistics.split_names = kept["split_names"]
    statistics.span = kept["span"]
    statistics.set_float_custom_property(_NEGATIVES, kept[_NEGATIVES])


@tfx.dsl.components.component
def RememberStatistics(
    folder: tfx.dsl.components.Parameter[str],
    statistics: tfx.dsl.components.InputArtifact[standard_artifacts.ExampleStatistics],
) -> None:
    """Keeps accepted statistics.

    Args:
        folder: Of the memory.
        statistics: They.
    """
    properties = {
        "split_names": statistics.split_names,
        "span": statistics.span,
        _NEGATIVES: statistics.get_float_custom_property(_NEGATIVES),
    }
    store.keep(statistics.uri, os.path.join(folder, _STATISTICS), properties)


@tfx.dsl.components.component
def RecallModel(
    folder: tfx.dsl.components.Parameter[str],
    model: tfx.dsl.components.OutputArtifact[standard_artifacts.Model],
) -> None:
    """Finds the latest blessed model.

    Args:
        folder: Of the memory.
        model: It; without a SavedModel if there is none.
    """
    if store.recall(os.path.join(folder, _MODEL), model.uri) is None:
        _leave_nothing(model.uri)


@tfx.dsl.components.component
def RememberModel(
    folder: tfx.dsl.components.Parameter[str],
    model: tfx.dsl.components.InputArtifact[standard_artifacts.Model],
    blessing: tfx.dsl.components.InputArtifact[standard_artifacts.ModelBlessing],
    infra_blessing: tfx.dsl.components.InputArtifact[standard_artifacts.InfraBlessing],
) -> None:
    """Keeps a model if both bless it.

    Args:
        folder: Of the memory.
        model: The candidate.
        blessing: The Evaluator's.
        infra_blessing: The InfraValidator's.
    """
    if fileio.exists(os.path.join(blessing.uri, _BLESSED_FILE)) and fileio.exists(
        os.path.join(infra_blessing.uri, _INFRA_BLESSED_FILE)
    ):
        store.keep(model.uri, os.path.join(folder, _MODEL), {})


@tfx.dsl.components.component
def Verdict(
    pushed_model: tfx.dsl.components.InputArtifact[standard_artifacts.PushedModel],
) -> None:
    """Ends the run as failed if its model was not pushed.

    Args:
        pushed_model: The Pusher's.

    Raises:
        NotPushedError: It says that nothing was.
    """
    if not pushed_model.get_int_custom_property("pushed"):
        raise NotPushedError(
            "nothing was pushed: the model is not blessed. Evaluator and "
            "InfraValidator say why."
        )


def _leave_nothing(uri: str) -> None:
    io_utils.write_string_file(os.path.join(uri, _NOTHING), "")
