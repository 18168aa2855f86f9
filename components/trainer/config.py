"""How a model is trained."""

from pydantic import Field, model_validator

from schema.features import Frozen


class EarlyStopping(Frozen):
    """Ends training when the eval split's AUC stops rising; keeps the best weights."""

    patience: int = Field(default=2, ge=1)  # epochs without a better AUC


class TrainConfig(Frozen):
    """How a model is trained."""

    batch_size: int = Field(default=256, ge=1)  # examples
    epochs: int | None = Field(default=None, ge=1)  # at most; 15 without steps
    steps: int | None = Field(default=None, ge=1)  # batches, in place of epochs
    # Standard deviation of the Gaussian that embeddings are drawn from and, as L2 of
    # 1 / (2 stddev^2 rows) in the mean loss, pulled back to: what keeps rare ids from
    # being learnt by heart. The pull fades as the data grows.
    embedding_stddev: float = Field(default=0.05, gt=0.0, le=10.0)
    seed: int = Field(default=42, ge=0, lt=2**32)
    early_stopping: EarlyStopping | None = EarlyStopping()

    @model_validator(mode="after")
    def _one_length(self) -> "TrainConfig":
        if self.epochs and self.steps:
            raise ValueError("give epochs or steps, not both")
        return self
