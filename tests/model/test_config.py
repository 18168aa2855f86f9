import re

import pytest
from pydantic import ValidationError

from model.config import ModelConfig
from model.registry import POLICY_TYPES

OUTER = {"policy_type": "pnn", "product": "outer"}


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"policy_type": "deepfn"}, "policy_type: .*expected one of lr, fm, .*deepfm"),
        ({"activation_fn": "swoosh"}, "activation_fn: .* should be 'relu', 'gelu'"),
        ({"deep_hidden_units": "128,64"}, "deep_hidden_units: .*be a valid tuple"),
        ({"deep_hidden_units": 128}, "deep_hidden_units: .*be a valid tuple"),
        ({"deep_hidden_units": [8, 0]}, "deep_hidden_units.1: .*than or equal to 1"),
        ({"embedding_dim": 0}, "embedding_dim: .*a width from 1 to 1024, or auto"),
        ({"embedding_dim": "wide"}, "embedding_dim: .*a width from 1 to .*, or auto"),
        ({"embedding_dims": {"x": 0}}, "embedding_dims.x: .*than or equal to 1"),
        ({"projection_dim": 0}, "projection_dim: .*than or equal to 1"),
        ({"dropout": 1.0}, "dropout: .*less than 1"),
        ({"learning_rate": 0.0}, "learning_rate: .*greater than 0"),
        ({"embeding_dim": 8}, "embeding_dim: .*not permitted"),
        (
            {"policy_type": "wide_deep", "crosses": [["a"]]},
            "crosses.0: .*at least 2 items",
        ),
        (
            {"policy_type": "fm", "cross_layers": 2},
            "cross_layers is read by dcn and dcn_v2 only, .* is 'fm': remove it",
        ),
        (
            {"policy_type": "dcn_v2", "cross_experts": 2},
            "cross_experts mixes .*give cross_rank",
        ),
        (
            OUTER | {"embedding_dims": {"x": 8}},
            "product: outer needs one width .*give projection_dim",
        ),
        (
            OUTER | {"embedding_dim": "auto"},
            "product: outer needs one width .*give projection_dim",
        ),
    ],
    ids=str,
)
def test_a_refusal_names_its_key_and_says_what_to_do(settings, message):
    with pytest.raises(ValidationError) as error:
        ModelConfig(**{"policy_type": "deepfm"} | settings)
    [found] = error.value.errors()
    key = ".".join(map(str, found["loc"]))
    assert re.match(message, f"{key}: {found['msg']}".removeprefix(": Value error, "))


@pytest.mark.parametrize(
    "settings",
    [
        OUTER | {"embedding_dims": {"x": 16}},  # the width of all others
        OUTER | {"embedding_dim": "auto", "projection_dim": 8},
        {"policy_type": "dcn_v2", "cross_experts": 4, "cross_rank": 8},
        {"policy_type": "wide_deep", "crosses": [["a", "b"]], "cross_buckets": 50},
    ],
    ids=str,
)
def test_what_agrees_is_taken_and_read_again(settings):
    config = ModelConfig(**settings)
    assert ModelConfig.model_validate(config.model_dump(mode="json")) == config


OWN = {
    "pnn": {"product": "outer"},
    "wide_deep": {"crosses": [["a", "b"]], "cross_buckets": 50},
    "dcn_v2": {"cross_layers": 2, "cross_experts": 4, "cross_rank": 8},
    "xdeepfm": {"cin_units": [5]},
    "autoint": {"attention_layers": 1, "attention_heads": 4, "attention_dim": 3},
    "dlrm": {"bottom_hidden_units": [7]},
}


@pytest.mark.parametrize("policy_type", OWN)
def test_of_another_type_it_keeps_what_is_shared_and_no_more(policy_type):
    shared = {"embedding_dim": 8, "deep_hidden_units": (9,), "dropout": 0.4}
    config = ModelConfig(policy_type=policy_type, **shared, **OWN[policy_type])
    assert config.of_type(policy_type) == config
    for other in set(POLICY_TYPES) - {policy_type, "dcn"}:
        expected = ModelConfig(policy_type=other, **shared)
        assert config.of_type(other) == expected


def test_of_a_type_that_reads_it_too_a_key_is_kept():
    config = ModelConfig(policy_type="dcn_v2", cross_layers=5, cross_rank=8)
    assert config.of_type("dcn") == ModelConfig(policy_type="dcn", cross_layers=5)
