"""Heads that go through a text token by token and keep what they know at its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from classify.heads._keras import load_keras
from classify.heads._network import Tensor
from classify.heads._tokens import TokensHead
from stores.shared.errors import InputError


@dataclass
class RecurrentHead(TokensHead):
    """A subclass names its chains: Keras layers, each over the whole text, whose last states stand side by side.

    Padding stands after a text, where no state of the text can know of it, and the state at the text's own last token
    is taken. That is what a mask does, without the cost of one.

    Options (beside those of ``TokensHead``):
        units: width of the state of each chain.
        layers: how many lie over each other in a chain, each over the states of the one below.
        dropout: share of the columns of a text's vectors that a training step leaves out.
        recurrent_dropout: share of the columns of the state that a training step leaves out (Gal and Ghahramani 2016).
    """

    chains: ClassVar[tuple[tuple[str, bool], ...]] = ()  # pairs: name of the Keras layer, whether it reads from the end
    units: int = 64
    layers: int = 1
    dropout: float = 0.2
    recurrent_dropout: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("units", "layers"):
            if getattr(self, name) < 1:
                raise InputError(f"head {self.name}: {name}={getattr(self, name)} is less than 1")
        for name in ("dropout", "recurrent_dropout"):
            if not 0 <= getattr(self, name) < 1:
                raise InputError(f"head {self.name}: {name}={getattr(self, name)} is not from 0 to below 1")

    def _body(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        keras = load_keras()
        last = keras.ops.expand_dims(lengths - 1, 1)
        vectors = keras.layers.SpatialDropout1D(self.dropout)(vectors)
        states = []
        for kind, back in self.chains:
            read = _backwards(vectors, last) if back else vectors
            states.append(self._last_state(kind, read, last))
        return states[0] if len(states) == 1 else keras.ops.concatenate(states, 1)

    def _last_state(self, kind: str, vectors: Tensor, last: Tensor) -> Tensor:
        keras = load_keras()
        options = {"recurrent_dropout": self.recurrent_dropout, "return_sequences": True}
        for _ in range(self.layers):  # padding stands after a text, so no state within it knows of any
            vectors = getattr(keras.layers, kind)(self.units, **options)(vectors)
        return keras.ops.take_along_axis(vectors, last[:, None], 1)[:, 0]


def _backwards(vectors: Tensor, last: Tensor) -> Tensor:
    """Each text from its last token to its first, padding where it was."""
    ops = load_keras().ops
    step = ops.cumsum(ops.ones_like(vectors[:, :, 0], "int32"), 1) - 1
    return ops.take_along_axis(vectors, ops.where(step <= last, last - step, step)[:, :, None], 1)
