"""``gru``: one GRU from the beginning of a text to its end."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._recurrent import RecurrentHead


@dataclass
class GruHead(RecurrentHead):
    """Gated recurrent units (Cho et al. 2014) over the tokens, and their last state."""

    name = "gru"
    chains = (("GRU", False),)
