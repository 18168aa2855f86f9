import pytest
from pydantic import ValidationError

from model.base import CTRModel
from model.config import ModelConfig
from model.registry import POLICY_TYPES, model_class


@pytest.mark.parametrize("policy_type", POLICY_TYPES)
def test_every_policy_type_is_a_model(policy_type):
    assert issubclass(model_class(policy_type), CTRModel)


def test_unknown_policy_type_names_the_known():
    with pytest.raises(ValidationError, match="expected one of deepfm"):
        ModelConfig(policy_type="deepfn")
