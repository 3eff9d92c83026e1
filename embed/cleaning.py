"""Text -> text, in named steps, each one function with its rule; which were taken is part of the identity.

``classic`` is what the published spam and IMDB experiments did: no tags, digits, punctuation or single characters, one
blank between words. Unlike these it keeps the letters of all languages, not only a to z.
"""

from __future__ import annotations

import html as html_module
import re
import unicodedata
from collections.abc import Callable, Sequence

from stores.shared.errors import InputError
from stores.shared.suggest import did_you_mean

TAG = re.compile(r"<[a-zA-Z/!?][^<>]*>")
URL = re.compile(r"(?:https?://|www\.)\S+", re.IGNORECASE)
MENTION = re.compile(r"(?<!\w)@\w+")
SINGLE = re.compile(r"(?<!\S)\S(?!\S)")


class _Blanks(dict):
    """For ``str.translate``: characters of some Unicode categories become a blank, all others stay."""

    def __init__(self, categories: tuple[str, ...]) -> None:
        self._categories = categories

    def __missing__(self, code: int) -> int:
        self[code] = ord(" ") if unicodedata.category(chr(code)).startswith(self._categories) else code
        return self[code]


_DIGITS, _PUNCTUATION = _Blanks(("Nd",)), _Blanks(("P", "S"))


def html(text: str) -> str:
    """Each tag becomes a blank, then entities become what they stand for (``&lt;`` a ``<``).

    A tag is a ``<`` with a letter, ``/``, ``!`` or ``?`` right after it, up to the next ``>``, with no ``<`` between.
    """
    return html_module.unescape(TAG.sub(" ", text))


def lower(text: str) -> str:
    """Small letters, by Unicode's rules for no language in particular."""
    return text.lower()


def digits(text: str) -> str:
    """Each decimal digit of any script (category Nd) becomes a blank; ``²`` and ``½`` are none."""
    return text.translate(_DIGITS)


def punctuation(text: str) -> str:
    """Each mark and symbol (categories P and S: also ``$``, ``+``, ``_``, emoji) becomes a blank: ``don t``."""
    return text.translate(_PUNCTUATION)


def single_chars(text: str) -> str:
    """Each character with blanks or the text's ends on both sides goes; the blanks stay."""
    return SINGLE.sub("", text)


def spaces(text: str) -> str:
    """Each run of white space (Unicode's, line breaks included) becomes one blank; none is left at the ends."""
    return " ".join(text.split())


def urls(text: str) -> str:
    """What begins with ``http://``, ``https://`` or ``www.``, up to the next white space, becomes a blank."""
    return URL.sub(" ", text)


def mentions(text: str) -> str:
    """``@name`` becomes a blank, unless a letter or digit stands right before it, as in an e-mail address."""
    return MENTION.sub(" ", text)


STEPS: dict[str, Callable[[str], str]] = {
    "html": html,
    "lower": lower,
    "digits": digits,
    "punctuation": punctuation,
    "single-chars": single_chars,
    "spaces": spaces,
    "urls": urls,
    "mentions": mentions,
}
CLASSIC = ("html", "digits", "punctuation", "single-chars", "spaces")


def parse_steps(clean: str) -> tuple[str, ...]:
    """``html,lower`` as names of steps, in this order; ``classic`` stands for five of them, ``none`` for none.

    Raises:
        InputError: for a step that there is not.
    """
    steps: list[str] = []
    for name in map(str.strip, clean.split(",")):
        if name not in (*STEPS, "classic", "none"):
            raise InputError(
                f"`clean={name!r}`: there is no such step; choose of {', '.join(STEPS)}, classic or none"
                f"{did_you_mean(name, STEPS)}"
            )
        steps += CLASSIC if name == "classic" else [name] * (name != "none")
    return tuple(steps)


def clean(texts: Sequence[str], steps: Sequence[str]) -> list[str]:
    """Each text after these steps, in their order."""
    cleaned = list(texts)
    for step in steps:
        cleaned = list(map(STEPS[step], cleaned))
    return cleaned
