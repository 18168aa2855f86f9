"""Optimisers whose step costs what the batch touches, whatever the vocabulary."""

import abc
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

# Each of these would read or write every row at every step.
_DENSE_OPTIONS = (
    "weight_decay",
    "use_ema",
    "gradient_accumulation_steps",
    "loss_scale_factor",
)


class RowSparseOptimizer(keras.optimizers.Optimizer, abc.ABC):
    """Applies one update rule to whole variables, or to the rows that a batch touched.

    A gradient by row (`tf.IndexedSlices`, what `tf.gather` on a variable leaves) is
    summed over equal rows; then these rows of the table and of its slots are read,
    updated, and written back. A row that no example of the batch looked up is neither
    read nor written: its momentum waits.

    L2 of a table (its `row_l2`) is paid by row as well: a touched row pays for all the
    steps since it was last touched, so that over time every row is pulled as hard as
    if the penalty stood in the loss.

    A subclass names its slots and gives the rule, once, for both kinds of gradient.

    Args:
        learning_rate: A number or a Keras schedule.
        **kwargs: `name`, `clipnorm`, `clipvalue`, `global_clipnorm` of Keras's
            optimisers. Gradients by row are clipped by what their rows sum up to.

    Raises:
        ValueError: An option is given that would touch every row at every step.

    Reference:
        L2 of the rows of a batch: Zhou et al., Deep Interest Network, KDD 2018, Eq. 6,
        where a row pays by its inverse frequency, https://arxiv.org/abs/1706.06978
    """

    def __init__(self, learning_rate: Any, **kwargs: Any) -> None:
        super().__init__(learning_rate=learning_rate, **kwargs)
        for option in _DENSE_OPTIONS:
            if getattr(self, option):
                raise ValueError(
                    f"{type(self).__name__} takes no {option}: it would touch every "
                    "row of a table at every step. Remove it."
                )

    @property
    @abc.abstractmethod
    def slots(self) -> dict[str, float]:
        """What is kept per number of a variable: names and first values."""

    @abc.abstractmethod
    def updated(
        self, value: Any, slots: Sequence[Any], gradient: Any, learning_rate: Any
    ) -> tuple[Any, Sequence[Any]]:
        """Returns the new value and the new slots; all have the value's shape."""

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._slots = [
            [
                self.add_variable_from_reference(
                    variable, name, keras.initializers.Constant(first)
                )
                for name, first in self.slots.items()
            ]
            for variable in variables
        ]
        self._row_l2 = [getattr(variable, "row_l2", 0.0) for variable in variables]
        # The step at which each row of a table with L2 was last touched.
        self._paid = [
            self.add_variable((variable.shape[0], 1), dtype="int32", name="paid")
            if l2
            else None
            for variable, l2 in zip(variables, self._row_l2, strict=True)
        ]

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        index = self._get_variable_index(variable)
        slots = [slot.value for slot in self._slots[index]]
        targets = [variable, *slots]
        rate = tf.cast(learning_rate, variable.dtype)
        l2 = self._row_l2[index]
        if not isinstance(gradient, tf.IndexedSlices):
            value = tf.convert_to_tensor(variable)
            gradient = tf.cast(gradient, value.dtype) + l2 * value
            new, new_slots = self.updated(value, slots, gradient, rate)
            for target, result in zip(targets, [new, *new_slots], strict=True):
                target.assign(result)
            return
        summed = _summed(gradient)
        rows, gradient = summed.indices, tf.cast(summed.values, variable.dtype)
        value = tf.gather(variable, rows)  # (touched, D)
        if l2:
            paid, now = self._paid[index].value, tf.cast(self.iterations + 1, tf.int32)
            due = tf.cast(now - tf.gather(paid, rows), value.dtype)  # (touched, 1)
            gradient += l2 * due * value
            paid.scatter_update(tf.IndexedSlices(tf.fill(tf.shape(due), now), rows))
        old_slots = [tf.gather(slot, rows) for slot in slots]
        new, new_slots = self.updated(value, old_slots, gradient, rate)
        for target, result in zip(targets, [new, *new_slots], strict=True):
            target.scatter_update(tf.IndexedSlices(result, rows))

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        # Keras's own would clip what each occurrence adds, or fill up the table.
        if not (self.clipnorm or self.global_clipnorm or self.clipvalue):
            return grads
        grads = [_summed(g) if isinstance(g, tf.IndexedSlices) else g for g in grads]
        if self.global_clipnorm:
            return tf.clip_by_global_norm(grads, self.global_clipnorm)[0]
        if self.clipnorm:
            return [tf.clip_by_norm(g, self.clipnorm) for g in grads]
        return [tf.clip_by_value(g, -self.clipvalue, self.clipvalue) for g in grads]


def _summed(gradient: tf.IndexedSlices) -> tf.IndexedSlices:
    """Returns the same gradient with each row once."""
    rows, positions = tf.unique(gradient.indices)
    values = tf.math.unsorted_segment_sum(gradient.values, positions, tf.size(rows))
    return tf.IndexedSlices(values, rows, gradient.dense_shape)
