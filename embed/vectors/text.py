"""Word vectors as text: a word and its numbers on a line, one space between them.

GloVe's files have no header, those of fastText, word2vec and Numberbatch have one, ``rows columns``. It is recognised;
as there are files where it is not true, the first row tells the columns, and there may be more rows than it says.

A word may hold any character but the ASCII space, U+00A0 included: glove.840B has such words.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import BinaryIO

import numpy as np

_BOM = b"\xef\xbb\xbf"
_LONGEST = 1 << 24  # bytes of a line; this is no file of lines where one is longer
_MOST_DIGITS = 15  # of a number that is read as an integer: below 2^53, so that its float64 is exact
_POWERS = 10.0 ** np.arange(_MOST_DIGITS + 1)  # exact, too
_NUMBER = re.compile(rb"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?|[-+]?(nan|inf)", re.IGNORECASE)


class BadVectorLine(ValueError):
    """A row that cannot be used; the message says why."""


@contextmanager
def strictly() -> Iterator[None]:
    """What is no number is an error, and not, as in NumPy before 2.4, a warning; ``vector`` is to be called in this."""
    with warnings.catch_warnings():
        warnings.simplefilter("error", DeprecationWarning)
        yield


class Text:
    """The format, as the beginning of a file shows it.

    Args:
        start: the first bytes of the file, more than two lines.

    Attributes:
        dimension: columns.
        header: lines before the first row, 0 or 1.
        promised: how many rows the header says that there are, 0 without one.

    Raises:
        BadVectorLine: if the first row is no word with at least one number after it.
    """

    name = "text"

    def __init__(self, start: bytes) -> None:
        self.bom = len(_BOM) * start.startswith(_BOM)
        lines = start[self.bom :].split(b"\n", 2)
        self.header = int(has_header(lines[0]) and len(lines) > 1 and lines[1] != b"")
        self.promised = int(lines[0].split()[0]) if self.header else 0
        _, _, numbers = lines[self.header].partition(b" ")
        with strictly():
            self.dimension = len(_parse(numbers))
        if not self.dimension:
            raise BadVectorLine("the first line is no word with numbers after it")

    def words(self, file: BinaryIO, size: int) -> Iterator[tuple[list[bytes], np.ndarray]]:
        """Words of the lines in about ``size`` bytes, with the place of each line in the file, int64, again and again.

        A header, too, counts as a line. A line that is not whole is read once more, so that nothing is copied.

        Raises:
            BadVectorLine: if a line does not end.
        """
        at = self.bom
        file.seek(at)
        while data := file.read(size):
            if b"\n" not in data:  # the last line, or a long one
                data += file.read(_LONGEST)
                if b"\n" not in data and len(data) > _LONGEST:
                    raise BadVectorLine(f"the line that begins at byte {at:,} does not end")
                data += b"\n" * (b"\n" not in data)
            words, starts, end = _cut(data)
            if at == self.bom and self.header:
                words[0] = b""  # no word
            yield words, at + np.array(starts, np.int64)
            at += end
            file.seek(at)

    def vector(self, numbers: bytes) -> np.ndarray:
        """float32 ``[D]`` from what follows the word and a space; ``BadVectorLine`` if it is not that."""
        vector = _parse(numbers)
        if len(vector) != self.dimension:
            raise BadVectorLine(f"{len(vector)} numbers after the word, not {self.dimension}")
        return vector

    def vectors(self, rows: list[bytes]) -> dict[int, np.ndarray]:
        """What ``vector`` makes of some rows, by their numbers: of those that can be parsed together, faster."""
        usual = [i for i, row in enumerate(rows) if b"e" not in row]  # a few have an exponent
        text = b" ".join([rows[i].rstrip() for i in usual]) + b" "
        numbers = _parse_usual(text, len(usual) * self.dimension)
        return {} if numbers is None else dict(zip(usual, numbers.reshape(-1, self.dimension), strict=True))


def _cut(data: bytes) -> tuple[list[bytes], list[int], int]:
    """The first word of each whole line, where the line begins, and where the last one ends.

    Two searches a line for one byte, which the C library does at the rate of reading; the numbers are not copied.
    """
    words, starts, start, find = [], [], 0, data.find
    while (end := find(b"\n", start)) >= 0:
        space = find(b" ", start, end)
        words.append(data[start:space] if space >= 0 else data[start:end].rstrip(b"\r"))
        starts.append(start)
        start = end + 1
    return words, starts, start


def has_header(line: bytes) -> bool:
    """Whether the first line of a file says how many rows and columns there are."""
    fields = line.split()
    return len(fields) == 2 and all(field.isdigit() for field in fields)


def _parse(numbers: bytes) -> np.ndarray:
    try:
        return np.fromstring(numbers, np.float32, sep=" ")
    except (ValueError, DeprecationWarning):
        wrong = next((field for field in numbers.split() if not _NUMBER.fullmatch(field)), b"")
        raise BadVectorLine(f"{wrong[:20].decode(errors='replace')!r} is no number") from None


def _parse_usual(text: bytes, count: int) -> np.ndarray | None:
    """float32 ``[count]``; None unless the text is as many times: a minus or none, digits with a point, a space.

    The digits are read as integers, which takes a third of the time of reading decimal fractions, and divided by a
    power of ten. Both are exact, so the quotient is the float64 next to the number, as it is when it is read at once.
    """
    if b"+" in text:  # a sign alone would be read as the integer 0
        return None
    data = np.frombuffer(text, np.uint8)
    marks = np.flatnonzero((data == ord(".")) | (data == ord(" ")))
    points, ends = marks[::2], marks[1::2]
    if len(marks) != 2 * count or np.any(data[points] != ord(".")) or np.any(data[ends] != ord(" ")):
        return None
    starts = np.concatenate([[0], ends[:-1] + 1])
    negative = data[starts] == ord("-")
    digits = ends - starts - 1 - negative
    if digits.min() < 1 or digits.max() > _MOST_DIGITS or data.min() < ord(" "):
        return None
    if np.count_nonzero(data == ord("-")) != np.count_nonzero(negative):
        return None
    scales = _POWERS[ends - points - 1]
    np.negative(scales, out=scales, where=negative)  # not the integer, as there is no -0
    try:
        integers = np.fromstring(text.translate(None, b"-."), np.int64, sep=" ")
    except (ValueError, DeprecationWarning):
        return None
    return (integers / scales).astype(np.float32) if len(integers) == count else None
