"""``numberbatch``: ConceptNet Numberbatch, one vector a word or term of several words (``credit_card``).

A text is normalised as the keys of the file were (``embed.tokenise.numberbatch``), then cut into the longest terms
that the file holds, from the left. The English file has bare keys, the multilingual one and mini.h5 ``/c/<language>/``
before them.

An unknown word has the mean of all terms that begin as it does, as far as possible: its last letter is taken off
until terms begin with what is left, down to two letters, or one from U+3000 on (Chinese, Japanese, Korean). In another
language than English, the English term that is spelled alike counts as much as all of these together. That is
what the publishers do (``conceptnet5/vectors/query.py``: ``expand_terms``), without the neighbours in ConceptNet, which
need its database, and without their scaling to unit length. Such a word is counted as unknown, unless there is an
English term. ``unknown`` may also be ``skip`` or ``characters``, see ``glove``; the English term stands alone then.

``sif`` weighs each vector by how frequent its word is. The file is in the order of the alphabet and says nothing
about that, so the weights are those of the table of the encoder ``static``; a term that this lacks weighs 1.

The vectors are under CC BY-SA 4.0 (Luminoso Technologies, Inc.; Speer, Chin, Havasi 2017, "ConceptNet 5.5"): what is
derived from them and passed on, a store with its table or a compact table, stays under that licence and names them.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable
from functools import cached_property

import numpy as np

from embed.encoders._files import FileEncoder
from embed.encoders.base import Published
from embed.encoders.static import TABLE
from embed.tokenise import numberbatch
from embed.vectors.table import WordTable, load_table
from stores.features import IdFeatures
from stores.shared.fingerprint import digest_file

VERSION = 3  # raise it whenever the same text and file give another vector
IDEOGRAPHS = "\u3000"  # from here on, one character is beginning enough


class NumberbatchEncoder(FileEncoder):
    """ConceptNet Numberbatch: vectors of words and terms, pooled, or as ids with their table.

    Args:
        model: a file of vectors, an archive or a folder of them, or the URL of one; ``ARCHIVE!NAME`` is one file of it.
        dim: columns that it must have.
        pooling: how the vectors of the words become one: ``sif``, or one or more of ``mean``, ``max``, ``min`` and
            ``power3``, joined by ``+``.
        output: ``pooled``, one vector a text, or ``ids``, the words in order with a table of their vectors.
        unknown: what stands for an unknown word: the terms that begin as it does (``prefix``), nothing (``skip``) or
            the mean of its ``characters``.
        language: of the texts, as in the keys: ``en``, ``de``.
        skip_bad_lines: whether the word of a broken line is unknown, instead of an error.

    Raises:
        InputError: an option has no such value, or there is no such file.
        FailureError: the model is not available, or damaged.
    """

    name = "numberbatch"
    version = VERSION
    usual_licence = "CC BY-SA 4.0: ConceptNet Numberbatch, Luminoso Technologies, Inc."
    unknown_choices = ("prefix", "skip", "characters")
    published = Published(
        "https://conceptnet.s3.amazonaws.com/downloads/2019/numberbatch/numberbatch-en-19.08.txt.gz", "310 MB",
        "CC BY-SA 4.0", "Luminoso Technologies, github.com/commonsense/conceptnet-numberbatch",
    )  # fmt: skip

    def __init__(
        self, model: str = published.model, dim: int | None = None, pooling: str = "mean", output: str = "pooled",
        unknown: str = "prefix", language: str = "en", skip_bad_lines: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(model, dim, pooling, output, unknown, skip_bad_lines)
        self.language = language
        self._begins: dict[str, bool] = {}  # whether a term goes on after these words
        self._exists: dict[str, bool] = {}
        self._means: dict[str, np.ndarray | None] = {}  # of all terms that begin in this way

    def identity(self) -> dict:
        """Name, version, digest of the file, and the options; for ``sif`` also that of the frequencies."""
        found = super().identity() | {"language": self.language}
        return found | ({"frequencies": digest_file(TABLE)} if self.pooling == "sif" else {})

    def word_numbers(self) -> Callable[[list[str]], IdFeatures]:
        """By the longest terms, which go beyond white space."""
        return lambda texts: IdFeatures.from_tokens([self.terms_of(text) for text in texts])

    def terms_of(self, text: str) -> list[str]:
        """The keys of the longest terms of a text."""
        words = numberbatch.words(text, self.language)
        return numberbatch.terms(words, self._is_term, self._may_begin, self.language)

    @cached_property
    def _terms(self) -> list[str]:
        """All terms of the language, sorted: what terms and unknown words begin with is searched here."""
        prefix = f"/c/{self.language}/" if self._has_prefixes else ""
        return sorted(word[len(prefix) :] for word in self._words if word and word.startswith(prefix))

    @cached_property
    def _has_prefixes(self) -> bool:
        return any(word.startswith("/c/") for word in self._words[:3])  # a header comes first

    def _is_term(self, key: str) -> bool:
        if key not in self._exists:
            at = bisect_left(self._terms, key)
            self._exists[key] = at < len(self._terms) and self._terms[at] == key
        return self._exists[key]

    def _may_begin(self, key: str) -> bool:
        if key not in self._begins:
            at = bisect_left(self._terms, key + "_")
            self._begins[key] = at < len(self._terms) and self._terms[at].startswith(key + "_")
        return self._begins[key]

    def find(self, tokens: list[str]) -> np.ndarray:
        """The row of each term, in English where the language has none; -1 for an unknown one."""
        rows = self._find_own(tokens)
        if self._has_prefixes and self.language != "en":
            missing = np.flatnonzero(rows < 0)
            rows[missing] = self.table.find([f"/c/en/{tokens[i]}" for i in missing])
        return rows

    def _find_own(self, tokens: list[str]) -> np.ndarray:
        """The row of each term of the language; -1 for one that it has not."""
        return self.table.find([f"/c/{self.language}/{token}" for token in tokens] if self._has_prefixes else tokens)

    def _vectors(self, tokens: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """As for any table; of an unknown token the mean of the English one and of the terms that begin as it does."""
        vectors, has_vector, known = super()._vectors(tokens)
        if self.unknown_words == "prefix":
            starts = {i: self._beginning(tokens[i]) for i in np.flatnonzero(self._find_own(tokens) < 0).tolist()}
            # by the alphabet, so that the rows of a group are still in memory for the groups within it
            for i in sorted((i for i, start in starts.items() if start), key=starts.__getitem__):
                if (mean := self._mean_of(starts[i])) is not None:
                    vectors[i] = (vectors[i] + mean) / 2 if has_vector[i] else mean
                    has_vector[i] = True
        return vectors, has_vector, known

    def _beginning(self, token: str) -> str:
        """The longest beginning that a token shares with any term; empty if that is too short to say anything."""
        at = bisect_left(self._terms, token)
        start = token[: max((_shared(token, term) for term in self._terms[max(at - 1, 0) : at + 1]), default=0)]
        return start if len(start) > 1 or start >= IDEOGRAPHS else ""

    def _mean_of(self, start: str) -> np.ndarray | None:
        """float32 ``[D]``: the mean of all terms with this beginning; None if their lines are all left out."""
        if start not in self._means:
            first, last = bisect_left(self._terms, start), bisect_left(self._terms, start + "\U0010ffff")
            rows = self._find_own(self._terms[first:last])
            self._means[start] = self._weighed(rows[rows >= 0]).mean(0) if (rows >= 0).any() else None
        return self._means[start]

    def frequent_words(self) -> list[str]:
        """All terms of the language; those of the table of ``static`` first, in its order, which is by frequency."""
        terms = set(self._terms)
        return list(dict.fromkeys([word for word in self._frequencies.words if word in terms] + self._terms))

    def weights_of(self, rows: np.ndarray) -> np.ndarray:
        """float32 ``[n]``: the weights of the table of ``static``, 1 for what is not in it."""
        words = [self._words[row].rpartition("/")[2] for row in rows.tolist()]
        found = self._frequencies.find(words)
        return np.where(found >= 0, np.asarray(self._frequencies.weights)[found], np.float32(1))

    @cached_property
    def _words(self) -> list[str]:
        return self.table.words

    @cached_property
    def _frequencies(self) -> WordTable:
        return load_table(TABLE, "install the package again")


def _shared(one: str, other: str) -> int:
    """How many characters two words begin with alike."""
    return next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
