"""What a file is that holds no text, by its first bytes."""

from __future__ import annotations

import re

from embed.models.archives import PACKINGS
from stores.shared.errors import InputError

KIND_BYTES = 4096  # of the beginning of a file, which say what it is
PACKED = PACKINGS | {b"PK\3\4": "zip"}  # first bytes of what is unpacked on the way
TABLES = {b"\xd0\xcf\x11\xe0": "an old Excel workbook", b"SQLite format 3": "an SQLite database"}  # but no texts
PICTURE, PICKLE = "a picture", "a pickle of Python; save the table as CSV or Parquet"
PACKED_OTHERWISE = "an archive of a kind that is not read; unpack it"
NO_TABLES = {
    b"\x89HDF": "an HDF5 file",
    b"%PDF": "a PDF",
    b"%!PS": "PostScript",
    b"{\\rtf": "a document in RTF; save it as plain text",
    b"FEA1": "Feather of version 1; save it as Parquet",
    b"\x93NUMPY": "an array of NumPy",
    b"<stata_dta>": "a table of Stata; save it as CSV",
    b"$FL2@(#)": "a table of SPSS; save it as CSV",
    b"\x89PNG": PICTURE, b"\xff\xd8\xff": PICTURE, b"GIF87a": PICTURE, b"GIF89a": PICTURE,
    b"\x80\x02": PICKLE, b"\x80\x03": PICKLE, b"\x80\x04": PICKLE, b"\x80\x05": PICKLE,
    b"(lp0\n": PICKLE, b"(dp0\n": PICKLE, b"ccopy_reg\n": PICKLE, b"cpandas.": PICKLE,
    b"7z\xbc\xaf\x27\x1c": PACKED_OTHERWISE, b"Rar!\x1a\x07": PACKED_OTHERWISE, b"\x04\x22\x4d\x18": PACKED_OTHERWISE,
    b"\x7fELF": "a program",
    b"version https://git-lfs": "a pointer of Git LFS, not the file itself; fetch it with: git lfs pull",
    b"/annex/objects/": "a pointer of git-annex, not the file itself; fetch it with: git annex get",
}  # fmt: skip
HTML = re.compile(rb"(?:\xef\xbb\xbf)?\s*(?:<!--.{,2000}?-->\s*)?(?:<!doctype html|<html|<head)\b", re.I | re.S)
XML = re.compile(rb"(?:\xef\xbb\xbf)?\s*<(?:\?xml|svg|!doctype)\b", re.I)
SAFETENSORS = re.compile(rb'.{3}\0{5}\{"', re.S)  # the length of the header, then the header
CONTROLS = re.compile("[\0-\x06\x0e-\x19\x1c-\x1f\x7f]")  # not those of line ends, terminals and ISO-2022
CONTROLS_FROM = 0.01  # of the characters: text has hardly any, data of programs have 10 % and more
FEW_CONTROLS = 32
SEVEN_BITS = {b"\x1b$B": "iso2022_jp", b"\x1b$@": "iso2022_jp", b"\x1b$)C": "iso2022_kr", b"\x1b$)A": "iso2022_cn"}


def refuse_other_kinds(name: str, start: bytes) -> None:
    """Refuse what begins like a file that is no table, under any name.

    Raises:
        InputError: saying what it is.
    """
    kind = _kind(start, NO_TABLES)
    if HTML.match(start):
        kind = "an HTML page (of GitHub, or of a login?); download the file itself"
    elif XML.match(start):
        kind = "an XML document; make a table of it, as CSV or JSON"
    elif SAFETENSORS.match(start):
        kind = "the weights of a model (safetensors)"
    if kind:
        raise InputError(f"{name} is {kind}" + ", no table that can be read" * (";" not in kind))


def refuse_seven_bits(name: str, start: bytes) -> None:
    """Refuse encodings whose bytes all are ASCII, so that they would be read as UTF-8 and as nonsense.

    Raises:
        InputError: naming the encoding.
    """
    found = next((encoding for mark, encoding in SEVEN_BITS.items() if mark in start), None)
    if found:
        raise InputError(f"{name} looks like {found}, in which escapes stand for letters; give `encoding={found!r}`")


def refuse_no_text(name: str, start: bytes, encoding: str) -> None:
    """Refuse the beginning of an unpacked file that is full of characters that texts do not have.

    Raises:
        InputError: saying what it seems to be.
    """
    if packing := _kind(start, PACKED):
        raise InputError(f"{name} is packed twice ({packing} inside); unpack it once")
    start = start[:KIND_BYTES]
    text = start.decode(encoding, "ignore")
    even, odd = text[::2].count("\0"), text[1::2].count("\0")
    if max(even, odd) > 0.4 * len(text) > 10 * min(even, odd):
        which = "utf-16-le" if odd > even else "utf-16-be"
        raise InputError(f"{name} looks like UTF-16 without a byte-order mark; give `encoding={which!r}`")
    if controls := _controls(text):
        raise InputError(
            f"{name} is no text: {controls} of its first {len(text):,} characters are NUL bytes or control characters"
            "; give a table of text"
        )


def other_kind(start: bytes) -> str | None:
    """What begins with these bytes, if it is no text."""
    return _kind(start, NO_TABLES | TABLES | PACKED)


def has_controls(text: str) -> bool:
    """Whether a text has a NUL, or more control characters than it may have by mistake."""
    return "\0" in text or bool(_controls(text[:KIND_BYTES]))


def _kind(start: bytes, kinds: dict[bytes, str]) -> str | None:
    return next((what for magic, what in kinds.items() if start.startswith(magic)), None)


def _controls(text: str) -> int:
    """How many control characters there are, if these are more than a text may have by mistake."""
    count = len(CONTROLS.findall(text))
    return count if count > max(FEW_CONTROLS, CONTROLS_FROM * len(text)) else 0
