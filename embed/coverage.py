"""How many of the words of all texts an encoder knows, by tokens and by types; and which it does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable

import numpy as np

SHOWN = 20  # unknown words that are kept


class Coverage:
    """Of an encoder whose words have no vectors of their own: nothing is counted."""

    def add(self, texts: Iterable[str]) -> None:
        """Take some more texts into account."""

    def totals(self) -> dict:
        """What is added to the totals of the store, JSON-able."""
        return {}


class WordCoverage(Coverage):
    """Of an encoder with a table of words; what it holds is one number a distinct word.

    Args:
        count: the different words of texts, and how often each is there, int ``[n]``.
        is_known: whether the table knows some words: bool ``[n]``.
        bad_lines: how many broken lines of the table some words would need, which were left out.
    """

    def __init__(
        self,
        count: Callable[[list[str]], tuple[list[str], np.ndarray]],
        is_known: Callable[[list[str]], np.ndarray],
        bad_lines: Callable[[list[str]], int] = lambda words: 0,
    ) -> None:
        self._count, self._is_known, self._bad_lines = count, is_known, bad_lines
        self._counts: Counter[str] = Counter()

    def add(self, texts: Iterable[str]) -> None:
        """Count the words of some more texts."""
        words, counts = self._count(list(texts))
        self._counts.update(dict(zip(words, counts.tolist(), strict=True)))

    def totals(self) -> dict:
        """``types``, ``unknown_types``, ``unknown_words``, the most frequent with their counts, and ``bad_lines``.

        They depend on the texts alone, not on their order.
        """
        types = list(self._counts)
        known = self._is_known(types).tolist()
        unknown = [(word, self._counts[word]) for word, is_known in zip(types, known, strict=True) if not is_known]
        most = sorted(unknown, key=lambda item: (-item[1], item[0]))[:SHOWN]
        found = {"types": len(types), "unknown_types": len(unknown), "unknown_words": dict(most)}
        return found | {"bad_lines": self._bad_lines(types)}
