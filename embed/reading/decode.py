"""Bytes in any encoding -> bytes in UTF-8."""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from embed.reading.files import Source
from stores.shared.errors import InputError

BOMS = {
    codecs.BOM_UTF8: "utf-8", codecs.BOM_UTF32_LE: "utf-32", codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16",
}  # fmt: skip
# subtle: the mark of UTF-32 begins with that of UTF-16, so it is asked for first
STEP = 1 << 14  # bytes


@dataclass(frozen=True)
class Scan:
    """What a look at all bytes of a source has shown.

    Attributes:
        encoding: ``utf-8``, ``cp1252``, that of the byte-order mark, or what was asked for.
        lines: line ends, and one more for a last line without.
        braces: how many ``{`` there are.
        places: int64 ``[b, 2]``, how many lines and bytes there are up to places some ``STEP`` apart, the first at 0.
        notes: what the user should know, one line each.
    """

    encoding: str
    lines: int
    braces: int
    notes: list[str]
    places: np.ndarray


def scan(source: Source, asked: str | None) -> Scan:
    """Find the encoding of a source: that of its byte-order mark, else UTF-8, else Windows-1252.

    Raises:
        InputError: if the bytes are not of the encoding that was ``asked`` for, or of that of the mark.
    """
    check_encoding(asked)
    encoding = asked or next((name for mark, name in BOMS.items() if source.start().startswith(mark)), "utf-8")
    encoding = codecs.lookup(encoding).name.removesuffix("-sig")  # the mark is dropped in any case
    braces, at = 0, [np.zeros((1, 2), np.int64)]
    last, notes = b"\n", []
    for block in _checked(source, encoding, fall_back=asked is None, notes=notes):
        values = np.frombuffer(block, np.uint8)
        braces += np.count_nonzero(values == ord("{"))
        at.append(at[-1][-1] + _places(block, values))
        last = block[-1:]
    places = np.concatenate(at)
    lines = int(places[-1, 0] + (last not in b"\r\n"))
    return Scan("cp1252" if notes else encoding, lines, int(braces), notes, places)


def _places(block: bytes, values: np.ndarray) -> np.ndarray:
    """Line ends and bytes up to every ``STEP`` bytes of a block and its end, int64 ``[b, 2]``."""
    steps = np.arange(0, len(values), STEP)
    marks = values == ord("\n")
    if b"\r" in block and np.count_nonzero(values == ord("\r")) > np.count_nonzero(marks):
        marks = values == ord("\r")
    lines = [np.count_nonzero(marks[step : step + STEP]) for step in steps]
    return np.stack([np.cumsum(lines), np.append(steps[1:], len(values))], 1)


def utf8_blocks(source: Source, encoding: str) -> Iterator[bytes]:
    """The text of a source that ``scan`` has passed, in UTF-8 without a byte-order mark, a block at a time."""
    blocks = source.blocks()
    if encoding == "utf-8":
        yield next(blocks, b"").removeprefix(codecs.BOM_UTF8)
        yield from blocks
        return
    decoder = _decoder(encoding)
    for block in chain(blocks, [b""]):
        yield decoder.decode(block, final=not block).encode()


def check_encoding(encoding: str | None) -> None:
    """Refuse what is no encoding of text."""
    try:
        "a".encode(encoding or "utf-8")  # not all that Python calls codecs are of text
        _decoder(encoding or "utf-8")
    except (LookupError, UnicodeError, TypeError):
        raise InputError(f"--encoding {encoding}: Python knows no such encoding; try utf-8, cp1252 or utf-16") from None


def decode_whole(data: bytes, encoding: str | None) -> tuple[str, str]:
    """A small file as text, and its encoding: what was asked for, else UTF-8, else Windows-1252."""
    for name, errors in ((encoding, "strict"),) if encoding else (("utf-8-sig", "strict"), ("cp1252", "tk-c1")):
        try:
            return data.decode(name, errors), name
        except UnicodeError:
            continue
    raise UnicodeError(f"not {encoding}")


def _checked(source: Source, encoding: str, fall_back: bool, notes: list[str]) -> Iterator[bytes]:
    """The blocks of a source, in UTF-8 or in an encoding of single bytes; from the first wrong byte on as they are."""
    decoder, lines, recode = _decoder(encoding), 1, encoding != "utf-8"
    for block in chain(source.blocks(), [b""]):
        if not notes and (recode or decoder.getstate()[0] or not block.isascii()):
            waiting = decoder.getstate()[0]  # the start of a character that the block before broke off
            try:
                decoded = decoder.decode(block, final=not block)
            except UnicodeError as error:
                where = _where(error, waiting + block, lines)
                if not fall_back or encoding != "utf-8":
                    raise InputError(f"{source.name} is not {encoding}: {where}; give another --encoding") from error
                notes.append(f"{source.name} is not UTF-8 ({where}); read as Windows-1252, --encoding decides")
            else:
                block = decoded.encode() if recode else block
        if not notes:
            lines += int(np.count_nonzero(np.frombuffer(block, np.uint8) == ord("\n")))
        if block:
            yield block


def _decoder(encoding: str) -> codecs.IncrementalDecoder:
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


codecs.register_error("tk-c1", _c1)
