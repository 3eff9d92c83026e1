"""Words as the Stanford tokeniser makes them, which made the texts of glove.6B, 42B, 840B and 2024.

After the conventions of the Penn Treebank: contractions are cut (``don't`` -> ``do n't``, ``it's`` -> ``it 's``,
``cannot`` -> ``can not``), marks stand alone, quotes become ````` `` ````` and ``''``; abbreviations keep their full
stop (``u.s.``, ``mr.``), numbers their inner marks (``1,000``, ``10:30``), words their hyphens. Characters that HTML
escapes (``&lt;``, ``Tom&amp;Jerry``) are read as what they stand for, control characters as the quotes, dashes and
dots that they are in Windows-1252, and emoticons (``:)``) are one word where the vectors' file has them.

It is a small likeness of PTBTokenizer, not the program itself: that one knows more abbreviations and emoticons, and
cuts words at their hyphens in some releases.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

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
_TWO_WORDS = frozenset("cannot gonna wanna gotta gimme lemme".split())  # letters alone, and yet two words
_AFTER_A_WORD = frozenset(",!?;:)")  # marks that no rule takes together with letters before them

_ESCAPED = re.compile(r"&(?:#\d{1,7}|#x[0-9a-f]{1,6}|[a-z][a-z0-9]{1,31});", re.IGNORECASE)
_C1 = {code: bytes([code]).decode("cp1252") for code in (0x85, *range(0x91, 0x98))}  # ... ' ' " " * - --
_HAS_C1 = re.compile(f"[{''.join(map(chr, _C1))}]")

EMOTICONS = ":) :-) :( :-( ;) ;-) ;( :p ;p :d :] :| =) =( :'( <3 :o :/ :-/ :* ^_^ -_-".split()
_COMPOUND = re.compile(r"[^\W_]+(?:[-&][^\W_]+)+")


class Stanford:
    """The words of texts.

    Args:
        lower: whether they are in small letters.
        emoticons: those of ``EMOTICONS`` that are one word.
    """

    def __init__(self, lower: bool = True, emoticons: Iterable[str] = EMOTICONS) -> None:
        self._lower = lower
        kept = sorted(emoticons, key=len, reverse=True)
        self._firsts = frozenset(face[0] for face in kept)
        faces = "|".join(map(re.escape, kept)) or "(?!)"
        # at the end of a piece or before a mark, and not after a digit: not in "subject:(none)" or "(18)"
        self._emoticon = re.compile(rf"(?<!\d)({faces})(?=$|[^\w\s])", re.IGNORECASE)

    def words(self, text: str) -> list[str]:
        """The words of a text: ``He said "don't!" :)`` -> ``he said `` do n't ! '' :)``."""
        return [word for piece in self.prepare(text).split() for word in self.cut(piece)]

    @staticmethod
    def prepare(text: str) -> str:
        """A text with the characters that it means: no rule after this looks beyond a piece without white space."""
        if "&" in text:
            text = _ESCAPED.sub(_unescaped, text)
        return text if text.isascii() or not _HAS_C1.search(text) else text.translate(_C1)

    def cut(self, piece: str) -> list[str]:
        """The words of what stands between white space."""
        words = _simple(piece) or self._cut(piece)
        return [word.lower() for word in words] if self._lower else words

    def _cut(self, piece: str) -> list[str]:
        for mark, plain in _MARKS.items():
            piece = piece.replace(mark, plain)
        if self._firsts.isdisjoint(piece) or "://" in piece:
            return _words(piece)
        words: list[str] = []
        for i, part in enumerate(self._at_emoticons(piece)):
            found = [part] if i % 2 else _words(part)
            if i and found[:1] == ["``"]:
                found[0] = "''"  # what follows an emoticon begins no quotation
            words += found
        return words

    def _at_emoticons(self, piece: str) -> list[str]:
        """What stands between emoticons, and these, by turns; one with a letter (``:p``) only as the whole piece."""
        parts = self._emoticon.split(piece)
        if parts == ["", piece, ""]:
            return parts
        return [piece] if any(map(_has_letter, parts[1::2])) else parts


def parts_of(word: str) -> list[str]:
    """The parts of a compound, ``typhoon-devastated`` -> ``typhoon``, ``devastated``; none of another word."""
    return re.split("[-&]", word) if _COMPOUND.fullmatch(word) else []


def _simple(piece: str) -> list[str] | None:
    """The words of a piece of letters alone, or with one mark behind them: most are so, and need no pattern."""
    word, mark = (piece[:-1], [piece[-1]]) if piece[-1] in _AFTER_A_WORD else (piece, [])
    if word.isascii() and word.isalpha() and word.lower() not in _TWO_WORDS:
        return [word, *mark]
    return None


def _words(piece: str) -> list[str]:
    return [_plain(match) for match in _TOKEN.finditer(piece)]


def _plain(match: re.Match) -> str:
    word = match[0]
    if word == '"':
        before = match.string[match.start() - 1 : match.start()]
        return "``" if not before or before in "([{<-`'" else "''"
    if len(word) > 1 and word[0] in ".-":
        return "..." if word[0] == "." else "--"
    return word


def _unescaped(match: re.Match) -> str:
    """The character of an entity of HTML; one that does not exist stays as it is."""
    from html import unescape
    from html.entities import html5

    name = match[0][1:]
    if name[0] == "#":
        return unescape(match[0])
    return html5.get(name) or html5.get(name.lower()) or match[0]


def _has_letter(emoticon: str) -> bool:
    return any(map(str.isalpha, emoticon))
