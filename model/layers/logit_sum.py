"""Where the parts of a model meet: their sum, and one trained number."""

import math
from collections.abc import Sequence
from typing import Any

import keras

from model.serialization import register


@register()
class LogitSum(keras.layers.Layer):
    """Sums the parts of a logit and a trained bias, and undoes negative sampling.

    Where training sees a share w of the rows with label 0, the odds of a click there
    are 1 / w times the true ones: the logit in training is the sum - log(w). So the
    sum itself becomes the true logit, and evaluation and serving need no correction:
    it is the logit of q = p / (p + (1 - p) / w). The bias begins at log(w), as if the
    constant were not there.

    Args:
        negatives: The share w, above 0, at most 1. Defaults to 1.0.

    Input shape:
        A list of float (B, 1).

    Output shape:
        float32 (B, 1).

    Example:
        >>> LogitSum()([keras.ops.ones((2, 1)), keras.ops.ones((2, 1))]).shape
        TensorShape([2, 1])

    Reference:
        He et al., Practical Lessons from Predicting Clicks on Ads at Facebook,
        ADKDD 2014, https://doi.org/10.1145/2648584.2648589, section 6.3.
    """

    def __init__(self, negatives: float = 1.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if not 0.0 < negatives <= 1.0:
            raise ValueError(
                "The share of negatives that training sees must be above 0 and at most "
                f"1, received negatives={negatives!r}."
            )
        self.negatives = negatives

    def build(self, input_shape: Any) -> None:
        initial = keras.initializers.Constant(math.log(self.negatives))
        self.bias = self.add_weight(shape=(1,), initializer=initial, name="bias")

    def call(self, parts: Sequence[Any], training: bool = False) -> Any:
        total = sum(parts, self.bias.value)
        return total - math.log(self.negatives) if training else total

    def compute_output_shape(self, input_shape: Any) -> Any:
        return input_shape[0]

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "negatives": self.negatives}
