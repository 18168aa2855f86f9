"""`LogitCurve`: turns the logits of a trained model into those of what is true."""

import dataclasses
from typing import Any

import numpy as np
from keras import ops

# Corrected logits lie from -16 to 16: beyond 16.6 a float32 probability would be 1, and
# the log loss of a row that it is wrong about infinite.
LIMIT = 16.0


@dataclasses.dataclass(frozen=True)
class LogitCurve:
    """A curve that never falls, straight between its knots and level beyond the ends.

    What is not a number stays so.

    Attributes:
        logits: Of the knots, rising, (K,).
        corrected: What becomes of each, never falling, (K,).
    """

    logits: tuple[float, ...]
    corrected: tuple[float, ...]

    def __post_init__(self) -> None:
        rises = np.diff(self.logits), np.diff(self.corrected)
        if (
            not len(self.logits) == len(self.corrected) > 1
            or not np.all(np.isfinite([*self.logits, *self.corrected]))
            or not np.all(rises[0] > 0.0)
            or not np.all(rises[1] >= 0.0)
        ):
            raise ValueError(
                "A curve needs two knots or more, all of them numbers, whose logits "
                "rise and whose corrected logits do not fall, received logits="
                f"{self.logits}, corrected={self.corrected}."
            )

    def __call__(self, logits: Any) -> Any:
        """Returns corrected logits, float32 (B, 1), of logits (B, 1)."""
        x, y = np.array(self.logits), np.array(self.corrected)
        # In float64, so that a knot far off costs no digits.
        given = ops.cast(logits, "float64")
        above = ops.searchsorted(x, ops.reshape(given, (-1,)), side="right")
        above = ops.reshape(ops.clip(above, 1, len(x) - 1), ops.shape(given))  # (B, 1)
        below = above - 1
        slope = ops.take(np.diff(y) / np.diff(x), below)
        found = ops.take(y, below) + (given - ops.take(x, below)) * slope
        # No rounding goes beyond the next knot, and nothing beyond the last one.
        kept = ops.clip(found, ops.take(y, below), ops.take(y, above))
        return ops.cast(kept, "float32")

    def of(self, logits: np.ndarray) -> np.ndarray:
        """Returns corrected logits, float64, of logits in an array of any shape."""
        return np.interp(logits, self.logits, self.corrected)
