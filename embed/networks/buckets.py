"""A few shapes for the batches of a GPU, so that a compiler (XLA) meets each of them once.

A compiled function is made for shapes, and takes seconds to make. So a full batch is filled up to one of
``2 * len(LENGTHS)`` shapes: tokens up to the next eighth of an octave, the longest text up to the next power of two.
What fills it are texts of padding that are cut off again, at most 9 % of the tokens. Batches that are not full (the
last of a part, a short job, after a lack of memory) are not worth a compilation and keep their own shape.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

TOKENS = 1 << 15  # of a full batch
LENGTHS = (16, 32, 64, 128, 256, 512)  # of its longest text
SIZES = (TOKENS, int(TOKENS * 2 ** (-1 / 8)))  # tokens that a full batch is filled up to


@dataclass(frozen=True)
class Bucket:
    """A shape: tokens ``N``, texts ``B``, and the tokens ``T`` of the longest."""

    tokens: int
    texts: int
    longest: int

    def fill(self, ids: np.ndarray, lengths: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """A batch in this shape.

        Args:
            ids: int32 ``[n]``.
            lengths: int32 ``[b]``, none 0.

        Returns:
            Int32: ids ``[N]``, zeros behind those of the batch; lengths ``[B]``, those of texts of padding and then
            zeros behind those of the batch; and for each token its text, ``[N]``.
        """
        rest = self.tokens - len(ids)
        padding = [self.longest] * (rest // self.longest) + [rest % self.longest]
        filled = np.zeros(self.texts, np.int32)
        filled[: len(lengths)] = lengths
        filled[len(lengths) : len(lengths) + len(padding)] = padding
        return np.pad(ids, (0, rest)), filled, np.repeat(np.arange(self.texts, dtype=np.int32), filled)


def most_texts(longest: int) -> int:
    """How many texts a batch may have whose longest has so many tokens."""
    return max(1, 2 * TOKENS // _power(longest))


def bucket_of(tokens: int, texts: int, longest: int, most: int) -> Bucket | None:
    """The shape that a batch is filled up to; None if it keeps its own.

    Args:
        tokens, texts, longest: of the batch.
        most: tokens of a text that the network has positions for.
    """
    size, length = min((size for size in SIZES if size >= tokens), default=0), min(_power(longest), most)
    if not size or tokens <= TOKENS * 2 ** (-2 / 8) or longest > LENGTHS[-1] or texts > most_texts(longest):
        return None
    return Bucket(size, most_texts(longest) + (TOKENS - SIZES[-1]) // length + 2, length)


def _power(longest: int) -> int:
    """The next power of two, from the first of ``LENGTHS`` on."""
    return max(LENGTHS[0], 1 << (longest - 1).bit_length())
