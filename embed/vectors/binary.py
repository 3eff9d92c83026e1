"""Word vectors in the binary form of word2vec: a line ``rows columns``, then each word, a space, and its numbers.

The numbers are float32, little-endian. A newline may follow each row, as the original program writes it, or not.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np

from embed.vectors.text import BadVectorLine, has_header

_LONGEST = 10_000  # bytes of a word; a longer one means that the place is lost


class Binary:
    """The format, as the beginning of a file shows it.

    Args:
        start: the first bytes of the file, more than a row.

    Attributes:
        dimension: columns.
        header: lines before the first row, 0: rows are counted, not lines.
        promised: how many rows the first line says that there are.

    Raises:
        BadVectorLine: if this is no such file.
    """

    name = "binary"
    header = 0

    def __init__(self, start: bytes) -> None:
        line, _, rows = start.partition(b"\n")
        if not has_header(line):
            raise BadVectorLine("the first line does not say how many rows and columns there are")
        self.promised, self.dimension = map(int, line.split())
        self._begin = len(line) + 1
        _, space, numbers = rows.partition(b" ")
        if not self.dimension or not space or len(numbers) < 4 * self.dimension:
            raise BadVectorLine("the first row is not whole")

    def words(self, file: BinaryIO, size: int) -> Iterator[tuple[list[bytes], np.ndarray]]:
        """Words of the rows in about ``size`` bytes, with the place of each in the file, int64, again and again.

        Raises:
            BadVectorLine: if the last row is not whole.
        """
        at, rest = 0, b""
        for number, block in enumerate(iter(lambda: file.read(size), b"")):
            data = rest + block
            words, places, position = [], [], self._begin * (number == 0)
            while 0 <= (space := data.find(b" ", position)) < len(data) - 4 * self.dimension:
                word = data[position:space].lstrip(b"\n")
                words.append(word)
                places.append(at + space - len(word))
                position = space + 1 + 4 * self.dimension
            rest, at = data[position:], at + position
            if len(rest) > _LONGEST + 4 * self.dimension and b" " not in rest[:_LONGEST]:
                raise BadVectorLine(f"no word begins at byte {at:,}")
            yield words, np.array(places, np.int64)
        if rest.strip(b"\n"):
            raise BadVectorLine("the last row is not whole")

    def vector(self, numbers: bytes) -> np.ndarray:
        """float32 ``[D]`` from what follows the word and a space."""
        return np.frombuffer(numbers, "<f4", self.dimension).astype(np.float32)

    def vectors(self, rows: list[bytes]) -> dict[int, np.ndarray]:
        """None: nothing is faster than ``vector``."""
        return {}
