"""`PipelineConfig`: an experiment, made of the rooms' own settings."""

import itertools
from collections.abc import Iterable

from pydantic import ConfigDict, Field, model_validator

from components.evaluator.config import EvalConfig
from components.evaluator.names import UNSEEN_SUFFIX
from components.infra_validator.config import InfraValidationConfig
from components.serving.config import ServingConfig
from components.trainer.config import TrainConfig
from model.config import ModelConfig
from pipeline.kubeflow.config import KubeflowConfig
from schema.errors import did_you_mean
from schema.features import Categorical, Dataset, Numeric, SplitRule
from schema.frozen import Frozen, Name

# Beam's own DirectRunner may hand a job to a program that it fetches at run time.
LOCAL_BEAM = (
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)
_WITHOUT_INTERACTIONS = ("lr",)


class PolicyConfigs(Frozen):
    """The policy that is trained and served, and others to compare it with, by name."""

    model_config = ConfigDict(extra="allow")
    __pydantic_extra__: dict[str, ModelConfig]

    scoring_policy: ModelConfig

    def named(self) -> dict[str, ModelConfig]:
        """Returns all policies."""
        return {"scoring_policy": self.scoring_policy, **self.__pydantic_extra__}


class PushConfig(Frozen):
    """Where blessed models go."""

    # The folder of versions, <model name>/<version>; without it, the run's own.
    destination: str | None = None


class ValidationConfig(Frozen):
    """What the data is compared with, beside that of the run before."""

    # Requests as they were served: a file, folder or glob of raw features. It needs no
    # label, and one that it has is not read.
    serving_data: str | None = None


class PipelineConfig(Frozen):
    """An experiment: one YAML file, read once, then passed on as values."""

    name: Name = "generated"  # of the run's folder and of the served model
    dataset: Dataset
    validation: ValidationConfig = ValidationConfig()
    policy_configs: PolicyConfigs
    training: TrainConfig = TrainConfig()
    serving: ServingConfig = ServingConfig()
    evaluation: EvalConfig = EvalConfig()
    infra_validation: InfraValidationConfig = InfraValidationConfig()
    push: PushConfig = PushConfig()
    beam_args: tuple[str, ...] = Field(default=LOCAL_BEAM)
    mlflow: str | None = None  # a tracking URI, where each run is logged
    kubeflow: KubeflowConfig | None = None  # for `deepfm compile` only

    @property
    def policy(self) -> ModelConfig:
        """The scoring policy."""
        return self.policy_configs.scoring_policy

    @property
    def served(self) -> Dataset | None:
        """What declares the requests that were served: all of them, in no splits."""
        if self.validation.serving_data is None:
            return None
        changed = {"path": self.validation.serving_data, "window": 1}
        changed |= {"split": SplitRule(), "sampling": None}
        return self.dataset.model_copy(update=changed)

    def with_policy(self, name: str) -> "PipelineConfig":
        """Returns the same experiment with another scoring policy.

        Args:
            name: Of one of `policy_configs`; or a policy_type, which takes over the
                scoring policy's settings, but that `lr` learns ten times as fast: its
                weights begin at 0, and its gradients are no products.

        Raises:
            ValidationError: The dataset's features are not for that policy.
        """
        policy = self.policy_configs.named().get(name)
        if policy is None:
            policy = self.policy.of_type(name)
            if name == "lr":
                rate = 10.0 * policy.learning_rate
                policy = policy.model_copy(update={"learning_rate": rate})
        configs = {"scoring_policy": policy.model_dump(mode="json")}
        settings = self.model_dump(mode="json") | {"policy_configs": configs}
        return PipelineConfig.model_validate(settings)

    @model_validator(mode="after")
    def _serving_has_thresholds(self) -> "PipelineConfig":
        if self.validation.serving_data and not self.dataset.curated_schema:
            raise ValueError(
                "validation.serving_data is compared by the thresholds of a reviewed "
                "schema (skew_comparator): add dataset.curated_schema"
            )
        return self

    @model_validator(mode="after")
    def _features_known(self) -> "PipelineConfig":
        for key in itertools.chain(*self.evaluation.slices):
            self._check_slice_key(key)
        self._check_groups()
        for name, policy in self.policy_configs.named().items():
            key = f"policy_configs.{name}"
            self._check_features(f"{key}.embedding_dims", policy.embedding_dims)
            crossed = list(itertools.chain(*policy.crosses))
            self._check_features(f"{key}.crosses", crossed)
            for feature in crossed:
                declared = self.dataset.features[feature]
                if isinstance(declared, Categorical) and declared.separator:
                    raise ValueError(
                        f"{key}.crosses names {feature!r}, which has several values a "
                        "row; a cross takes one of each of its fields"
                    )
        return self

    def _check_slice_key(self, key: str) -> None:
        """Checks that a key of `evaluation.slices` can cut rows."""
        where, name = "evaluation.slices", key.removesuffix(UNSEEN_SUFFIX)
        self._check_features(where, [name])
        feature = self.dataset.features[name]
        if key == name:
            if isinstance(feature, Numeric) and name not in self.evaluation.buckets:
                raise ValueError(
                    f"{where} names the number {name!r}: say where to cut it, as in "
                    f"evaluation.buckets: {{{name}: [1, 10]}}"
                )
        elif key in self.dataset.features:
            raise ValueError(
                f"{where} names {key!r}, a feature whose name ends as if it asked "
                f"which values of {name!r} training saw: rename it"
            )
        elif isinstance(feature, Numeric) or feature.hash_buckets is not None:
            raise ValueError(
                f"{where} names {key!r}, but {name!r} has no vocabulary that could say "
                "which values training saw"
            )

    def _check_groups(self) -> None:
        """Checks that numbers are cut, and rows grouped by what is no number."""
        features, buckets = self.dataset.features, self.evaluation.buckets
        self._check_features("evaluation.buckets", buckets)
        for name in buckets:
            if not isinstance(features[name], Numeric):
                raise ValueError(f"evaluation.buckets cuts {name!r}, which is text")
        if (group := self.evaluation.group_by) is not None:
            self._check_features("evaluation.group_by", [group])
            if isinstance(features[group], Numeric):
                raise ValueError(
                    f"evaluation.group_by names {group!r}, which is a number"
                )

    def _check_features(self, key: str, names: Iterable[str]) -> None:
        for name in names:
            if name not in self.dataset.features:
                near = did_you_mean(name, self.dataset.features).rstrip(".")
                raise ValueError(
                    f"{key} names {name!r}, which is no feature of dataset "
                    f"{self.dataset.name!r}{near}"
                )

    @model_validator(mode="after")
    def _raw_numbers_meet_nothing(self) -> "PipelineConfig":
        if self.policy.policy_type in _WITHOUT_INTERACTIONS:
            return self
        for name, feature in self.dataset.features.items():
            if isinstance(feature, Numeric) and feature.scale == "raw":
                raise ValueError(
                    f"dataset.features.{name}.scale: raw is for policy_type: lr only. "
                    f"In {self.policy.policy_type} the field's embedding meets those "
                    "of others, and a large number in it would drown them all: use "
                    "z_score, log_z_score, or buckets without a scale"
                )
        return self
