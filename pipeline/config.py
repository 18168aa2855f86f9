"""`PipelineConfig`: an experiment, made of the rooms' own settings."""

from pydantic import Field, model_validator

from components.evaluator.config import EvalConfig
from components.trainer.config import TrainConfig
from model.config import ModelConfig
from schema.features import Dataset, Frozen, Name

# Beam's own DirectRunner may hand a job to a program that it fetches at run time.
LOCAL_BEAM = (
    "--runner=FnApiRunner",
    "--direct_running_mode=in_memory",
    "--direct_num_workers=1",
)


class PolicyConfigs(Frozen):
    """The policies of an experiment."""

    scoring_policy: ModelConfig


class PushConfig(Frozen):
    """Where blessed models go."""

    # The folder of versions, <model name>/<version>; without it, the run's own.
    destination: str | None = None


class PipelineConfig(Frozen):
    """An experiment: one YAML file, read once, then passed on as values."""

    name: Name = "generated"  # of the run's folder and of the served model
    dataset: Dataset
    policy_configs: PolicyConfigs
    training: TrainConfig = TrainConfig()
    evaluation: EvalConfig = EvalConfig()
    push: PushConfig = PushConfig()
    beam_args: tuple[str, ...] = Field(default=LOCAL_BEAM)

    @property
    def policy(self) -> ModelConfig:
        """The scoring policy."""
        return self.policy_configs.scoring_policy

    @model_validator(mode="after")
    def _slices_known(self) -> "PipelineConfig":
        for keys in self.evaluation.slices:
            for key in keys:
                if key not in self.dataset.features:
                    raise ValueError(
                        f"evaluation.slices names {key!r}, which is no feature of "
                        f"dataset {self.dataset.name!r}"
                    )
        return self
