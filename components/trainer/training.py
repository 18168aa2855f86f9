"""Compiles and fits a model."""

import logging
import time
from typing import Any

import keras
import tensorflow as tf

from components.trainer.config import TrainConfig
from model.base import CTRModel

_DEFAULT_EPOCHS = 15
# Whoever runs the pipeline shows these records; each carries `step`, `steps` and
# `epoch`, and in a container they are lines of the log.
progress_log = logging.getLogger("deepfm.progress")


class Progress(keras.callbacks.Callback):
    """Reports how far training has come, at most twice a second."""

    def __init__(self, rows: int, batch_size: int, total_steps: int) -> None:
        super().__init__()
        self._batch_size = batch_size
        self._steps_per_epoch = max(1, -(-rows // batch_size))
        self._total_steps = total_steps
        self._step = 0
        self._reported = 0.0
        self._begun = time.monotonic()

    def on_train_batch_end(self, batch: int, logs: Any = None) -> None:
        self._step += 1
        now = time.monotonic()
        if now - self._reported < 0.5 and self._step < self._total_steps:
            return
        self._reported = now
        speed = self._step * self._batch_size / max(now - self._begun, 1e-9)
        progress_log.info(
            "training: step %d of at most %d, epoch %d, loss %.4f, %.0f examples/s",
            self._step,
            self._total_steps,
            1 + (self._step - 1) // self._steps_per_epoch,
            logs["loss"],
            speed,
            extra={"step": self._step, "steps": self._total_steps},
        )


def fit(
    model: CTRModel,
    train: tf.data.Dataset,
    evaluation: tf.data.Dataset,
    rows: int,
    learning_rate: float,
    config: TrainConfig,
) -> keras.callbacks.History:
    """Trains a model in place.

    Args:
        model: Not yet compiled.
        train: Batches of (features, label), one pass of the train split.
        evaluation: The same of the eval split; early stopping watches its AUC.
        rows: Examples in one pass of `train`.
        learning_rate: Adam's.
        config: How long, and when to stop.

    Returns:
        Keras' history: per epoch `loss`, `auc`, `val_loss`, `val_auc`.
    """
    model.compile(
        optimizer=keras.optimizers.Adam(learning_rate),
        loss=keras.losses.BinaryCrossentropy(from_logits=True),
        metrics=[keras.metrics.AUC(num_thresholds=1000, from_logits=True, name="auc")],
    )
    steps_per_epoch = -(-rows // config.batch_size)
    total = config.steps or (config.epochs or _DEFAULT_EPOCHS) * steps_per_epoch
    epochs, epoch_steps = -(-total // steps_per_epoch), min(total, steps_per_epoch)
    callbacks: list[keras.callbacks.Callback] = [
        Progress(rows, config.batch_size, total)
    ]
    if config.early_stopping:
        # The last thousandths of AUC are learnt in small steps.
        callbacks.append(
            keras.callbacks.ReduceLROnPlateau(
                monitor="val_auc", mode="max", factor=0.2, patience=0
            )
        )
        callbacks.append(
            keras.callbacks.EarlyStopping(
                monitor="val_auc",
                mode="max",
                patience=config.early_stopping.patience,
                restore_best_weights=True,
            )
        )
    return model.fit(
        train.repeat().take(total),
        validation_data=evaluation,
        epochs=epochs,
        steps_per_epoch=epoch_steps,
        callbacks=callbacks,
        verbose=0,
    )
