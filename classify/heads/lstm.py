"""``lstm``: one LSTM from the beginning of a text to its end."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._recurrent import RecurrentHead


@dataclass
class LstmHead(RecurrentHead):
    """A long short-term memory (Hochreiter and Schmidhuber 1997) over the tokens, and its last state."""

    name = "lstm"
    chains = (("LSTM", False),)
