"""Rules that cut texts into tokens, one file each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np


@dataclass(frozen=True)
class Tokens:
    """The tokens of ``n`` texts as rows of a vocabulary, without special tokens around a text.

    Attributes:
        ids: int32 ``[sum T]``.
        offsets: int64 ``[n + 1]``; text ``i`` owns ``ids[offsets[i]:offsets[i + 1]]``.
        starts: bool ``[sum T]``, whether a token begins a word; None where that is not known or was not asked for.
    """

    ids: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray | None

    def count(self, number: int | None) -> np.ndarray:
        """How many tokens of each text have that id: int64 ``[n]``."""
        before = np.concatenate([[0], np.cumsum(self.ids == number)])
        return np.diff(before[self.offsets])


class Tokenizer(Protocol):
    """What cuts texts for a transformer: ``HuggingFaceTokenizer``, and those of ``bert``'s other forms.

    Attributes:
        before, after: ids of the special tokens that a text stands between.
        unknown: id of the unknown token; None where every text can be cut.
        truncates_left: whether texts that are too long lose their beginning.
    """

    before: list[int]
    after: list[int]
    unknown: int | None
    truncates_left: bool

    def __call__(self, texts: list[str], starts: bool = False) -> Tokens:
        """The tokens of texts."""

    def prompt_length(self, prompt: str) -> int:
        """How many tokens a pooling without prompts leaves out."""

    def token(self, number: int) -> str:
        """The token of an id, for messages."""
