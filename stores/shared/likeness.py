"""Which texts are the same but for their writing: the normal form that decides which rows no split may part."""

from __future__ import annotations

import re
import unicodedata

LINK = re.compile(r"(?:https?://|www\.)\S+")
MENTION = re.compile(r"@\w+")
DIGITS = re.compile(r"\d+")
NO_WORD = re.compile(r"[\W_]+")


def normal_form(text: str) -> str:
    """The text in Unicode NFKC and lower case, with links, mentions and numbers as one sign each, without punctuation.

    Two texts of one normal form differ in case, blanks, digits, links, mentions or punctuation alone. A text without
    letters or digits keeps what it has, so that ":)" and "?" are not the same.
    """
    form = unicodedata.normalize("NFKC", text).casefold()
    form = DIGITS.sub("0", MENTION.sub(" \ue001 ", LINK.sub(" \ue002 ", form)))
    words = NO_WORD.sub(" ", form.replace("\ue001", "mention0").replace("\ue002", "link0")).strip()
    return words or " ".join(form.split())
