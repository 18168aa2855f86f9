"""What holds for every row-sparse optimiser."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from model.optimizers.adagrad import RowSparseAdagrad
from model.optimizers.adam import RowSparseAdam
from model.optimizers.ftrl import RowSparseFtrl

ROWS, DIM = 6, 3
OPTIMIZERS = [RowSparseAdam, RowSparseAdagrad, RowSparseFtrl]
every = pytest.mark.parametrize("optimizer_class", OPTIMIZERS)


def table(l2=0.0, zeros=False):
    first = np.random.default_rng(1).normal(size=(ROWS, DIM))
    variable = keras.Variable(np.zeros((ROWS, DIM)) if zeros else first, "float32")
    variable.row_l2 = l2
    return variable


def by_row(rows, seed=0):
    values = np.random.default_rng(seed).normal(size=(len(rows), DIM))
    return tf.IndexedSlices(
        tf.constant(values, tf.float32), tf.constant(rows, tf.int64), (ROWS, DIM)
    )


def dense(gradient):
    return tf.convert_to_tensor(gradient)


@every
def test_on_rows_that_are_all_touched_it_is_the_dense_rule(optimizer_class):
    first, second = table(0.3), table(0.3)
    sparse_rule, dense_rule = optimizer_class(0.1), optimizer_class(0.1)
    for step in range(5):
        gradient = by_row([0, 1, 2, 3, 4, 5, 2, 2, 0], seed=step)
        sparse_rule.apply([gradient], [first])
        dense_rule.apply([dense(gradient)], [second])
    np.testing.assert_allclose(first, second, rtol=1e-5, atol=1e-6)


@every
def test_rows_that_no_example_looked_up_are_not_written(optimizer_class):
    variable, optimizer = table(0.3), optimizer_class(0.1)
    before = np.array(variable)
    optimizer.apply([by_row([1, 4, 4])], [variable])
    state = [np.array(v) for v in optimizer.variables[2:]]
    optimizer.apply([by_row([1])], [variable])
    changed = np.any(np.array(variable) != before, axis=1)
    assert changed.tolist() == [False, True, False, False, True, False]
    for old, new in zip(state, optimizer.variables[2:], strict=True):
        np.testing.assert_array_equal(
            old[[0, 2, 3, 4, 5]], np.array(new)[[0, 2, 3, 4, 5]]
        )


@every
def test_it_follows_a_schedule(optimizer_class):
    schedule = keras.optimizers.schedules.PiecewiseConstantDecay([0], [0.1, 0.0001])
    scheduled, constant = optimizer_class(schedule), optimizer_class(0.1)
    first, second = table(zeros=True), table(zeros=True)
    for step in range(2):
        scheduled.apply([by_row([1, 2], step)], [first])
        constant.apply([by_row([1, 2], step)], [second])
    assert not np.allclose(first, second)
    fresh = table(zeros=True)
    optimizer_class(0.1).apply([by_row([1, 2], 0)], [fresh])
    start = table(zeros=True)
    optimizer_class(schedule).apply([by_row([1, 2], 0)], [start])
    np.testing.assert_allclose(fresh, start)


@every
@pytest.mark.parametrize(
    "clip", [{"clipnorm": 0.1}, {"clipvalue": 0.05}, {"global_clipnorm": 0.1}]
)
def test_it_clips_what_the_rows_sum_up_to(optimizer_class, clip):
    gradients = [by_row([1, 1, 4], 0), tf.constant([[0.7, -0.2]])]
    first = [table(), keras.Variable([[0.5, 0.5]])]
    optimizer_class(0.1, **clip).apply(gradients, first)
    summed = dense(gradients[0])
    if "clipvalue" in clip:
        clipped = [tf.clip_by_value(g, -0.05, 0.05) for g in (summed, gradients[1])]
    elif "clipnorm" in clip:
        clipped = [tf.clip_by_norm(g, 0.1) for g in (summed, gradients[1])]
    else:
        clipped, _ = tf.clip_by_global_norm([summed, gradients[1]], 0.1)
    second = [table(), keras.Variable([[0.5, 0.5]])]
    rows = tf.constant([1, 4], tf.int64)
    kept = tf.IndexedSlices(tf.gather(clipped[0], rows), rows, (ROWS, DIM))
    optimizer_class(0.1).apply([kept, clipped[1]], second)
    for one, other in zip(first, second, strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-5)


def test_a_row_pays_l2_for_the_steps_it_was_not_touched():
    l2, steps = 0.1, 4
    variable, optimizer = table(l2), RowSparseAdagrad(1.0, 1e6, 0.0)
    before = np.array(variable)
    nothing = tf.IndexedSlices(tf.zeros((1, DIM)), tf.constant([5], tf.int64))
    for _ in range(steps - 1):
        optimizer.apply([nothing], [variable])
    optimizer.apply(
        [tf.IndexedSlices(tf.zeros((1, DIM)), tf.constant([2], tf.int64))], [variable]
    )
    # An accumulator so large makes it gradient descent at a rate of 0.001.
    paid = (before - np.array(variable))[2] * 1e3
    np.testing.assert_allclose(paid, steps * l2 * before[2], rtol=2e-3)


@every
def test_its_settings_and_its_state_survive_saving(tmp_path, optimizer_class):
    def fresh():
        keras.utils.set_random_seed(1)
        model = keras.Sequential([keras.layers.Input((2,)), keras.layers.Dense(3)])
        model.compile(optimizer_class(0.02, global_clipnorm=3.0), "mse")
        return model

    data = np.random.default_rng(0).normal(size=(8, 2)), np.ones((8, 3))
    model = fresh()
    model.fit(*data, verbose=0)
    model.save(tmp_path / "model.keras")
    loaded = keras.models.load_model(tmp_path / "model.keras")
    assert loaded.optimizer.get_config() == model.optimizer.get_config()
    for either in (model, loaded):
        either.fit(*data, verbose=0)
    for a, b in zip(model.weights, loaded.weights, strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-6)


@every
@pytest.mark.parametrize(
    "option",
    [{"weight_decay": 0.1}, {"use_ema": True}, {"gradient_accumulation_steps": 2}],
)
def test_what_would_touch_every_row_is_refused(optimizer_class, option):
    with pytest.raises(ValueError, match=f"takes no {next(iter(option))}"):
        optimizer_class(0.1, **option)
