"""``words``: the lossless baseline. Tokens as ids with their vocabulary, in order, no weights."""

from __future__ import annotations

import re

from embed.encoders.base import Encoder
from stores.features import Features, IdFeatures

# Runs of word characters, and every other character that is not a blank by itself. Case is kept. Lower-cased, and
# without the tokens of one character, these are the tokens of scikit-learn's TfidfVectorizer (\b\w\w+\b).
TOKEN = re.compile(r"\w+|[^\w\s]")


class WordsEncoder(Encoder):
    """Words, numbers and punctuation marks as they stand in the text; only the blanks between them are lost."""

    languages = "any"
    name = "words"
    kind = "ids"

    def identity(self) -> dict:
        """The rule that finds the tokens; there are no weights."""
        return {"encoder": self.name, "version": 1, "token": TOKEN.pattern}

    def encode(self, texts: list[str]) -> Features:
        """Token ids of ``texts``, the vocabulary in order of first appearance; an empty text has no tokens."""
        return IdFeatures.from_tokens([TOKEN.findall(text) for text in texts])
