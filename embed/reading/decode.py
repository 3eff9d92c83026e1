"""Bytes in any encoding -> bytes in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from embed.reading.files import Source
from embed.reading.format import LONGEST_ROW
from embed.reading.guess_encoding import MIXED, SAMPLE, census, judge, refuse_other
from embed.reading.kinds import (
    KIND_BYTES,
    has_controls,
    other_kind,
    refuse_no_text,
    refuse_other_kinds,
    refuse_seven_bits,
)
from stores.shared.errors import InputError

BOMS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
# subtle: the mark of UTF-32 begins with that of UTF-16, so it is asked for first
STEP = 1 << 14  # bytes
ANY_BYTES = ("cp1252", MIXED)  # encodings in which no byte is wrong; one byte is no more than one character


@dataclass(frozen=True)
class Scan:
    """What a look at all bytes of a source has shown.

    Attributes:
        encoding: ``utf-8``, ``cp1252``, ``MIXED`` (see ``guess_encoding``), that of the byte-order mark, or what was
            asked for.
        lines: line ends, and one more for a last line without.
        places: int64 ``[b, 2]``, how many lines and bytes there are up to places some ``STEP`` apart, the first at 0.
        notes: what the user should know, one line each.
    """

    encoding: str
    lines: int
    notes: list[str]
    places: np.ndarray


class _NotUtf8(Exception):
    """The first wrong byte of a file that was taken for UTF-8."""


def scan(source: Source, asked: str | None) -> Scan:
    """Find the encoding of a source: that of its byte-order mark, else UTF-8, else see ``guess_encoding``.

    Raises:
        InputError: if the bytes are not of the encoding that was ``asked`` for, or of that of the mark; or if they are
            no more Windows-1252 than UTF-8.
    """
    check_encoding(asked)
    start = source.start()
    refuse_other_kinds(source.name, start)
    encoding = asked or next((name for mark, name in BOMS.items() if start.startswith(mark)), "utf-8")
    encoding = codecs.lookup(encoding).name.removesuffix("-sig")  # the mark is dropped in any case
    refuse_no_text(source.name, start, encoding)
    if asked is None:
        refuse_seven_bits(source.name, start)
    try:
        return _scan(source, encoding, can_change=asked is None, notes=[])
    except _NotUtf8 as wrong:
        marked = start.startswith(codecs.BOM_UTF8)
        encoding, note = judge(source.name, census(source.blocks(), LONGEST_ROW), str(wrong), marked)
        return _scan(source, encoding, can_change=False, notes=[note])


def _scan(source: Source, encoding: str, can_change: bool, notes: list[str]) -> Scan:
    """Look at all bytes; ``_NotUtf8`` if they are not in ``encoding`` and this ``can_change``."""
    at = [np.zeros((1, 2), np.int64)]
    decoder, last = _decoder(encoding), b"\n"
    for block in chain(source.blocks(), [b""]):
        waiting = decoder.getstate()[0]  # the start of a character that the block before broke off
        try:
            checked = _in_single_bytes(block, encoding, decoder)
        except UnicodeError as error:
            where = _where(error, waiting + block, int(at[-1][-1, 0]) + 1)
            if can_change and encoding == "utf-8":
                raise _NotUtf8(where) from error
            raise InputError(f"{source.name} is not {encoding}: {where}; give another `encoding`") from error
        if checked:
            at.append(at[-1][-1] + _places(checked))
            last = checked[-1:]
    places = np.concatenate(at)
    return Scan(encoding, int(places[-1, 0] + (last not in b"\r\n")), notes, places)


def _in_single_bytes(block: bytes, encoding: str, decoder: codecs.IncrementalDecoder) -> bytes:
    """A block in UTF-8 or in an encoding of single bytes; ``UnicodeError`` if it is not of its encoding."""
    if encoding in ANY_BYTES:
        return block
    if encoding != "utf-8":
        return decoder.decode(block, final=not block).encode()
    if decoder.getstate()[0] or not block.isascii():
        decoder.decode(block, final=not block)
    return block


def _places(block: bytes) -> np.ndarray:
    """Line ends and bytes up to every ``STEP`` bytes of a block and its end, int64 ``[b, 2]``."""
    values = np.frombuffer(block, np.uint8)
    steps = np.arange(0, len(values), STEP)
    lines = _counts(values, ord("\n"), steps)
    if b"\r" in block:
        returns = _counts(values, ord("\r"), steps)
        lines = returns if sum(returns) > sum(lines) else lines
    return np.stack([np.cumsum(lines), np.append(steps[1:], len(values))], 1)


def _counts(values: np.ndarray, byte: int, steps: np.ndarray) -> list[int]:
    """How often a byte is there from each place up to the next, which is near enough to stay in a core's cache."""
    return [int(np.count_nonzero(values[step : step + STEP] == byte)) for step in steps]


def utf8_blocks(source: Source, encoding: str) -> Iterator[bytes]:
    """The text of a source that ``scan`` has passed, in UTF-8 without a byte-order mark, a block at a time."""
    blocks = source.blocks()
    if encoding == "utf-8":
        yield next(blocks, b"").removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    decoder = _decoder(encoding)
    if encoding == MIXED:
        blocks = chain([next(blocks, b"").removeprefix(codecs.BOM_UTF8)], blocks)
    for block in chain(blocks, [b""]):
        yield decoder.decode(block, final=not block).encode()


def check_encoding(encoding: str | None) -> None:
    """Refuse what is no encoding of text."""
    try:
        "a".encode(encoding or "utf-8")  # not all that Python calls codecs are of text
        _decoder(encoding or "utf-8")
    except (LookupError, UnicodeError, TypeError):
        raise InputError(
            f"`encoding={encoding!r}`: Python knows no such encoding; try utf-8, cp1252 or utf-16"
        ) from None


def decode_whole(data: bytes, encoding: str | None) -> tuple[str, str]:
    """A small file as text, and its encoding: what was asked for, else as ``scan`` finds it, nothing refused.

    Raises:
        UnicodeError: if it is not of the encoding that was asked for.
    """
    if encoding:
        name = codecs.lookup(encoding).name
        return _decoder("utf-8-sig" if name == "utf-8" else name).decode(data, final=True), encoding
    marked = next((name for mark, name in BOMS.items() if data.startswith(mark)), "utf-8")
    if marked != "utf-8":
        return data.decode(marked, "replace"), marked
    try:
        return data.decode("utf-8-sig"), "utf-8"
    except UnicodeError:
        found = census(iter([data]), LONGEST_ROW)
        name = MIXED if found.is_mixed or data.startswith(codecs.BOM_UTF8) else "cp1252"
        return _decoder(name).decode(data.removeprefix(codecs.BOM_UTF8), final=True), name


class TextEncodings:
    """Which of many files with a text each are not, or not all, UTF-8."""

    def __init__(self) -> None:
        self._mixed: list[str] = []  # files with wrong bytes in UTF-8
        self._other: list[str] = []  # files that are not UTF-8
        self._sample = b""  # of these

    def add(self, name: str, data: bytes) -> None:
        """Look at a file."""
        text, found = decode_whole(data, None)
        if other_kind(data[:KIND_BYTES]) or has_controls(text):
            return
        if found == MIXED:
            self._mixed.append(name)
        elif found == "cp1252":
            self._other.append(name)
            self._sample += data[:SAMPLE] * (len(self._sample) < SAMPLE)

    def notes(self, where: str, counts: Callable[[str], bool] = lambda name: True) -> list[str]:
        """A line for each kind of files that count; ``InputError`` if some are no more Windows-1252 than UTF-8."""
        lines = []
        for names, how in (
            (self._mixed, "have wrong bytes in UTF-8; these are"),
            (self._other, "are not UTF-8; they are"),
        ):
            texts = list(filter(counts, names))
            if texts and names is self._other:
                refuse_other(where, self._sample, f"{texts[0]} and {len(texts) - 1} other files")
            if texts:
                lines.append(
                    f"{where}: {len(texts)} of its files, {texts[0]} first, {how} read as Windows-1252, "
                    "`encoding` decides"
                )
        return lines


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
    if encoding == MIXED:
        return codecs.getincrementaldecoder("utf-8")("tk-cp1252")
    return codecs.getincrementaldecoder(encoding)("tk-c1" if encoding == "cp1252" else "strict")


def _where(error: UnicodeError, data: bytes, lines: int) -> str:
    """The first wrong byte and its line; some codecs do not say which byte it is."""
    if not isinstance(error, UnicodeDecodeError) or error.start >= len(data):
        return f"{error}, on line {lines} or later"
    return f"byte 0x{data[error.start]:02X} on line {lines + data.count(bytes([10]), 0, error.start)}"


def _c1(error: UnicodeError) -> tuple[str, int]:
    """The five bytes that Windows-1252 leaves open become U+0081 ... U+009D, as browsers read them (WHATWG)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("latin-1"), error.end


def _cp1252(error: UnicodeError) -> tuple[str, int]:
    """Bytes that are wrong in UTF-8 become what they are in Windows-1252."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return error.object[error.start : error.end].decode("cp1252", "tk-c1"), error.end


codecs.register_error("tk-c1", _c1)
codecs.register_error("tk-cp1252", _cp1252)
