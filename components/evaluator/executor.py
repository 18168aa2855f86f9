"""An Evaluator that holds a model stored in fewer bits to the one that was trained."""

import os
from typing import Any

from tfx import types
from tfx.components.evaluator import constants, executor
from tfx.dsl.io import fileio
from tfx.types import artifact_utils, standard_component_specs
from tfx.utils import path_utils

from components import json_files
from components.evaluator.config import STORING_PROPERTY
from schema.contract import STORING_PATH


class Executor(executor.Executor):
    """Evaluates as the stock one does, then may take the blessing back.

    TFMA sees the model that is to be pushed only; the Trainer had both forms of it and
    wrote beside it what the one is worth less.
    """

    def Do(
        self,
        input_dict: dict[str, list[types.Artifact]],
        output_dict: dict[str, list[types.Artifact]],
        exec_properties: dict[str, Any],
    ) -> None:
        """Evaluates the model and blesses it, or not."""
        input_dict = with_baseline(input_dict)
        super().Do(input_dict, output_dict, exec_properties)
        model = artifact_utils.get_single_instance(
            input_dict[standard_component_specs.MODEL_KEY]
        )
        blessing = artifact_utils.get_single_instance(
            output_dict[standard_component_specs.BLESSING_KEY]
        )
        judge(path_utils.serving_model_path(model.uri), blessing)


def with_baseline(
    input_dict: dict[str, list[types.Artifact]],
) -> dict[str, list[types.Artifact]]:
    """Returns inputs whose baseline, if there is one, holds a model.

    A runner that has to hand over something hands over an artifact without any.
    """
    key = standard_component_specs.BASELINE_MODEL_KEY
    kept = [
        model
        for model in input_dict.get(key, ())
        if fileio.exists(path_utils.serving_model_path(model.uri))
    ]
    return {**input_dict, key: kept}


def judge(model_path: str, blessing: types.Artifact) -> None:
    """Says in a blessing what storing a model in fewer bits cost; refuses too much.

    Args:
        model_path: Of the SavedModel.
        blessing: As TFMA's verdict left it.
    """
    cost = json_files.read(os.path.join(model_path, STORING_PATH))
    if cost is None:
        return  # stored as it was trained
    loss, bound = cost["float32_auc"] - cost["auc"], cost["max_auc_loss"]
    moved = "lost" if loss >= 0 else "gained"
    words = (
        f"stored as {cost['embeddings']} it {moved} {abs(loss):.6f} of its AUC in "
        f"float32 ({cost['float32_auc']:.6f}); at most {bound} may be lost"
    )
    blessing.set_string_custom_property(STORING_PROPERTY, words)
    if loss <= bound:
        return
    blessed = os.path.join(blessing.uri, constants.BLESSED_FILE_NAME)
    if fileio.exists(blessed):
        refused = os.path.join(blessing.uri, constants.NOT_BLESSED_FILE_NAME)
        fileio.rename(blessed, refused)
    blessing.set_int_custom_property(
        constants.ARTIFACT_PROPERTY_BLESSED_KEY, constants.NOT_BLESSED_VALUE
    )
