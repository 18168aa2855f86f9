import importlib
import inspect
import pkgutil

import keras
import pytest

import model

MODULES = [
    importlib.import_module(found.name)
    for found in pkgutil.walk_packages(model.__path__, "model.")
]
CLASSES = [
    value
    for module in MODULES
    for value in vars(module).values()
    if inspect.isclass(value)
    and value.__module__ == module.__name__
    and issubclass(value, keras.layers.Layer | keras.optimizers.Optimizer)
    and not inspect.isabstract(value)
]


@pytest.mark.parametrize("cls", CLASSES)
def test_a_saved_object_names_its_class_and_not_its_file(cls):
    name = f"deepfm_tfx>{cls.__name__}"
    assert keras.saving.get_registered_name(cls) == name
    assert keras.saving.get_registered_object(name) is cls


def test_no_two_classes_share_a_name():
    names = [cls.__name__ for cls in CLASSES]
    assert len(set(names)) == len(names) > 20
