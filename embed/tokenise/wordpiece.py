"""WordPiece: text to pieces of words, by the rules of BERT (google-research/bert, ``tokenization.py``).

A text is cleaned (control characters go, every blank is a space), for uncased models put in small letters without
accents, cut at blanks, punctuation and CJK characters, and each word that comes of it is cut into the longest pieces
that the vocabulary has, from the left; a word that cannot be cut so is one unknown piece.

It serves the vocabularies that Google published: by TensorFlow Text it is five times as fast as ``tokenizers``, which
gives the same pieces, but it takes TensorFlow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from embed.tokenise import Tokens
from stores.shared.cores import threads
from stores.shared.errors import InputError
from stores.shared.tensorflow import load_tensorflow, load_tensorflow_text

SPECIAL = ("[UNK]", "[CLS]", "[SEP]")
BLOCK = 256  # texts that a thread takes at a time
# A character that no vocabulary has: it stands for a word that is too long.
UNKNOWN = "\uffff"
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
# Google's code: blocks of ideographs; not Hangul, Hiragana or Katakana, which are written with or as words
_CJK = (
    (0x3400, 0x4DBF), (0x4E00, 0x9FFF), (0xF900, 0xFAFF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F), (0x2B740, 0x2B81F),
    (0x2B820, 0x2CEAF), (0x2F800, 0x2FA1F),
)  # fmt: skip


class WordPiece:
    """A vocabulary and the rules that cut texts with it.

    Args:
        vocabulary: the pieces in the order of their ids; those within a word begin with ``##``.
        lower_case: whether the model is uncased: all letters small.
        strip_accents: whether letters lose their accents; None: if the model is uncased, as Google's do.
        longest: characters of the longest word that is cut into pieces: 200 in Google's code, 100 in Hugging Face's.

    Attributes:
        unknown, before, after: ids of ``[UNK]``, ``[CLS]`` and ``[SEP]``.

    Raises:
        InputError: if the vocabulary lacks a special piece.
    """

    truncates_left = False

    def __init__(
        self, vocabulary: Sequence[str], lower_case: bool, strip_accents: bool | None = None, longest: int = 200
    ) -> None:
        index = {piece: i for i, piece in enumerate(vocabulary)}
        missing = [piece for piece in SPECIAL if piece not in index]
        if missing:
            raise InputError(f"the vocabulary has no {', '.join(missing)}; it is none of BERT's")
        unknown, cls, sep = (index[piece] for piece in SPECIAL)
        self.unknown: int | None = unknown
        self.before, self.after = [cls], [sep]
        self._pieces = vocabulary
        self._starts = np.array([not piece.startswith("##") for piece in vocabulary])
        self._lower_case = lower_case
        self._table = _Characters(lower_case if strip_accents is None else strip_accents)
        self._too_long = re.compile(rf"[^\s!-/:-@\[-`{{-~]{{{longest + 1},}}")
        self._tf = load_tensorflow()
        self._cut = load_tensorflow_text().FastWordpieceTokenizer(
            list(vocabulary), token_out_type=self._tf.int32, max_bytes_per_word=4 * longest
        )

    def __call__(self, texts: Sequence[str], starts: bool = True) -> Tokens:
        """The pieces of ``texts`` and where words start, cut by as many threads as there are cores."""
        blocks = [texts[i : i + BLOCK] for i in range(0, len(texts), BLOCK)]
        with ThreadPoolExecutor(threads()) as pool:
            parts = list(pool.map(self._cut_block, blocks))
        ids = np.concatenate([ids for ids, _ in parts] or [np.zeros(0, np.int32)])
        lengths = np.concatenate([lengths for _, lengths in parts] or [np.zeros(0, np.int64)])
        return Tokens(ids, np.concatenate([[0], np.cumsum(lengths, dtype=np.int64)]), self._starts[ids])

    def prompt_length(self, prompt: str) -> int:
        """Its pieces, and ``[CLS]``."""
        return 1 + len(self([prompt]).ids) if prompt else 0

    def token(self, number: int) -> str:
        """The piece of an id."""
        return self._pieces[number]

    def _cut_block(self, texts: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
        clean = [self.normalise(text).encode("utf-8", "ignore") for text in texts]
        pieces = self._cut.tokenize(self._tf.constant(clean))
        return pieces.values.numpy(), pieces.row_lengths().numpy()

    def normalise(self, text: str) -> str:
        """The text as it is cut: cleaned, and spaces around characters that are words by themselves."""
        if self._lower_case:
            text = text.lower()
        if not text.isascii() or _CONTROL.search(text):
            text = text.translate(self._table)
        return self._too_long.sub(UNKNOWN, text)


class _Characters(dict):
    """What each character becomes, made when it is first met: for ``str.translate``."""

    def __init__(self, strip_accents: bool) -> None:
        self._strip_accents = strip_accents

    def __missing__(self, code: int) -> str:
        self[code] = found = self._of(chr(code))
        return found

    def _of(self, character: str) -> str:
        category = unicodedata.category(character)
        if character in "\t\n\r" or category in ("Zs", "Zl", "Zp"):
            return " "
        if category in ("Cc", "Cf", "Cs") or character in "\0\ufffd":
            return ""
        if any(first <= ord(character) <= last for first, last in _CJK):
            return f" {character} "
        if self._strip_accents:
            parts = unicodedata.normalize("NFD", character)
            character = "".join(c for c in parts if unicodedata.category(c) != "Mn")
        return f" {character} " if category[0] == "P" else character
