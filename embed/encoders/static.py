"""``static``: a small table of English word vectors that ships with the project, and the shape of the text.

The table (27,000 rows of 256 columns) holds what the sentence encoder all-MiniLM-L6-v2 makes of each word by itself;
``tools/distill_static.py`` made it, ``static.LICENSE.md`` says whose work it is. No network runs here.

From a text to its tokens: compatibility forms and accents are taken off (NFKD), letters made small; then a web
address, a run of letters, a run of digits and any other mark is one token each. White space only separates.

From a token to its vector: its row in the table; a web address has the row of ``http``. A number that is not in the
table is cut into its digits, a word into the longest pieces that are, from the left (``texting`` -> ``text`` +
``##ing``), and the vector is the mean of theirs. A token that cannot be cut so (another script, an emoji) is
unknown: it is counted and takes no part.

What the columns are, with the default ``pooling="mean"`` and ``shape=True``:

==========  ===============================================================================
0 to 255    mean of the vectors of the known tokens
256 to 266  the shape: eleven numbers about all characters but white space, see ``SHAPE``
==========  ===============================================================================

``pooling`` may also be ``max`` (the largest value in each column), ``mean+max`` (512 columns, then the shape) or
``sif``: the mean of vectors that weigh less the more frequent the word is (Arora, Liang, Ma 2017, "A Simple but
Tough-to-Beat Baseline for Sentence Embeddings"; without their removal of the first component, which depends on the
other texts). The case of letters and the kinds of characters are in the shape alone, the amount of white space is
nowhere. Empty text has zeros everywhere, a text without a known token zeros in the word columns.
"""

from __future__ import annotations

import re
import string
import unicodedata
from dataclasses import replace
from math import log1p
from pathlib import Path
from typing import Any

import numpy as np

from embed.encoders._model2vec import Model2Vec
from embed.encoders._table import TableEncoder
from embed.encoders._word_numbers import WordNumbers
from embed.encoders.base import Published
from embed.models.resolve import resolve_on_hub
from embed.vectors.table import WordTable, load_table
from stores.features import Features, PooledFeatures
from stores.shared.errors import InputError
from stores.shared.fingerprint import digest_file
from stores.shared.suggest import listing

TABLE = Path(__file__).with_name("static.npz")
WIDTH = 256  # columns of the table
VERSION = 1  # raise it whenever the same text and table give another vector
POOLINGS = ("mean", "max", "mean+max", "sif")

SHAPE = (
    "log(1 + characters)",
    "log(1 + words), a word being what white space separates",
    "characters a word",
    "share of digits",
    "share of capitals",
    "share of marks: neither letter nor digit",
    "share of characters beyond ASCII",
    "share of words in capitals: two or more, and no small letter",
    "log(1 + digits)",
    "log(1 + capitals)",
    "log(1 + length of the longest run of digits)",
)

_TOKEN = re.compile(r"https?://\S+|www\.\S+|[^\W\d_]+|\d+|[^\w\s]|_")
_DIGITS = re.compile(r"\d+")
DIGITS, CAPITALS, SMALL = (kind.encode() for kind in (string.digits, string.ascii_uppercase, string.ascii_lowercase))


class StaticEncoder(TableEncoder):
    """One vector a text from a table of word vectors and the shape of the text.

    Args:
        pooling: how the vectors of the words become one: ``mean``, ``max``, ``mean+max`` or ``sif``.
        shape: whether columns with lengths and shares of digits, capitals and marks follow those of the words; of a
            ``model``, never.
        model: folder of a Model2Vec model (potion), or its name on the Hugging Face hub, whose vectors take the place
            of the table's; None: the table that ships with tk.

    Raises:
        InputError: an option has no such value, or there is no such model.
        FailureError: the model is not available, or damaged.
    """

    languages = "English"
    name = "static"
    published = Published("", "5 MB", "Apache-2.0", "ships with tk, made from all-MiniLM-L6-v2")

    def __init__(self, pooling: str = "mean", shape: bool = True, model: str | None = None) -> None:
        super().__init__(pooling)
        self._model, self._pinned = None, None
        if model is not None:
            path, self._pinned = resolve_on_hub(model, None, self.reporter)
            self._model, self.languages, self._path = Model2Vec(path), "model", path
            if pooling != "mean":
                raise InputError(f"static: `pooling={pooling!r}`: the vectors of a model are means; leave it out")
        if pooling not in POOLINGS:
            raise InputError(
                f"static: `pooling={pooling!r}` does not exist, choose one of: {listing(str(pooling), POOLINGS)}"
            )
        if not isinstance(shape, bool):
            raise InputError(f"static: `shape={shape!r}` does not exist, choose one of: True, False")
        self.shape = shape and self._model is None
        width = self._model.dimension if self._model else WIDTH * (2 if pooling == "mean+max" else 1)
        self.dimension = width + len(SHAPE) * self.shape
        self._table: WordTable | None = None  # read at the first text
        self._digest: str | None = None

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The model in the place of the table; the table comes with the project."""
        return {"model": (self._path, None)} if self._model else {}

    def pinned(self) -> dict:
        """The model with its commit on the hub."""
        return {"model": self._pinned} if self._pinned else {}

    def identity(self) -> dict:
        """Name, version of the algorithm, digest of the table's file, and the options."""
        if self._digest is None:
            self._digest = digest_file(TABLE)
        options = {"pooling": self.pooling, "shape": self.shape, "dimension": self.dimension}
        if self._model:
            return {"encoder": self.name, "version": VERSION, "weights": self._model.digest} | options
        return {"encoder": self.name, "version": VERSION, "table": self._digest} | options

    @property
    def table(self) -> WordTable:
        """The table that ships."""
        if self._table is None:
            self._table = load_table(TABLE, "install the package again")
        return self._table

    def encode(self, texts: list[str]) -> Features:
        """``pooled`` float32 ``[n, dimension]``; counts: tokens, unknown tokens, 0. No value is ever NaN."""
        return self.encode_prepared(self.prepare(texts))

    def prepare(self, texts: list[str]) -> tuple[Any, np.ndarray]:
        """The words of texts (the texts, for a model), and their shapes: float32 ``[n, 11]``, or ``[n, 0]``."""
        shapes = [shape_of(text) if self.shape else [] for text in texts]
        columns = len(SHAPE) * self.shape
        return texts if self._model else super().prepare(texts), np.array(shapes, np.float32).reshape(
            len(texts), columns
        )

    def encode_prepared(self, prepared: tuple[Any, np.ndarray]) -> Features:
        """The vectors of the words, with the shapes beside them."""
        words, shapes = prepared
        if self._model:
            vectors, counts = self._model.encode(words)
            return PooledFeatures({"pooled": vectors}, counts)
        features = super().encode_prepared(words)
        return replace(features, outputs={"pooled": np.hstack([features.outputs["pooled"], shapes])})

    def word_numbers(self) -> WordNumbers:
        """See ``tokens_of``: no rule looks beyond white space."""
        return WordNumbers(tokens_of)

    def rows_of(self, tokens: list[str]) -> tuple[list[list[int]], np.ndarray]:
        """The rows of each token's pieces; a token that can be cut so is known."""
        rows = [pieces_of(token, self.table) for token in tokens]
        return rows, np.array([len(pieces) > 0 for pieces in rows], bool)


def tokens_of(text: str) -> list[str]:
    """The tokens of a text, in small letters: ``"Don't, WWW.x.com 50%"`` -> ``don ' t , www.x.com 50 %``."""
    if not text.isascii():
        parts = unicodedata.normalize("NFKD", text)
        text = "".join(c for c in parts if not unicodedata.combining(c))
    return _TOKEN.findall(text.lower())


def pieces_of(token: str, table: WordTable) -> list[int]:
    """The rows of the table that stand for a token; none for an unknown one.

    WordPieces are cut as in WordPiece (Devlin et al. 2018, "BERT"): the longest first, and all or nothing.
    """
    index = table.index
    if token in index:
        return [index[token]]
    if token.startswith(("http://", "https://", "www.")):
        return [index["http"]]
    if token.isdecimal():
        rows = [index.get(digit, -1) for digit in token]
        return [] if -1 in rows else rows
    rows, start = [], 0
    while start < len(token):
        for end in range(min(start + table.longest, len(token)), start, -1):
            row = index.get(("##" if start else "") + token[start:end])
            if row is not None:
                break
        else:
            return []
        rows.append(row)
        start = end
    return rows


def shape_of(text: str) -> list[float]:
    """The columns named in ``SHAPE``; zeros for a text of white space."""
    words = text.split()
    solid = "".join(words)
    n, m = max(len(solid), 1), max(len(words), 1)
    digits, capitals, letters = _count_kinds(solid)
    beyond = 0 if solid.isascii() else sum(c > "\x7f" for c in solid)
    shouts = sum(sum(map(str.isupper, word)) > 1 for word in words if word.isupper()) if capitals > 1 else 0
    digit_run = max(map(len, _DIGITS.findall(text)), default=0)
    return [
        log1p(len(solid)),
        log1p(len(words)),
        len(solid) / m,
        digits / n,
        capitals / n,
        (len(solid) - letters - digits) / n,
        beyond / n,
        shouts / m,
        log1p(digits),
        log1p(capitals),
        log1p(digit_run),
    ]


def _count_kinds(text: str) -> tuple[int, int, int]:
    """How many characters are digits, capitals and letters."""
    if not text.isascii():
        return sum(map(str.isdecimal, text)), sum(map(str.isupper, text)), sum(map(str.isalpha, text))
    whole, rest = len(text), text.encode()
    digits, capitals, small = (whole - len(rest.translate(None, kind)) for kind in (DIGITS, CAPITALS, SMALL))
    return digits, capitals, capitals + small
