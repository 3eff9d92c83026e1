"""The words of a file of word vectors that some texts need, as a file of their own: for bundles that are small."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from embed.encoders.base import Encoder
from embed.encoders.glove import GloveEncoder
from embed.tokenise.stanford import EMOTICONS
from stores.shared.errors import InputError

TELLING = ["<user>", "The", *EMOTICONS]  # by which an encoder knows how words are made
AT_ONCE = 4096  # words whose vectors are in memory


def needed_words(encoder: Encoder, texts: list[str], top: int, out: Path) -> tuple[int, int]:
    """Write the vectors of all words of ``texts``, and of the most frequent ones, in the order of the file.

    The texts have the same vectors by the new file, number by number.

    Args:
        encoder: whose table is a file of word vectors.
        texts: cleaned.
        top: how many of the most frequent words are kept as well.
        out: a file of text.

    Returns:
        how many words were written, and how many the file has.

    Raises:
        InputError: for an encoder whose vectors would be others: one that looks unknown words up among all words, or
            weighs words by their place in the file.
    """
    if not isinstance(encoder, GloveEncoder) or encoder.pooling == "sif":
        why = "weighs words by their place in the file" if encoder.name == "glove" else "is not glove"
        raise InputError(f"`shrink`: encoder {encoder.name} {why}; leave it out, or train on tk encoders shrink")
    words = encoder.frequent_words()
    vocabulary = encoder.numbered(texts).vocabulary
    rows, _ = encoder.rows_of([*vocabulary, *TELLING])
    kept = {row for of_word in rows for row in of_word}
    place = dict(zip(words, encoder.table.find(words).tolist(), strict=True))
    chosen = [word for number, word in enumerate(words) if number < top or place[word] in kept]
    with open(out, "w", encoding="utf-8", newline="\n") as file:
        for start in range(0, len(chosen), AT_ONCE):
            some = chosen[start : start + AT_ONCE]
            vectors = encoder.table.take(np.array([place[word] for word in some], np.int64))
            for word, vector in zip(some, vectors, strict=True):
                file.write(f"{word} {' '.join(map(str, vector))}\n")  # the shortest text that gives the same float32
    return len(chosen), len(words)
