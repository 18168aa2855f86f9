import keras
import pytest


@pytest.fixture
def float64():
    """Layers made in the test compute in float64."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("float64")
    yield
    keras.config.set_dtype_policy(before)
