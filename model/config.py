"""The policy block of an experiment: which model, how big, how fast it learns."""

from typing import Annotated, Literal, get_args

from pydantic import Field, field_validator

from model.registry import POLICY_TYPES
from schema.features import Frozen

Activation = Literal[
    "relu", "gelu", "elu", "selu", "silu", "leaky_relu", "softplus", "tanh", "sigmoid"
]
ACTIVATIONS = get_args(Activation)


class ModelConfig(Frozen):
    """What a model is made of; keys and defaults are Shaped's model library's."""

    policy_type: str
    embedding_dim: int = Field(default=16, ge=1, le=1024)  # width of the shared table
    deep_hidden_units: tuple[Annotated[int, Field(ge=1, le=65536)], ...] = (128, 64, 32)
    activation_fn: Activation = "relu"
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)  # share of units set to 0
    learning_rate: float = Field(default=0.001, gt=0.0, le=10.0)

    @field_validator("policy_type")
    @classmethod
    def _known(cls, policy_type: str) -> str:
        if policy_type not in POLICY_TYPES:
            raise ValueError(f"expected one of {', '.join(POLICY_TYPES)}")
        return policy_type
