"""What every layer must do, by being in model/layers."""

import ast
import doctest
import importlib
import inspect
import re
from pathlib import Path

import keras
import numpy as np
import pytest

import model.layers
from model.registry import POLICY_TYPES, model_class

FOLDER = Path(model.layers.__file__).parent
MODULES = sorted(path.stem for path in FOLDER.glob("*.py") if path.stem != "__init__")
FIELDS = [{"name": "a", "num_ids": 9, "oov_buckets": 1}, {"name": "b", "num_ids": 5}]
IDS = np.array([[1, 2], [8, 0], [3, 4]])
VECTOR = np.ones((3, 6), np.float32)
EMBEDDINGS = np.ones((3, 4, 2), np.float32)

# A layer to try, all of its settings other than the defaults, and its inputs.
EXAMPLES = {
    "CompressedInteraction": ({"units": [3, 2]}, [EMBEDDINGS]),
    "CrossedIds": ({"fields": FIELDS, "crosses": [["a", "b"]], "buckets": 7}, [IDS]),
    "DeepTower": (
        {
            "units": [4, 3],
            "activation": "gelu",
            "dropout": 0.1,
            "batch_norm": True,
            "output_dim": 2,
        },
        [VECTOR],
    ),
    "FactorizationMachine": ({}, [EMBEDDINGS]),
    "FieldEmbedding": (
        {
            "fields": FIELDS,
            "dims": [4, 2],
            "projection_dim": 3,
            "initializer": "zeros",
            "l2": 0.5,
        },
        [IDS],
    ),
    "IdDropout": ({"fields": FIELDS, "rate": 0.5, "seed": 3}, [IDS]),
    "Interacting": ({"num_heads": 2, "head_dim": 3}, [EMBEDDINGS]),
    "LogitSum": ({"negatives": 0.1}, [[VECTOR[:, :1], VECTOR[:, :1]]]),
    "MixtureCross": (
        {"num_experts": 2, "rank": 3, "activation": "relu"},
        [VECTOR, VECTOR],
    ),
    "SharedEmbedding": (
        {"fields": FIELDS, "dim": 3, "initializer": "zeros", "l2": 0.5},
        [IDS],
    ),
    "VectorCross": ({}, [VECTOR, VECTOR]),
}


def layer_class(module):
    """Returns the class that a module is named after."""
    name = "".join(word.capitalize() for word in module.split("_"))
    return getattr(importlib.import_module(f"model.layers.{module}"), name)


def settings_of(cls):
    """Returns the settings that a class's own `__init__` names, without Keras's."""
    if "__init__" not in vars(cls):
        return {}
    parameters = inspect.signature(cls.__init__).parameters
    return {
        name: parameter.default
        for name, parameter in parameters.items()
        if name != "self" and parameter.kind is not inspect.Parameter.VAR_KEYWORD
    }


def section(cls, title):
    found = re.search(rf"\n    {title}:\n(.*?)(\n\n    \S|\Z)", cls.__doc__, re.DOTALL)
    return found.group(1) if found else ""


def entries(cls):
    """Returns the text of each of `Args`."""
    found = re.findall(
        r"^        (\w+): (.*?)(?=^        \w+: |\Z)",
        section(cls, "Args") + "\n",
        re.DOTALL | re.MULTILINE,
    )
    return {name: " ".join(text.split()) for name, text in found}


@pytest.fixture(params=MODULES)
def layer(request):
    """A layer class, with what the examples know of it."""
    cls = layer_class(request.param)
    return cls, *EXAMPLES[cls.__name__]


def test_config_round_trip(layer):
    cls, settings, inputs = layer
    made = cls(**settings)
    config = made.get_config()
    assert set(settings_of(cls)) <= set(config)
    again = keras.saving.deserialize_keras_object(
        keras.saving.serialize_keras_object(made)
    )
    assert type(again) is cls
    assert again.get_config() == config
    made(*inputs), again(*inputs)
    again.set_weights(made.get_weights())
    for one, other in zip(
        keras.tree.flatten(made(*inputs)),
        keras.tree.flatten(again(*inputs)),
        strict=True,
    ):
        np.testing.assert_array_equal(one, other)


def test_examples_set_everything(layer):
    cls, settings, _ = layer
    assert set(settings) == set(settings_of(cls))


def test_output_shape_is_the_computed_one(layer):
    cls, settings, inputs = layer
    made = cls(**settings)
    shapes = [
        [part.shape for part in value] if isinstance(value, list) else value.shape
        for value in inputs
    ]
    expected = made.compute_output_shape(*shapes)
    output = made(*inputs)
    if isinstance(output, list):
        assert [tuple(part.shape) for part in output] == expected
    else:
        assert tuple(output.shape) == tuple(expected)


def test_built_from_shapes_alone_it_has_all_its_weights(layer):
    cls, settings, inputs = layer
    called, built = cls(**settings), cls(**settings)
    called(*inputs)
    if built.weights == [] and not called.weights:
        return
    built.build_from_config(called.get_build_config())
    assert [w.shape for w in built.weights] == [w.shape for w in called.weights]


CLASSES = [
    *[layer_class(module) for module in MODULES],
    *[model_class(policy_type) for policy_type in POLICY_TYPES],
]


@pytest.mark.parametrize("cls", CLASSES)
def test_at_most_six_constructor_arguments(cls):
    assert len(settings_of(cls)) <= 6


@pytest.mark.parametrize("cls", CLASSES)
def test_docstring_documents_the_arguments_and_their_defaults(cls):
    defaults, texts = settings_of(cls), entries(cls)
    assert list(texts) == list(defaults)
    for name, default in defaults.items():
        stated = re.search(r"Defaults to (`[^`]*`|[^ ]+?)\.(?: |$)", texts[name])
        if default is inspect.Parameter.empty:
            assert not stated, name
        elif default is not None:
            assert stated, f"{name} does not state its default"
            assert ast.literal_eval(stated.group(1).strip("`")) == default, name


@pytest.mark.parametrize("cls", CLASSES)
def test_docstring_has_its_sections_in_order(cls):
    order = ["Args", "Input shape", "Output shape", "Example", "Reference"]
    found = re.findall(r"^    ([A-Z][\w ]*):$", cls.__doc__, re.MULTILINE)
    assert found == [title for title in order if title in found]
    if issubclass(cls, keras.Model):
        assert "Reference" in found
    else:
        assert {"Input shape", "Output shape", "Example"} <= set(found)
    if "Reference" in found:
        assert re.search(r"https://(arxiv|doi)\.org/", section(cls, "Reference"))


@pytest.mark.parametrize("module", MODULES)
def test_examples_run(module):
    cls = layer_class(module)
    names = {"keras": keras, "np": np, cls.__name__: cls}
    for example in doctest.DocTestParser().get_examples(inspect.getdoc(cls)):
        if not example.want:
            exec(example.source, names)
            continue
        value = eval(example.source, names)
        shown = {repr(value)}
        if hasattr(value, "numpy"):
            shown.add(str(value.numpy().tolist()))
        elif isinstance(value, np.ndarray):
            shown.add(str(value.tolist()))
        assert example.want.strip() in shown
