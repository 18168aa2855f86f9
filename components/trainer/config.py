"""How a model is trained."""

from typing import Literal

from pydantic import Field, model_validator

from schema.frozen import Frozen


class EarlyStopping(Frozen):
    """Ends training when the eval split's AUC stops rising; keeps the best weights."""

    patience: int = Field(default=2, ge=1)  # epochs without a better AUC


class FtrlConfig(Frozen):
    """FTRL-Proximal for first-order weights, as Wide & Deep has it."""

    learning_rate: float = Field(default=0.05, gt=0.0, le=10.0)
    l1: float = Field(default=0.0, ge=0.0)  # weights that matter little stay at 0


Calibration = Literal["isotonic", "platt"]


class TrainConfig(Frozen):
    """How a model is trained."""

    batch_size: int = Field(default=256, ge=1)  # examples
    epochs: int | None = Field(default=None, ge=1)  # at most; 15 without steps
    steps: int | None = Field(default=None, ge=1)  # batches, in place of epochs
    optimizer: Literal["adam", "adagrad"] = "adam"  # on the rows a batch touches
    first_order_ftrl: FtrlConfig | None = None  # without it, as all other weights
    clip_norm: float | None = Field(default=None, gt=0.0)  # of all gradients together
    label_smoothing: float = Field(default=0.0, ge=0.0, lt=1.0)
    # Standard deviation of the Gaussian that embeddings are drawn from and, as their
    # prior, pulled back to: what keeps rare ids from being learnt by heart. As a weight
    # of half the sum of squares in the mean loss it is 1 / (stddev^2 rows), so the pull
    # fades as the data grows. An L2 of one's own replaces that weight; 0 is no pull.
    embedding_stddev: float = Field(default=0.05, gt=0.0, le=10.0)
    embedding_l2: float | None = Field(default=None, ge=0.0)
    # The same of first-order weights, which begin at 0.
    first_order_stddev: float = Field(default=0.2, gt=0.0, le=10.0)
    first_order_l2: float | None = Field(default=None, ge=0.0)
    seed: int = Field(default=42, ge=0, lt=2**32)
    early_stopping: EarlyStopping | None = EarlyStopping()
    # How probabilities are corrected by every tenth row of the train split, which the
    # model then does not learn from. Without it, they stay as the model learnt them.
    calibration: Calibration | None = None

    @model_validator(mode="after")
    def _one_length(self) -> "TrainConfig":
        if self.epochs and self.steps:
            raise ValueError("give epochs or steps, not both")
        return self
