"""Which texts are the same but for their writing: the normal form that decides which rows no split may part."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

import numpy as np

from stores.shared.fingerprint import hash_texts

LINK, MENTION, DIGITS = re.compile(r"(?:https?://|www\.)\S+"), re.compile(r"(?<!\w)@\w+"), re.compile(r"\d+")


def normal_form(text: str) -> str:
    """The text in Unicode NFKC and folded case, with links, mentions and numbers as one sign each, no punctuation.

    Two texts of one normal form differ in case, blanks, digits, links, mentions or punctuation alone; letters, accents,
    vowel signs, emoji and the order of the words count. A text of punctuation alone keeps it, so that ":)" and "?" are
    not the same.

    Source: NFKC is of Unicode Standard Annex 15, case folding of section 3.13 of the Unicode Standard.
    """
    form = text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()
    marked = LINK.sub(" link0 ", form) if "//" in form or "www." in form else form
    marked = MENTION.sub(" mention0 ", marked) if "@" in marked else marked
    if marked.isascii():  # the same on bytes, which is faster
        plain = _plain_ascii(marked.encode())
    else:
        plain = " ".join(DIGITS.sub("0", marked).translate(PUNCTUATION).split())
    return plain or " ".join(form.split())


def hash_likeness(texts: Sequence[str]) -> np.ndarray:
    """uint8 ``[n, 16]``: ``hash_texts`` of the normal form of each text."""
    return hash_texts([normal_form(text) for text in texts])


def _plain_ascii(text: bytes) -> str:
    """Without punctuation, and with one 0 for each number."""
    text = text.translate(ASCII_PLAIN)
    while b"00" in text:  # halves every run, so there are few rounds
        text = text.replace(b"00", b"0")
    return b" ".join(text.split()).decode()


class _Punctuation(dict[int, int]):
    """For ``str.translate``: punctuation becomes a blank; each character is looked up when it is first met."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


PUNCTUATION = _Punctuation({ord(mark): ord(" ") for mark in string.punctuation})
# what bytes.split does not part, and str.split does, counts as a blank, too
_PARTING = string.punctuation.encode() + b"\x1c\x1d\x1e\x1f"
ASCII_PLAIN = bytes.maketrans(_PARTING + string.digits.encode(), b" " * len(_PARTING) + b"0" * len(string.digits))
