"""The encoding of a file that is not UTF-8: lines of Windows-1252 in UTF-8, Windows-1252, or another that is named."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field

from stores.shared.errors import InputError

MIXED = "utf-8 and cp1252"  # UTF-8, in which wrong bytes are read as Windows-1252
MIXED_FROM = 0.1  # good lines for each bad one, from which on a file is UTF-8 with faults
SHOWN_LINES = 5
SAMPLE = 1 << 16  # bytes of bad lines that are looked at
# Share of the characters beyond ASCII that fit where they stand, from which on a text looks like Windows-1252. Measured
# were 1.0 for eleven languages of Western Europe, 0.82 for a table of SMS whose marks were misread before it was
# written; 0.80 for Latvian, 0.79 for Turkish, 0.75 for Hungarian, less for Slavic, Greek, Cyrillic, Asian, Macintosh.
FITS = 0.81
FEW = 4  # so many characters must not fit; fewer may be names
RUN = 4  # so many of them in a row are letters of another script
WESTERN = {"cp1252", "latin_1", "iso8859_15", "iso8859_9", "iso8859_1", "ascii"}

# Letters beyond ASCII of the languages that Windows-1252 is for; of Dutch, Danish and others those of two of them.
ALPHABETS = tuple(
    frozenset(letters + letters.upper())
    for letters in (
        "äöüßéèáàç", "àâæçèéêëîïôùûüœÿ", "áéíñóúü", "àáâãçéêíóôõúü", "àèéìíîòóùú", "æøåéòôóèêü", "åäöéüáà",
        "áéíóúýðþæö", "éèëêïíóöüáçñ", "àçèéíïòóúü",
    )
)  # fmt: skip
CERTAIN = re.compile("[\u2000-\u206f\U00010000-\U0010ffff]")  # punctuation and emoji, which no other encoding spells so
BEYOND_ASCII = re.compile(r"[^\x00-\x7f]")
RUNS = re.compile(f"[^\\x00-\\x7f]{{{RUN},}}")
JOINING = "\u2019\u2018\u00b4\u00b7\u00ad"  # apostrophes, middle dot, soft hyphen: may stand between two letters


@dataclass
class Census:
    """The lines of a file that has wrong bytes in UTF-8.

    Attributes:
        good: lines with characters beyond ASCII that are UTF-8, in whole or, certainly, in part.
        bad: lines that are not.
        first: numbers of the first of these, from 1.
        sample: some of these, as they are.
    """

    good: int = 0
    bad: int = 0
    first: list[int] = field(default_factory=list)
    sample: bytes = b""

    @property
    def is_mixed(self) -> bool:
        """Whether this is UTF-8 with some wrong bytes."""
        return self.good >= max(1, MIXED_FROM * self.bad)

    def add(self, line: bytes, number: int) -> None:
        """Count a line with bytes beyond ASCII."""
        try:
            line.decode()
        except UnicodeDecodeError:
            self.bad += 1
            self.good += CERTAIN.search(line.decode("utf-8", "ignore")) is not None
            self.first += [number] * (len(self.first) < SHOWN_LINES)
            if len(self.sample) < SAMPLE:
                self.sample += line + b"\n"
        else:
            self.good += 1


def census(blocks: Iterator[bytes], longest: int) -> Census:
    """Count good and bad lines; a line of more than ``longest`` bytes counts as several."""
    found, rest, number = Census(), b"", 1
    newline = b"\n"
    for block in blocks:
        if number == 1 and not rest and b"\n" not in block:
            newline = b"\r"
        data = rest + block
        end = data.rfind(newline) + 1 or (len(data) if len(data) > longest else 0)
        number = _count(found, data[:end], number, newline)
        rest = data[end:]
    _count(found, rest, number, newline)
    return found


def _count(found: Census, data: bytes, number: int, newline: bytes) -> int:
    """Count whole lines, the first of which has this number; the number of the line behind them."""
    if data.isascii():
        return number + data.count(newline)
    for line in data.split(newline):
        if not line.isascii():
            found.add(line, number)
        number += 1
    return number - 1


def judge(name: str, found: Census, where: str, marked: bool) -> tuple[str, str]:
    """The encoding of a file that is not UTF-8, and a line about it.

    Args:
        name: the file's.
        found: its lines.
        where: the first wrong byte.
        marked: whether it begins with the byte-order mark of UTF-8.

    Raises:
        InputError: if it is no more Windows-1252 than UTF-8, naming the encoding that it may have.
    """
    if found.is_mixed or marked:
        lines = ", ".join(map(str, found.first)) + ", ..." * (found.bad > len(found.first))
        which = f"{found.bad:,} line{'s' * (found.bad > 1)} of it not ({lines})"
        return MIXED, f"{name} is UTF-8, but {which}; wrong bytes there are read as Windows-1252, `encoding` decides"
    refuse_other(name, found.sample, where)
    return "cp1252", f"{name} is not UTF-8 ({where}); read as Windows-1252, `encoding` decides"


def refuse_other(name: str, sample: bytes, where: str) -> None:
    """Refuse bytes that are not UTF-8 and do not look like Windows-1252, unless a second opinion takes them for it.

    Raises:
        InputError: naming the encoding that charset-normalizer finds, if it finds one.
    """
    fitting, number = western_fit(sample.decode("cp1252", "tk-c1"))
    if fitting >= FITS * number or number - fitting < FEW:
        return
    import charset_normalizer  # only now: importing it takes longer than reading a small table

    best = charset_normalizer.from_bytes(sample).best()
    other = best and best.encoding
    if other in WESTERN:
        return
    named = f"it may be {other}: give `encoding='{other}'`" if other else "give its `encoding`"
    raise InputError(
        f"{name} is not UTF-8 ({where}) and does not look like Windows-1252; {named} and look at the texts, "
        "or `encoding='cp1252'`"
    )


def western_fit(text: str) -> tuple[int, int]:
    """How many characters beyond ASCII fit where they stand in a text of Western Europe, and how many there are.

    Each line is taken to be of the language whose letters it has most of. A mark between two letters does not fit, nor
    does a capital behind a small letter, nor a run of ``RUN``: a text of another encoding that is read as Windows-1252
    is full of these.
    """
    fitting = number = 0
    for line in text.split("\n"):
        if line.isascii():
            continue
        letters: list[str] = []
        if runs := RUNS.findall(line):
            number += sum(map(len, runs))
            line = RUNS.sub(" ", line)
        padded = f" {line} "
        for found in BEYOND_ASCII.finditer(padded):
            at = found.start()
            before, character, after = padded[at - 1], padded[at], padded[at + 1]
            number += 1
            if not character.isalpha():
                between = before.isalpha() and after.isalpha()
                fitting += character.isprintable() | (character == "\u00a0") and (not between or character in JOINING)
            elif not (character.isupper() and before.islower()) and not (character == "õ" and after != "e"):
                letters.append(character)
        fitting += max(sum(map(alphabet.__contains__, letters)) for alphabet in ALPHABETS) if letters else 0
    return fitting, number
