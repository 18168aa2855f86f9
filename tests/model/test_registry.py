import pytest

from model.base import CTRModel
from model.registry import POLICY_TYPES, model_class


@pytest.mark.parametrize("policy_type", POLICY_TYPES)
def test_every_policy_type_is_a_model(policy_type):
    assert issubclass(model_class(policy_type), CTRModel)
