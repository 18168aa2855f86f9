"""Two optimisers in one: first-order weights learn by a rule of their own."""

from typing import Any

import keras

from model.serialization import register


@register()
class SplitOptimizer(keras.optimizers.Optimizer):
    """Hands the variables of some layers to one optimiser, all others to another.

    Its learning rate is the main one's; setting it scales the other one's alike.

    Args:
        main: Of all other variables.
        first_order: Of the variables of `layers`.
        layers: Names of layers. Defaults to those of first-order weights.

    Reference:
        Cheng et al., Wide & Deep Learning for Recommender Systems, DLRS 2016, Section
        3.3: FTRL for the wide part, AdaGrad for the deep one,
        https://arxiv.org/abs/1606.07792
    """

    def __init__(
        self,
        main: keras.optimizers.Optimizer,
        first_order: keras.optimizers.Optimizer,
        layers: tuple[str, ...] = ("linear", "crosses"),
        **kwargs: Any,
    ) -> None:
        super().__init__(learning_rate=0.0, **kwargs)
        self.main = main
        self.first_order = first_order
        self.layers = tuple(layers)

    def build(self, variables: list[keras.Variable]) -> None:
        if self.built:
            return
        super().build(variables)
        self._is_first_order = [
            bool(set(variable.path.split("/")) & set(self.layers))
            for variable in variables
        ]
        for optimizer, chosen in ((self.main, False), (self.first_order, True)):
            flags = zip(variables, self._is_first_order, strict=True)
            optimizer.build([v for v, flag in flags if flag is chosen])

    def apply(self, grads: list[Any], trainable_variables: Any = None) -> None:
        variables = list(trainable_variables or self._trainable_variables)
        self.build(variables)
        pairs = list(zip(grads, variables, strict=True))
        for optimizer, chosen in ((self.main, False), (self.first_order, True)):
            mine = [
                (gradient, variable)
                for gradient, variable in pairs
                if self._is_first_order[self._get_variable_index(variable)] is chosen
            ]
            if mine:
                optimizer.apply(*zip(*mine, strict=True))
        self.iterations.assign_add(1)

    @property
    def variables(self) -> list[keras.Variable]:
        return [*super().variables, *self.main.variables, *self.first_order.variables]

    @property
    def learning_rate(self) -> Any:
        return self.main.learning_rate

    @learning_rate.setter
    def learning_rate(self, rate: Any) -> None:
        scale = float(rate) / float(self.main.learning_rate)
        self.first_order.learning_rate = scale * float(self.first_order.learning_rate)
        self.main.learning_rate = rate

    def get_config(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "main": keras.optimizers.serialize(self.main),
            "first_order": keras.optimizers.serialize(self.first_order),
            "layers": self.layers,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "SplitOptimizer":
        parts = {
            key: keras.optimizers.deserialize(config[key], custom_objects)
            for key in ("main", "first_order")
        }
        return cls(**{**config, **parts})
