"""``bilstm``: one LSTM from the beginning of a text to its end, one back."""

from __future__ import annotations

from dataclasses import dataclass

from classify.heads._recurrent import RecurrentHead


@dataclass
class BilstmHead(RecurrentHead):
    """Two LSTMs over the tokens, one from the end to the beginning, and their last states side by side."""

    name = "bilstm"
    chains = (("LSTM", False), ("LSTM", True))
