"""``average``: the mean of the vectors of a text's tokens, then a hidden layer."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._keras import load_keras
from classify.heads._network import Tensor
from classify.heads._tokens import TokensHead, inside
from stores.shared.errors import InputError


@dataclass
class AverageHead(TokensHead):
    """A dense network on the mean of the vectors of a text's tokens (Iyyer et al. 2015).

    Their order counts for nothing. Over ``words`` the vectors are learned along with the network.

    Options (beside those of ``TokensHead``):
        units: width of the rectified hidden layer; 0 for none.
        dropout: share of the columns of the mean that a training step leaves out.
    """

    name = "average"
    units: int = 64
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.units < 0 or not 0 <= self.dropout < 1:
            raise InputError("head average: units must be 0 or more, dropout from 0 to below 1")

    def _body(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        keras = load_keras()
        there = inside(vectors, lengths)
        mean = keras.ops.sum(vectors * there, 1) / keras.ops.sum(there, 1)
        hidden = keras.layers.Dropout(self.dropout)(mean)
        return keras.layers.Dense(self.units, activation="relu")(hidden) if self.units else hidden
