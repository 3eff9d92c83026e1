"""Words as the script ``preprocess-twitter.rb`` makes them, which was published with the vectors of glove.twitter.27B.

Its ten replacements in its order; then words and marks are cut apart and made small, because the rows of the file are
single words and marks. Two things differ from the letter of the script, where that cannot be what made the vectors:
the names of the replacements are small from the start, and only runs of two or more capitals are marked ``<allcaps>``
(its pattern also matches a comma and the space after it, and the names themselves). A word is elongated where its end
is, as in the script, and not beyond 64 characters, so that a long string costs no more than its length.
"""

from __future__ import annotations

import re
from typing import Any

_EYES, _NOSE = "[8:=;]", "['`-]?"


def _hashtag(match: re.Match) -> str:
    """``#fun`` -> ``<hashtag> fun``, ``#BigFun`` -> ``<hashtag> Big Fun``, ``#FUN`` -> ``<hashtag> fun <allcaps>``."""
    body = match[0][1:]
    if body == body.upper():
        return f" <hashtag> {body.lower()} <allcaps> "
    return " <hashtag> " + re.sub("(?=[A-Z])", " ", body) + " "


_RULES: list[tuple[re.Pattern[str], Any]] = [
    (re.compile(r"https?://\S+\b|www\.(?:\w+\.)+\S*"), " <url> "),
    (re.compile("/"), " / "),
    (re.compile(r"@\w+"), " <user> "),
    (re.compile(rf"{_EYES}{_NOSE}[)d]+|[)d]+{_NOSE}{_EYES}", re.IGNORECASE), " <smile> "),
    (re.compile(rf"{_EYES}{_NOSE}p+", re.IGNORECASE), " <lolface> "),
    (re.compile(rf"{_EYES}{_NOSE}\(+|\)+{_NOSE}{_EYES}"), " <sadface> "),
    (re.compile(rf"{_EYES}{_NOSE}[/|l*]"), " <neutralface> "),
    (re.compile("<3"), " <heart> "),
    (re.compile(r"[-+]?\.*\d[:,.\d]*"), " <number> "),
    (re.compile(r"#\S+"), _hashtag),
    (re.compile(r"([!?.]){2,}"), r" \1 <repeat> "),
    (re.compile(r"\b(\S{0,64}?)(.)\2{2,}\b"), r"\1\2 <elong> "),
    (re.compile("[A-Z]{2,}"), lambda match: f"{match[0].lower()} <allcaps> "),
]
_TOKEN = re.compile(r"<[a-z]+>|\w+(?:'\w+)*|[^\w\s]")


def words(text: str) -> list[str]:
    """The words of a text: ``@you SO goood :) #win 24/7`` -> ``<user> so <allcaps> good <elong> <smile> ...``."""
    return [word for piece in text.split() for word in cut(piece)]


def cut(piece: str) -> list[str]:
    """The words of what stands between white space: no rule looks beyond it."""
    for pattern, replacement in _RULES:
        piece = pattern.sub(replacement, piece)
    return _TOKEN.findall(piece.lower().replace("\u2019", "'"))
