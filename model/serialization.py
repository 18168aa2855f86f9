"""One package name for our Keras classes: saved models survive moved files."""

from collections.abc import Callable
from typing import Any

import keras


def register() -> Callable[[type], type]:
    """Returns the decorator that registers a layer or model under its class name."""
    decorator: Any = keras.saving.register_keras_serializable(package="deepfm_tfx")
    return decorator
