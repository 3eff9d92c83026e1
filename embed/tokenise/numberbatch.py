"""Words and terms as the keys of ConceptNet Numberbatch are made (``text_to_uri.py`` of its repository).

The original cuts text with the package wordfreq, by the Unicode rules of word boundaries (Unicode Standard Annex 29).
Here one expression does so: letters and digits, with an apostrophe, full stop, colon or middle dot between letters and
a full stop, comma or apostrophe between digits; small letters by case folding, marks dropped, emoji kept. On English
text it gives what wordfreq 3 gives; scripts whose vowels are combining marks (Thai, Hindi) it cuts too finely. A curly
apostrophe is made straight, which the original does not do.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable

ARTICLES = frozenset(("a", "an", "the"))
_WORD = re.compile(
    r"""
    [^\W_]+ (?:
        (?: (?<=[^\W\d_]) [.:\u00b7] (?=[^\W\d_])                                 # between letters
          | (?<=[^\W\d_]) '(?=[^\W\d_]) (?!(?<=\b.')[aeiouy\u00e0-\u00fc])        # but l'ete is two words
          | (?<=\d) [.,'] (?=\d) )                                                # between digits
        [^\W_]+ )*
    | [\u2600-\u27bf\U0001f300-\U0001faff]                                        # emoji
    """,
    re.VERBOSE,
)
_TWO_DIGITS, _DIGIT = re.compile(r"\d\d"), re.compile(r"\d")


def words(text: str, language: str = "en") -> list[str]:
    """The words of a text, small; in English without ``the``, ``a`` and ``an``, unless nothing else is there."""
    text = unicodedata.normalize("NFC", text).casefold().replace("_", " ").replace("\u2019", "'")
    found = _WORD.findall(text)
    if language != "en":
        return found
    return [word for word in found if word not in ARTICLES] or found


def hashed(term: str) -> str:
    """A term with ``#`` for its digits, if two of them stand side by side."""
    return _DIGIT.sub("#", term) if _TWO_DIGITS.search(term) else term


def terms(words: list[str], is_term: Callable[[str], bool], may_begin: Callable[[str], bool]) -> list[str]:
    """The keys of the longest terms that the words make up, from the left; a word of no term is one by itself.

    Args:
        words: of a text.
        is_term: whether there is a term with this key.
        may_begin: whether a term begins with this key and an underscore.
    """
    found, i = [], 0
    while i < len(words):
        longer, length = words[i], 1
        best = key = hashed(longer)
        for end in range(i + 1, len(words)):
            if longer == "to" or not may_begin(key):  # "to" is dropped from the beginning of a term
                break
            longer += "_" + words[end]
            key = hashed(longer)
            if is_term(key):
                best, length = key, end + 1 - i
        found.append(best)
        i += length
    return found
