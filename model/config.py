"""The policy block of an experiment: which model, how big, how fast it learns."""

from typing import Annotated, Any, Literal, get_args

from pydantic import Field, field_validator, model_validator

from model.registry import POLICY_TYPES
from schema.frozen import Frozen, Name

Activation = Literal[
    "relu", "gelu", "elu", "selu", "silu", "leaky_relu", "softplus", "tanh", "sigmoid"
]
ACTIVATIONS = get_args(Activation)
_WIDEST = 1024
Width = Annotated[int, Field(ge=1, le=_WIDEST)]
Units = tuple[Annotated[int, Field(ge=1, le=65536)], ...]

# Keys that only some models read. Elsewhere a value of one's own would say nothing.
_READERS = {
    "product": ("pnn",),
    "crosses": ("wide_deep",),
    "cross_buckets": ("wide_deep",),
    "cross_layers": ("dcn", "dcn_v2"),
    "cross_rank": ("dcn_v2",),
    "cross_experts": ("dcn_v2",),
    "cin_units": ("xdeepfm",),
    "attention_layers": ("autoint",),
    "attention_heads": ("autoint",),
    "attention_dim": ("autoint",),
    "bottom_hidden_units": ("dlrm",),
}


def unread(policy_type: str) -> set[str]:
    """Returns the keys that a policy type does not read."""
    return {key for key, readers in _READERS.items() if policy_type not in readers}


class ModelConfig(Frozen):
    """What a model is made of; the first keys and defaults are Shaped's."""

    policy_type: str
    # Width of every field's embedding; auto lets it grow with the fourth root of the
    # field's number of ids.
    embedding_dim: int | Literal["auto"] = 16
    # Fields with a width of their own.
    embedding_dims: dict[Name, Width] = Field(default_factory=dict)
    # The one width that interactions need where fields differ; without it, the widest.
    projection_dim: Width | None = None
    # Of the tower. Empty: no tower where it is one part of a sum, else a linear map.
    deep_hidden_units: Units = (128, 64, 32)
    activation_fn: Activation = "relu"
    dropout: float = Field(default=0.2, ge=0.0, lt=1.0)  # share of units set to 0
    batch_norm: bool = False  # between a hidden layer and its activation
    # Share of known ids that training sends to the out-of-vocabulary row.
    id_dropout: float = Field(default=0.02, ge=0.0, lt=1.0)
    learning_rate: float = Field(default=0.001, gt=0.0, le=10.0)
    mixed_precision: bool = False  # bfloat16 products; weights stay float32

    product: Literal["inner", "outer"] = "inner"  # pnn: of pairs of embeddings
    crosses: tuple[Annotated[tuple[Name, ...], Field(min_length=2)], ...] = ()
    cross_buckets: int = Field(default=100_000, ge=2)  # wide_deep: ids of one cross
    cross_layers: int = Field(default=3, ge=0, le=64)  # dcn, dcn_v2
    cross_rank: Width | None = None  # dcn_v2: of the matrices; full without it
    cross_experts: int = Field(default=1, ge=1, le=64)  # dcn_v2: mixed by a gate
    cin_units: Units = (32, 32)  # xdeepfm: feature maps of each layer
    attention_layers: int = Field(default=2, ge=1, le=64)  # autoint
    attention_heads: int = Field(default=2, ge=1, le=64)
    attention_dim: Width = 16  # of one head
    bottom_hidden_units: Units = (64,)  # dlrm: the tower of the numeric fields

    # As a plain check: of a union, an error would tell of each of its types.
    @field_validator("embedding_dim", mode="plain")
    @classmethod
    def _width_or_auto(cls, dim: Any) -> int | Literal["auto"]:
        if dim == "auto" or (type(dim) is int and 1 <= dim <= _WIDEST):
            return dim
        raise ValueError(f"expected a width from 1 to {_WIDEST}, or auto")

    @field_validator("policy_type")
    @classmethod
    def _known(cls, policy_type: str) -> str:
        if policy_type not in POLICY_TYPES:
            raise ValueError(f"expected one of {', '.join(POLICY_TYPES)}")
        return policy_type

    @model_validator(mode="after")
    def _options_agree(self) -> "ModelConfig":
        for key, readers in _READERS.items():
            if self.policy_type not in readers and self._chosen(key):
                raise ValueError(
                    f"{key} is read by {' and '.join(readers)} only, the policy_type "
                    f"is {self.policy_type!r}: remove it"
                )
        if self.cross_experts > 1 and self.cross_rank is None:
            raise ValueError("cross_experts mixes low-rank crosses: give cross_rank")
        if self.product == "outer" and self.projection_dim is None:
            dims = {self.embedding_dim, *self.embedding_dims.values()}
            if len(dims) > 1 or "auto" in dims:
                raise ValueError(
                    "product: outer needs one width for all fields, its cost grows "
                    "with the square of it; give projection_dim, one embedding_dim "
                    "for all fields, or product: inner"
                )
        return self

    def of_type(self, policy_type: str) -> "ModelConfig":
        """Returns the same settings for another model, without what only some read."""
        settings = self.model_dump(exclude=unread(policy_type))
        return ModelConfig.model_validate({**settings, "policy_type": policy_type})

    def _chosen(self, key: str) -> Any:
        return getattr(self, key) != type(self).model_fields[key].default
