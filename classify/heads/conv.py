"""``conv``: convolutions of several widths over the tokens, then their average or maximum."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._keras import load_keras
from classify.heads._network import Tensor
from classify.heads._tokens import TokensHead, inside
from stores.shared.errors import InputError


@dataclass
class ConvHead(TokensHead):
    """Filters over 2, 3 and 4 tokens at a time (Kim 2014), pooled over the text, then a hidden layer.

    ``conv:filters=32,widths=5,pooling=max,units=0`` is the other published form. A window stands at every token of a
    text, with zeros beyond its ends; padding is neither convolved nor pooled.

    Options (beside those of ``TokensHead``):
        filters: of each width.
        widths: tokens that a filter sees, as ``2+3+4``.
        series: whether the widths stand one after the other, each over what the one before it found, instead of side by
            side.
        pooling: ``average`` or ``max`` over the text.
        units: width of the rectified hidden layer; 0 for none.
        dropout: share of its inputs that a training step leaves out.
    """

    name = "conv"
    filters: int = 50
    widths: str = "2+3+4"
    series: bool = False
    pooling: str = "average"
    units: int = 1024
    dropout: float = 0.2

    def __post_init__(self) -> None:
        super().__post_init__()
        if not all(width.isdecimal() and int(width) for width in self.widths.split("+")):
            raise InputError(f"head conv: widths={self.widths} is not numbers of tokens, as 5 or 2+3+4")
        if self.pooling not in ("average", "max"):
            raise InputError(f"head conv: pooling={self.pooling} is unknown; choose average or max")
        if self.filters < 1 or self.units < 0 or not 0 <= self.dropout < 1:
            raise InputError("head conv: filters must be 1 or more, units 0 or more, dropout from 0 to below 1")

    def _body(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        keras = load_keras()
        ops, layers = keras.ops, keras.layers
        there = inside(vectors, lengths)
        read, found = vectors, []
        for width in self.widths.split("+"):
            # a product of its own for each width: gradients of one that is shared are added in no fixed order
            found.append(layers.Conv1D(self.filters, int(width), padding="same", activation="relu")(read * there))
            read = found[-1] if self.series else read
        pooled = []
        for values in found[-1:] if self.series else found:
            if self.pooling == "max":
                pooled.append(ops.max(values * there, 1))  # rectified, so zeros beyond the end are never the largest
            else:
                pooled.append(ops.sum(values * there, 1) / ops.sum(there, 1))
        hidden = layers.Dropout(self.dropout)(ops.concatenate(pooled, 1) if len(pooled) > 1 else pooled[0])
        return layers.Dense(self.units, activation="relu")(hidden) if self.units else hidden
