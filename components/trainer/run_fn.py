"""Entry point of the Trainer component: trains the configured model and exports it."""

from typing import Any

import tensorflow_transform as tft

from components import correction, model_run
from components.serving import signatures
from components.serving.config import ServingConfig
from components.trainer import correcting, logs, storing, training
from components.trainer.config import TrainConfig
from components.trainer.datasets import TransformedSplits
from model.config import ModelConfig
from schema.features import Dataset


def run_fn(fn_args: Any) -> None:
    """Trains a model and writes it as a SavedModel; the Trainer calls this.

    Args:
        fn_args: TFX's `FnArgs`. In its `custom_config`, each as JSON: `dataset`,
            `policy`, `training` and `serving`.
    """
    custom = fn_args.custom_config
    dataset = Dataset.model_validate_json(custom["dataset"])
    policy = ModelConfig.model_validate_json(custom["policy"])
    config = TrainConfig.model_validate_json(custom["training"])
    serving = ServingConfig.model_validate_json(custom["serving"])
    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    splits = TransformedSplits(
        dataset,
        transform,
        fn_args.train_files,
        fn_args.eval_files,
        hold_out=config.calibration is not None,
    )
    settings = policy.model_dump(mode="json"), config.model_dump(mode="json")
    model_run.write_settings(fn_args.model_run_dir, *settings)
    written = logs.callbacks(fn_args.model_run_dir)
    model = training.train(splits, policy, config, written)
    cost = storing.store(
        model, splits.evaluation(), serving.embeddings, serving.max_auc_loss
    )
    done = correcting.correct(model, splits, config.calibration)
    signatures.export(model, transform, dataset, fn_args.serving_model_dir)
    if cost:
        storing.write(cost, fn_args.serving_model_dir)
    if done:
        correction.write(done, fn_args.serving_model_dir)
