"""What TFX's Trainer calls."""

from typing import Any

import keras
import tensorflow_transform as tft

from components.serving import signatures
from components.trainer import datasets, training
from components.trainer.config import TrainConfig
from model.config import ModelConfig
from model.registry import model_class
from schema.contract import VOCABULARY, vocabulary_sizes
from schema.features import Dataset, embedding_field

_EVAL_BATCH = 4096  # examples; nothing is learnt from them, so larger is only faster


def run_fn(fn_args: Any) -> None:
    """Trains the policy of `custom_config` and writes its SavedModel.

    Args:
        fn_args: TFX's FnArgs; `custom_config` holds `dataset`, `policy` and `training`,
            each as JSON.
    """
    dataset = Dataset.model_validate_json(fn_args.custom_config["dataset"])
    policy = ModelConfig.model_validate_json(fn_args.custom_config["policy"])
    config = TrainConfig.model_validate_json(fn_args.custom_config["training"])
    keras.utils.set_random_seed(config.seed)

    transform = tft.TFTransformOutput(fn_args.transform_graph_path)
    feature_spec = transform.transformed_feature_spec()
    label = dataset.label.column
    rows = datasets.count(fn_args.train_files)
    train = datasets.read(
        fn_args.train_files, feature_spec, label, config.batch_size, config.seed
    )
    evaluation = datasets.read(fn_args.eval_files, feature_spec, label, _EVAL_BATCH)

    model = model_class(policy.policy_type)(
        fields=_fields(dataset, transform),
        config=policy,
        embedding_stddev=config.embedding_stddev,
        embedding_l2=1.0 / (2.0 * config.embedding_stddev**2 * rows),
    )
    training.fit(model, train, evaluation, rows, policy.learning_rate, config)
    signatures.export(model, transform, label, fn_args.serving_model_dir)


def _fields(dataset: Dataset, transform: tft.TFTransformOutput) -> list[Any]:
    lines = {}
    if dataset.categorical():
        with open(transform.vocabulary_file_by_name(VOCABULARY)) as file:
            lines = vocabulary_sizes(file)
    return [
        embedding_field(name, feature, lines.get(name, 0))
        for name, feature in dataset.features.items()
    ]
