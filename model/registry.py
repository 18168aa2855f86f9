"""Which class a policy_type stands for. A new model is one file and one line here."""

import importlib
from typing import Any

# Import paths, so that reading a configuration loads no framework.
POLICY_TYPES = {
    "deepfm": "model.deepfm:DeepFM",
}


def model_class(policy_type: str) -> Any:
    """Returns the model class of a policy_type.

    Raises:
        KeyError: There is no such policy_type.
    """
    module, name = POLICY_TYPES[policy_type].split(":")
    return getattr(importlib.import_module(module), name)
