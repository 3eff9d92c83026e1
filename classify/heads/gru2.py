"""``gru2``: two GRU chains side by side."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._recurrent import RecurrentHead


@dataclass
class Gru2Head(RecurrentHead):
    """Two chains of gated recurrent units over the tokens, both from the beginning, their last states side by side."""

    name = "gru2"
    chains = (("GRU", False), ("GRU", False))
