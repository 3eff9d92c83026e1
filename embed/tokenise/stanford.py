"""Words as the Stanford tokeniser makes them, which made the texts of glove.6B, 42B, 840B and 2024.

After the conventions of the Penn Treebank: contractions are cut (``don't`` -> ``do n't``, ``it's`` -> ``it 's``,
``cannot`` -> ``can not``), marks stand alone, quotes become ````` `` ````` and ``''``; abbreviations keep their full
stop (``u.s.``, ``mr.``), numbers their inner marks (``1,000``, ``10:30``), words their hyphens.

It is a small likeness of PTBTokenizer, not the program itself: that one knows more abbreviations and emoticons, and
cuts words at their hyphens in some releases.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import chain

_ABBREVIATIONS = (
    "mr mrs ms dr prof st jr sr inc corp co ltd bros vs etc gov sen rep gen col lt sgt capt rev hon"
    " jan feb mar apr aug sept sep oct nov dec ave blvd dept est fig vol"
).split()

_TOKEN = re.compile(
    r"""
    (?:https?://|www\.)\S*[\w/]                      # web address
    | [\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+               # mail address
    | &(?:\#\d+|[a-z]+);                             # what is left of HTML
    | (?:[^\W\d_]\.){2,}                             # u.s. p.m. e.g.
    | (?:ABBREVIATIONS)\.(?=$|[,;:)])                        # mr. inc.
    | (?-i:[A-Z]\.$)                                  # an initial
    | \d+(?:[.,:/]\d+)*(?:[^\W\d_]+)?                # 1,000  3.5  10:30  1980s
    | n't\b | '(?:s|re|ve|ll|d|m)\b                  # the second half of a contraction
    | can(?=not\b) | gon(?=na\b) | wan(?=na\b) | got(?=ta\b) | gim(?=me\b) | lem(?=me\b)
    | [^\W\d_]+?(?=n't\b)                            # the first half
    | [^\W_]+(?:[-&][^\W_]+|'(?!(?:s|re|ve|ll|d|m|t)\b)[^\W_]+)*
    | \.{2,} | -{2,} | '' | `` | [^\w\s] | _
    """.replace("ABBREVIATIONS", "|".join(_ABBREVIATIONS)),
    re.VERBOSE | re.IGNORECASE,
)
_MARKS = {"\u2018": "'", "\u2019": "'", "\u2026": "..."}


def words(text: str) -> list[str]:
    """The words of a text, case kept: ``He said "don't!"`` -> ``He said `` do n't ! ''``."""
    return list(chain.from_iterable(map(_cut, text.split())))


def small_words(text: str) -> list[str]:
    """The same in small letters."""
    return list(chain.from_iterable(map(_cut_small, text.split())))


@lru_cache(1 << 16)
def _cut_small(piece: str) -> tuple[str, ...]:
    return tuple(map(str.lower, _cut(piece)))


@lru_cache(1 << 16)
def _cut(piece: str) -> tuple[str, ...]:
    """The words of what stands between white space: no rule looks beyond it."""
    for mark, plain in _MARKS.items():
        piece = piece.replace(mark, plain)
    return tuple(_plain(match) for match in _TOKEN.finditer(piece))


def _plain(match: re.Match) -> str:
    word = match[0]
    if word == '"':
        before = match.string[match.start() - 1 : match.start()]
        return "``" if not before or before in "([{<-`'" else "''"
    if len(word) > 1 and word[0] in ".-":
        return "..." if word[0] == "." else "--"
    return word
