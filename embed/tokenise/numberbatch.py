"""Words and terms as the keys of ConceptNet Numberbatch are made (``text_to_uri.py`` of its repository).

The original cuts text with the package wordfreq, by the Unicode rules of word boundaries (Unicode Standard Annex 29),
which the package regex has. The expression here is that of wordfreq 3 (``tokens.py``; Robyn Speer, Apache-2.0): a token
begins with a letter, digit or symbol such as an emoji, ends at a word boundary, and is in small letters (case
folding); scripts without blanks (Chinese, Japanese, Thai) stay in one piece. A curly apostrophe is made straight, which
the original does not do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import regex

ARTICLES = frozenset(("a", "an", "the"))
# ideographs, the scripts that are written without blanks, and signs of Japanese that regex counts to none of these
_WITHOUT_BLANKS = (
    r"\p{IsIdeo}\p{Script=Hira}\p{Script=Kana}\p{Script=Thai}\p{Script=Khmr}\p{Script=Laoo}\p{Script=Mymr}"
    r"\p{Script=Tale}\p{Script=Talu}\p{Script=Lana}\u30fc\u3005\u303b\u3006"
)
_VOWEL = "[aehiouyáéíóúàèìòùâêîôûåïöœ]"
_WORD = rf"""
    [{_WITHOUT_BLANKS}]+
    | @s \b                                                      # Portuguese, for "as" and "os"
    | (?=[\w\p{{So}}]) (?!\w\w?'{_VOWEL}) \X+? (?: @s?(?!\w) | \b )  # graphemes up to a word boundary
    | \w\w?'                                                     # l'ete is two words
"""
_TWO_DIGITS, _DIGIT = re.compile("[0-9][0-9]"), re.compile("[0-9]")


def words(text: str, language: str = "en") -> list[str]:
    """The words of a text, small; in English without ``the``, ``a`` and ``an``, unless nothing else is there."""
    text = text.replace("_", " ").replace("\u2019", "'")
    found = [word for piece in text.split() for word in _cut(piece)]
    if language != "en":
        return found
    return [word for word in found if word not in ARTICLES] or found


@lru_cache(1 << 16)
def _cut(piece: str) -> list[str]:
    """The words of what stands between white space: no rule looks beyond it."""
    if piece.isascii() and piece.isalnum():
        return [piece.lower()]
    small = unicodedata.normalize("NFC", unicodedata.normalize("NFC", piece).casefold())
    return [word.strip("'") for word in _word().findall(small)]


@cache
def _word() -> regex.Pattern[str]:
    import regex

    return regex.compile(_WORD, regex.V1 | regex.WORD | regex.VERBOSE)


def hashed(term: str) -> str:
    """A term with ``#`` for its digits, if two of them stand side by side."""
    return _DIGIT.sub("#", term) if _TWO_DIGITS.search(term) else term


def terms(
    words: list[str], is_term: Callable[[str], bool], may_begin: Callable[[str], bool], language: str = "en"
) -> list[str]:
    """The keys of the longest terms that the words make up, from the left; a word of no term is one by itself.

    Args:
        words: of a text.
        is_term: whether there is a term with this key.
        may_begin: whether a term begins with this key and an underscore.
        language: in English ``to`` begins no term: it is dropped from there.
    """
    found, i = [], 0
    while i < len(words):
        longer, length = words[i], 1
        best = key = hashed(longer)
        for end in range(i + 1, len(words)):
            if (longer == "to" and language == "en") or not may_begin(key):
                break
            longer += "_" + words[end]
            key = hashed(longer)
            if is_term(key):
                best, length = key, end + 1 - i
        found.append(best)
        i += length
    return found
