"""How the weights of a Keras network are moved: by which rule, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from classify.heads._keras import load_keras

RULES = {"adam": "Adam", "rmsprop": "RMSprop", "sgd": "SGD"}  # option -> class of Keras
EPSILON = 1e-7  # Keras's own


@dataclass(frozen=True)
class OptimizerOptions:
    """See the options of ``classify.heads._tokens.TokensHead``."""

    rule: str
    learning_rate: float
    epsilon: float
    clipnorm: float
    decay: float

    def make(self) -> Any:  # noqa: ANN401 (an optimizer of Keras)
        """The optimizer, new."""
        optimizers = load_keras().optimizers
        rate: Any = self.learning_rate
        if self.decay:
            rate = optimizers.schedules.InverseTimeDecay(rate, decay_steps=1, decay_rate=self.decay)
        options = {} if self.rule == "sgd" else {"epsilon": self.epsilon}
        return getattr(optimizers, RULES[self.rule])(rate, clipnorm=self.clipnorm or None, **options)
