"""``rnn``: the simple recurrent network."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._recurrent import RecurrentHead


@dataclass
class RnnHead(RecurrentHead):
    """A simple recurrent network (Elman 1990) over the tokens, and its last state."""

    name = "rnn"
    chains = (("SimpleRNN", False),)
