"""Small models and batches for the tests of all models."""

import numpy as np

from model.base import EmbeddingPrior
from model.config import ModelConfig
from model.registry import POLICY_TYPES, model_class
from schema.contract import IDS, PADDING_ID, VALUES
from schema.features import EmbeddingField

# One of each kind that a dataset can declare.
FIELDS = [
    EmbeddingField(name="user", num_ids=12, oov_buckets=2),
    EmbeddingField(name="price", num_ids=5, numeric=True, scaled=True),
    EmbeddingField(name="tags", num_ids=7, num_values=3, pooling="mean"),
    EmbeddingField(name="site", num_ids=40, remainder_rows=6),
    EmbeddingField(name="age", num_ids=4, numeric=True),
]
# Nothing but ids: what the papers write of.
PLAIN = [
    EmbeddingField(name="a", num_ids=4),
    EmbeddingField(name="b", num_ids=9, numeric=True),
    EmbeddingField(name="c", num_ids=3),
    EmbeddingField(name="d", num_ids=6, numeric=True),
]

# Every model as it comes, and the forms that some have.
VARIANTS = {policy_type: (policy_type, {}) for policy_type in POLICY_TYPES} | {
    "wide_deep": (
        "wide_deep",
        {"crosses": [["user", "price"], ["user", "site", "age"]], "cross_buckets": 100},
    ),
    "pnn-outer": ("pnn", {"product": "outer", "projection_dim": 4}),
    "dcn_v2-low-rank": ("dcn_v2", {"cross_rank": 2}),
    "dcn_v2-mixture": ("dcn_v2", {"cross_rank": 2, "cross_experts": 3}),
}


def make(policy_type, fields=None, prior=None, **settings):
    """Returns a model, small unless told otherwise."""
    settings = {"embedding_dim": 4, "deep_hidden_units": (8, 5)} | settings
    config = ModelConfig(policy_type=policy_type, **settings)
    return model_class(policy_type)(
        FIELDS if fields is None else fields, config, prior or EmbeddingPrior(0.3)
    )


def make_variant(variant, **settings):
    policy_type, own = VARIANTS[variant]
    return make(policy_type, **own | settings)


def batch(fields=None, rows=16, seed=0):
    """Returns inputs drawn by lot, with padding after a multi-valued field's values."""
    fields = FIELDS if fields is None else fields
    rng = np.random.default_rng(seed)
    columns = []
    for field in fields:
        ids = rng.integers(0, field.num_ids, (rows, field.num_values))
        if field.pooling:
            counts = rng.integers(0, field.num_values + 1, (rows, 1))
            ids[np.arange(field.num_values) >= counts] = PADDING_ID
        columns.append(ids)
    inputs = {IDS: np.concatenate(columns, axis=1)}
    scaled = sum(field.scaled for field in fields)
    if scaled:
        inputs[VALUES] = rng.normal(size=(rows, scaled)).astype(np.float32)
    return inputs


def labels(inputs):
    """Returns what every model can learn: whether the first field's id is odd."""
    return (inputs[IDS][:, :1] % 2).astype(np.float32)
