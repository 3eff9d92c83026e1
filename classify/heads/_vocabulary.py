"""Words and pairs of adjacent words: which there are, and how often each is in each text."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from stores.features import IdFeatures

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

WORD = re.compile(r"\w\w+")


@dataclass(frozen=True)
class Vocabulary:
    """What the terms are.

    Attributes:
        words: lower-case words.
        pairs: int64 ``[P]``, sorted: ``first * len(words) + second`` of each pair of adjacent words.
        marks: whether single letters, digits and punctuation marks are words, too.
    """

    words: list[str]
    pairs: np.ndarray
    marks: bool

    @property
    def size(self) -> int:
        """Words and pairs."""
        return len(self.words) + len(self.pairs)

    def count(self, x: IdFeatures) -> csr_matrix:
        """``1 + log(count)`` of each term in each text, float64 ``[n, size]``; other terms are left out."""
        return self._matrix(*_counts(x, {word: i for i, word in enumerate(self.words)}, self.marks), len(x))

    def _matrix(self, words: _Counts, pairs: _Counts, n: int) -> csr_matrix:
        from scipy.sparse import csc_matrix

        place = np.searchsorted(self.pairs, pairs.key)
        known = np.append(self.pairs, -1)[place] == pairs.key
        sizes = np.diff(pairs.start)
        mine = slice(None) if known.all() else np.repeat(known, sizes)
        ends = np.zeros(self.size + 1, np.int64)  # of each column among all entries
        ends[words.key + 1] = np.diff(words.start)
        ends[len(self.words) + place[known] + 1] = sizes[known]
        counts = np.concatenate([words.often, pairs.often[mine]])
        logs = np.log(counts, dtype=np.float64)
        logs += 1
        entries = logs, np.concatenate([words.text, pairs.text[mine]]), np.cumsum(ends)
        return csc_matrix(entries, (n, self.size)).tocsr()


def counted(x: IdFeatures, marks: bool) -> tuple[Vocabulary, csr_matrix]:
    """All words and pairs of the texts, and what ``Vocabulary.count`` gives of them."""
    number = _numbers(x, marks)
    words, pairs = _counts(x, number, marks)
    vocabulary = Vocabulary(list(number), pairs.key, marks)
    return vocabulary, vocabulary._matrix(words, pairs, len(x))


def kept(vocabulary: Vocabulary, seen: np.ndarray) -> Vocabulary:
    """The vocabulary of the terms ``seen``, sorted numbers; words that are in pairs alone do not occur."""
    total = len(vocabulary.words)
    words = seen[seen < total]
    number = np.full(total, -1)
    number[words] = np.arange(len(words))
    first, second = np.divmod(vocabulary.pairs[seen[seen >= total] - total], total)
    return Vocabulary(
        [vocabulary.words[i] for i in words], number[first] * len(words) + number[second], vocabulary.marks
    )


class _Counts(NamedTuple):
    """How often each key is in each text.

    Attributes:
        key: int64 ``[K]``, the keys that occur, rising.
        start: int64 ``[K + 1]``, where the entries of each key begin and end.
        text, often: int32 ``[entries]``, rising texts of a key, and how often it is there.
    """

    key: np.ndarray
    start: np.ndarray
    text: np.ndarray
    often: np.ndarray


def _numbers(x: IdFeatures, marks: bool) -> dict[str, int]:
    """Number of each word of the texts' tokens, in order of appearance."""
    words = (token.lower() for token in x.vocabulary if marks or WORD.fullmatch(token))
    return {word: i for i, word in enumerate(dict.fromkeys(words))}


def _counts(x: IdFeatures, number: dict[str, int], marks: bool) -> tuple[_Counts, _Counts]:
    """Those of the words, whose keys are their numbers, and of the pairs, see ``Vocabulary.pairs``."""
    of_token = np.array([number.get(t.lower(), -1) if marks or WORD.fullmatch(t) else -2 for t in x.vocabulary], int)
    ids = of_token[x.ids] if len(of_token) else np.empty(0, int)
    text = np.repeat(np.arange(len(x), dtype=np.int32), np.diff(x.offsets))
    ids, text = ids[ids > -2], text[ids > -2]  # what is no word does not part two words
    known = ids >= 0
    adjacent = (text[1:] == text[:-1]) & known[1:] & known[:-1]
    pairs = (ids[:-1] * len(number) + ids[1:])[adjacent]
    return _counted(ids[known], text[known], len(x)), _counted(pairs, text[:-1][adjacent], len(x))


def _counted(key: np.ndarray, text: np.ndarray, n: int) -> _Counts:
    """Of keys, int64 ``[m]``, each in one of ``n`` texts. Sorting numbers is quicker than looking each up."""
    if len(key) and int(key.max()) * n + n > np.iinfo(np.int64).max:
        distinct = np.unique(key)
        found = _counted(np.searchsorted(distinct, key), text, n)
        return found._replace(key=distinct[found.key])
    cells = key * n
    cells += text
    cells.sort()
    first = _changes(cells)  # of each run of equal ones
    count = np.diff(first, append=len(cells)).astype(np.int32)
    cells = cells[first]
    key = cells // max(n, 1)
    text = (cells - key * n).astype(np.int32)
    start = _changes(key)
    return _Counts(key[start], np.append(start, len(key)), text, count)


def _changes(numbers: np.ndarray) -> np.ndarray:
    """Where another number begins, int64; the first place among them."""
    differs = np.ones(len(numbers), bool)
    np.not_equal(numbers[1:], numbers[:-1], out=differs[1:])
    return np.flatnonzero(differs)
