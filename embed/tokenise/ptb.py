"""Words and marks apart, as in the Penn Treebank.

``don't stop, now.`` becomes ``do n't stop , now .``

The rules are those of the Treebank's own sed script (Robert MacIntyre, 1995), for texts of more than one sentence:
a full stop is a word of its own at the end of the text and before a word in capitals, unless it ends an abbreviation.
Quotes stay the characters that they are.
"""

from __future__ import annotations

import re

VERSION = 2  # raise it whenever the same text has other words
_ABBREVIATION = r"(?<!\b[A-Za-z])(?<!\b[MDS][rst])(?<!\bMrs)(?<!\bProf)(?<!\bGen)(?<!\bRev)(?<!\bvs)(?<!\.)"
_RULES = [
    (r"([\"“”„«»`]|'')", r" \1 "),
    (r"\.{2,}|…", r" \g<0> "),
    (r"([:,])(?=\D|$)", r" \1 "),  # not in 10:30 and 1,000
    (r"[;@#$%&?!*]", r" \g<0> "),
    (r"[\[\](){}<>]", r" \g<0> "),
    (r"--+|[–—]", r" \g<0> "),
    (_ABBREVIATION + r"\.(?=[\])}>\"'”’»]*\s+[\"'“‘«(]*[A-Z])", r" . "),
    (r"(?<!\.)\.(?=[\])}>\"'”’»\s]*$)", r" . "),
    (r"(?i)(?<=[^\s'’])(['’](?:s|m|d|ll|re|ve))(?!\w)", r" \1"),
    (r"(?i)(?<=\w)(n['’]t)(?!\w)", r" \1"),
    (r"(?i)\b(can)(not)\b", r"\1 \2"),
    (r"(?i)\b(gim|lem)(me)\b", r"\1 \2"),
    (r"(?i)\b(gon|wan)(na)\b", r"\1 \2"),
    (r"(?i)\b(got)(ta)\b", r"\1 \2"),
    (r"(?<=\S)(['’‘])(?!\S)", r" \1 "),  # quotes in pairs: 'so'
    (r"(?i)(?<!\S)(['‘])(?=\w)(?!(?:s|m|d|ll|re|ve|tis|twas)\b)", r"\1 "),
    (r"(?i)(?<!\S)(['’‘]t)(is|was)\b", r"\1 \2"),
    (r"(?i)\b(d['’])(ye)\b", r"\1 \2"),
]
_COMPILED = [(re.compile(rule), by) for rule, by in _RULES]


def words_and_marks(text: str) -> list[str]:
    """The words of a text and the marks between them, in order; only white space is lost."""
    for rule, by in _COMPILED:
        text = rule.sub(by, text)
    return text.split()
