"""Which class a policy_type stands for. A new model is one file and one line here."""

import importlib
from typing import Any

# Import paths, so that reading a configuration loads no framework.
POLICY_TYPES = {
    "lr": "model.lr:LR",
    "fm": "model.fm:FM",
    "fnn": "model.fnn:FNN",
    "pnn": "model.pnn:PNN",
    "wide_deep": "model.wide_deep:WideDeep",
    "deepfm": "model.deepfm:DeepFM",
    "dcn": "model.dcn:DCN",
    "dcn_v2": "model.dcn_v2:DCNv2",
    "xdeepfm": "model.xdeepfm:XDeepFM",
    "autoint": "model.autoint:AutoInt",
    "dlrm": "model.dlrm:DLRM",
}


def model_class(policy_type: str) -> Any:
    """Returns the model class of a policy_type.

    Raises:
        KeyError: There is no such policy_type.
    """
    module, name = POLICY_TYPES[policy_type].split(":")
    return getattr(importlib.import_module(module), name)
