"""What a layer's gradient must equal: the central difference of its outputs."""

import keras
import numpy as np
import tensorflow as tf

STEP = 1e-6


def randomise(layer: keras.layers.Layer, seed: int = 5, scale: float = 0.5) -> None:
    """Draws all trained weights anew, so that no zero or one hides a mistake."""
    rng = np.random.default_rng(seed)
    for weight in layer.trainable_weights:
        weight.assign(rng.normal(scale=scale, size=weight.shape))


def assert_gradients_are_differences(layer, *inputs, seed: int = 9) -> None:
    """Checks d(sum of output * random) by float inputs and by trained weights.

    The layer must compute in float64. Its weights are drawn anew. Inputs are arrays;
    integers are not moved.
    """
    output = layer(*inputs)
    randomise(layer)
    outputs = output if isinstance(output, list) else [output]
    rng = np.random.default_rng(seed)
    mixes = [rng.normal(size=part.shape) for part in outputs]
    variables = [tf.Variable(value) for value in inputs]

    @tf.function
    def mixed():
        result = layer(*[variable.value() for variable in variables])
        parts = result if isinstance(result, list) else [result]
        return tf.add_n(
            [tf.reduce_sum(p * mix) for p, mix in zip(parts, mixes, strict=True)]
        )

    moved = [variable for variable in variables if variable.dtype == tf.float64]
    moved += [weight.value for weight in layer.trainable_weights]
    with tf.GradientTape() as tape:
        total = mixed()
    assert total.dtype == tf.float64
    for variable, gradient in zip(moved, tape.gradient(total, moved), strict=True):
        expected = _differences(mixed, variable)
        np.testing.assert_allclose(
            tf.convert_to_tensor(gradient), expected, rtol=1e-6, atol=1e-7
        )


def _differences(function, variable) -> np.ndarray:
    start = variable.numpy()
    result = np.zeros(start.shape)
    for index in np.ndindex(*start.shape):
        sides = []
        for step in (STEP, -STEP):
            value = start.copy()
            value[index] += step
            variable.assign(value)
            sides.append(float(function()))
        result[index] = (sides[0] - sides[1]) / (2 * STEP)
    variable.assign(start)
    return result
