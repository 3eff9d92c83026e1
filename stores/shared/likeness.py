"""Which texts are the same but for their writing: the normal form that decides which rows no split may part."""

from __future__ import annotations

import re
import string
import unicodedata
from collections.abc import Sequence

import numpy as np

from stores.shared.fingerprint import hash_texts

AT_ONCE = 256  # texts: few enough for a core's cache
LINK, DIGITS = re.compile(r"(?:https?://|www\.)\S+"), re.compile(r"\d+")
MENTION = re.compile(r"@(?<!\w@)\w+")  # what is behind the sign is looked at where there is one, not everywhere


def normal_form(text: str) -> str:
    """The text in Unicode NFKC and folded case, with links, mentions and numbers as one sign each, no punctuation.

    Two texts of one normal form differ in case, blanks, digits, links, mentions or punctuation alone; letters, accents,
    vowel signs, emoji and the order of the words count. A text of punctuation alone keeps it, so that ":)" and "?" are
    not the same.

    Source: NFKC is of Unicode Standard Annex 15, case folding of section 3.13 of the Unicode Standard.
    """
    return normal_forms([text])[0]


def normal_forms(texts: Sequence[str]) -> list[str]:
    """``normal_form`` of each text; many at once take less time than one by one."""
    found: list[str] = []
    for start in range(0, len(texts), AT_ONCE):
        folded = [_folded(text) for text in texts[start : start + AT_ONCE]]
        marked = [_marked(form) for form in folded]
        plain = iter(_plain_ascii([text.encode() for text in marked if text.isascii()]))
        plains = [next(plain) if text.isascii() else _plain(text) for text in marked]
        found += [one or " ".join(form.split()) for one, form in zip(plains, folded, strict=True)]
    return found


def hash_likeness(texts: Sequence[str]) -> np.ndarray:
    """uint8 ``[n, 16]``: ``hash_texts`` of the normal form of each text."""
    return hash_texts(normal_forms(texts))


def _folded(text: str) -> str:
    return text.lower() if text.isascii() else unicodedata.normalize("NFKC", text).casefold()


def _marked(form: str) -> str:
    """One sign for each link and each mention."""
    marked = LINK.sub(" link0 ", form) if "//" in form or "www." in form else form
    return MENTION.sub(" mention0 ", marked) if "@" in marked else marked


def _plain(text: str) -> str:
    """Without punctuation, with one 0 for each number, and one blank between words."""
    return " ".join(DIGITS.sub("0", text).translate(PUNCTUATION).split())


def _plain_ascii(texts: list[bytes]) -> list[str]:
    """``_plain`` of texts in ASCII, by arrays of their bytes: of every run of 0 or of blanks the first one stays."""
    if not texts:
        return []
    signs = np.frombuffer(b"\n".join([text.translate(ASCII_PLAIN) for text in texts]), np.uint8)
    kept = np.ones(len(signs), bool)
    kept[1:] = (signs[1:] != signs[:-1]) | ((signs[1:] != ord(" ")) & (signs[1:] != ord("0")))
    return [text.strip(" ") for text in signs[kept].tobytes().decode().split("\n")]


class _Punctuation(dict[int, int]):
    """For ``str.translate``: punctuation becomes a blank; each character is looked up when it is first met."""

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith("P") else code
        return self[code]


PUNCTUATION = _Punctuation({ord(mark): ord(" ") for mark in string.punctuation})
# the last four part words in str.split, too
_PARTING = (string.punctuation + string.whitespace + "\x1c\x1d\x1e\x1f").encode()
ASCII_PLAIN = bytes.maketrans(_PARTING + string.digits.encode(), b" " * len(_PARTING) + b"0" * len(string.digits))
