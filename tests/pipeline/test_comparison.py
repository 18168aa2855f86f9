import pytest

from pipeline import comparison, loading, ranking
from schema.errors import ConfigError

CLEAR = ranking.Lead("deepfm", "gbdt", 0.01, 0.003, 0.0)
CLOSE = ranking.Lead("gbdt", "deepfm", 0.001, 0.003, None)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("deepfn", "--models: 'deepfn' is none of scoring_policy, tower, lr, fm"),
        ("fm", "--models: fm cannot be trained: .*age.scale: raw is for"),
    ],
)
def test_refused_before_anything_is_read(write_config, tmp_path, name, message):
    policies = {"scoring_policy": {"policy_type": "lr"}, "tower": {"policy_type": "lr"}}
    overrides = ["dataset.features.age.scale=raw"]
    config = loading.load(write_config(policy_configs=policies), overrides)
    with pytest.raises(ConfigError, match=message):
        comparison.compare(config, ["lr", name], 1, str(tmp_path / "runs"))
    assert not (tmp_path / "runs").exists()


def test_a_policy_type_takes_over_the_scoring_policys_settings(write_config):
    policies = {
        "scoring_policy": {
            "policy_type": "dcn_v2",
            "embedding_dim": 4,
            "cross_rank": 2,
            "learning_rate": 0.002,
        },
        "dcn": {"policy_type": "dcn", "cross_layers": 1},
    }
    config = loading.load(write_config(policy_configs=policies))
    deepfm = config.with_policy("deepfm").policy
    assert (deepfm.policy_type, deepfm.embedding_dim) == ("deepfm", 4)
    assert (deepfm.cross_rank, deepfm.learning_rate) == (None, 0.002)
    assert config.with_policy("lr").policy.learning_rate == pytest.approx(0.02)
    assert config.with_policy("dcn").policy == config.policy_configs.named()["dcn"]
    assert config.with_policy("scoring_policy").policy == config.policy


def test_the_verdict_tells_noise_from_more():
    words = comparison.verdict(CLEAR)
    assert "deepfm is first by AUC, gbdt second, 0.010000 apart" in words
    assert "more than the noise" in words
    assert "Trees" not in words


def test_the_verdict_owns_up_to_trees_and_to_a_single_seed():
    words = comparison.verdict(CLOSE)
    assert "within the noise: choose by cost" in words
    assert "what a seed changes is not known" in words
    assert "Trees win here" in words
