"""``glove``: word vectors from GloVe, word2vec or fastText files; a text has the mean of its words', or another pool.

The words of a text are made as those of the file were. Which way that was is told by words that only one kind of
file holds, or said by ``tokenizer``:

===================  ==================  ================================================================
``tokenizer``        told by             the words
===================  ==================  ================================================================
``stanford``         neither             Stanford tokens in small letters: 6B, 42B, 2024
``stanford-cased``   a row ``The``       the same with their case, in small letters where that is unknown: 840B
``twitter``          a row ``<user>``    as the script published with the vectors: twitter.27B
===================  ==================  ================================================================

A word that the file does not hold takes no part in the vector, and is counted. With ``unknown="characters"`` it has
the mean of those of its characters that the file does hold, with ``unknown="parts"`` a compound that of its parts, and
it is counted all the same. With ``output="ids"`` the
words stand in order with one vector a distinct word (zeros for an unknown one), for heads that read sequences.

``sif`` weighs each vector by a / (a + p) (Arora, Liang, Ma 2017); p follows by Zipf's law from the word's rank, the
line, as these files are in the order of frequency. Their removal of the common component depends on the other texts,
so it is no part of a feature: a head that wants it has to fit it on its training rows.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from embed.encoders._files import FileEncoder
from embed.encoders._word_numbers import WordNumbers
from embed.encoders.base import Published
from embed.tokenise import twitter
from embed.tokenise.stanford import EMOTICONS, Stanford, parts_of

VERSION = 2  # raise it whenever the same text and file give another vector
TOKENIZERS = ("stanford", "stanford-cased", "twitter")
QUOTES = {"``": '"', "''": '"'}  # 6B and 42B have the quotes of the Penn Treebank, 840B its own


class GloveEncoder(FileEncoder):
    """Word vectors from GloVe (or word2vec, fastText) files, pooled, or as ids with their table.

    Args:
        model: a file of vectors, an archive or a folder of them, or the URL of one; ``ARCHIVE!NAME`` is one file of it.
        dim: columns, to choose one of several files.
        pooling: how the vectors of the words become one: ``sif``, or one or more of ``mean``, ``max``, ``min`` and
            ``power3``, joined by ``+``.
        output: ``pooled``, one vector a text, or ``ids``, the words in order with a table of their vectors.
        tokenizer: how words are made: ``stanford``, ``stanford-cased`` or ``twitter``; None: as the file tells.
        unknown: what stands for an unknown word: nothing (``skip``), the mean of its ``characters``, or that of the
            ``parts`` of a compound (``typhoon-devastated``).
        skip_bad_lines: whether the word of a broken line is unknown, instead of an error.

    Raises:
        InputError: an option has no such value, or there is no such file.
        FailureError: the model is not available, or damaged.
    """

    name = "glove"
    version = VERSION
    unknown_choices = ("skip", "characters", "parts")
    published = Published(
        "https://nlp.stanford.edu/data/glove.6B.zip", "822 MB", "PDDL", "Stanford NLP, nlp.stanford.edu/projects/glove"
    )

    def __init__(
        self, model: str = published.model, dim: int | None = None, pooling: str = "mean", output: str = "pooled",
        tokenizer: str | None = None, unknown: str = "skip", skip_bad_lines: bool = False,
    ) -> None:  # fmt: skip
        self.check("tokenizer", tokenizer, (None, *TOKENIZERS))
        super().__init__(model, dim, pooling, output, unknown, skip_bad_lines)
        self._tokenizer = tokenizer

    @property
    def tokenizer(self) -> str:
        """The one that was asked for, else the one that the file's words tell."""
        if self._tokenizer is None:
            user, cased = self.table.find(["<user>", "The"])
            self._tokenizer = "twitter" if user >= 0 else "stanford-cased" if cased >= 0 else "stanford"
        return self._tokenizer

    def identity(self) -> dict:
        """Name, version, digest of the file, and the options; how words are made is said even where the file tells."""
        return super().identity() | {"tokenizer": self.tokenizer}

    def word_numbers(self) -> WordNumbers:
        """As the tokenizer makes words; emoticons are one where the file has them."""
        if self.tokenizer == "twitter":
            return WordNumbers(twitter.cut)
        known = [face for face, row in zip(EMOTICONS, self.find(EMOTICONS).tolist(), strict=True) if row >= 0]
        return WordNumbers(Stanford(self.tokenizer != "stanford-cased", known).cut, Stanford.prepare)

    def instead_of(self, token: str) -> list[str]:
        """What stands for an unknown word: its parts, its characters, or nothing."""
        return parts_of(token) if self.unknown_words == "parts" else super().instead_of(token)

    def find(self, tokens: list[str]) -> np.ndarray:
        """The row of each word: as it is, in small letters, or with plain quotes; -1 where there is none."""
        rows = self.table.find(tokens)
        others: tuple[Callable[[str], str], ...] = (str.lower, lambda token: QUOTES.get(token, token))
        for other in others:
            missing = np.flatnonzero(rows < 0)
            rows[missing] = self.table.find([other(tokens[i]) for i in missing])
        return rows
