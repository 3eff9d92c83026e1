"""Files with a token and its tags a line, and blank lines between sentences, as CoNLL's: no tables of texts."""

from __future__ import annotations

import re
from collections import Counter
from itertools import groupby

from embed.reading.cells import is_number
from embed.reading.column_names import is_usual
from stores.shared.errors import InputError

FEW_LINES, MANY_LINES = 4, 10
MOST = 0.95  # of the lines are as wide as the usual one
SHARE_OF_TAGS = 0.9
LONGEST_TAG = 20
# The scheme BIO, the Universal and the Penn Treebank's parts of speech, punctuation.
TAG = re.compile(
    r"""O|[BIESLU]-\S+|_|[^\w\s]+|-[A-Z]{3}-
    |ADJ|ADP|ADV|AUX|CCONJ|DET|INTJ|NOUN|NUM|PART|PRON|PROPN|PUNCT|SCONJ|SYM|VERB|X
    |CC|CD|DT|EX|FW|IN|JJ[RS]?|LS|MD|NNP?S?|PDT|POS|PRP\$?|RB[RS]?|RP|TO|UH|VB[DGNPZ]?|WDT|WP\$?|WRB""",
    re.VERBOSE,
)


def refuse_tokens(name: str, lines: list[str]) -> None:
    """Refuse what has a token a line, which would be read as a text each, and lose the sentences.

    Args:
        name: the file's.
        lines: its first ones.

    Raises:
        InputError: saying so.
    """
    if are_tokens(lines):
        raise InputError(
            f"{name} looks like a token and its tags a line, with blank lines between sentences (as in CoNLL's files); "
            "make a table of texts of it, or give `format='lines'` to take each line as a text"
        )


def are_tokens(lines: list[str]) -> bool:
    """Whether blocks of lines have the same number of cells without blanks in them, and some column holds tags."""
    lines = [line.rstrip() for line in lines]
    mark = "\t" if sum("\t" in line for line in lines) > sum(map(bool, lines)) / 2 else None
    width = Counter(len(line.split(mark)) for line in lines if line and line[0] != "#").most_common(1)
    if not width or width[0][0] < 2:
        return False
    rows = [line.split(mark) for line in lines if line[:1] != "#" or len(line.split(mark)) == width[0][0]]  # no remarks
    blocks = [list(block) for filled, block in groupby(rows, any) if filled]
    rows = [row for block in blocks for row in block]
    if len(blocks) < 2 or len(rows) < max(FEW_LINES, 2 * len(blocks)):  # a blank line after each line parts texts
        return False
    regular = [row for row in rows if len(row) == width[0][0] and not any(" " in cell for cell in row)]
    if len(regular) < MOST * len(rows) or any(map(is_usual, rows[0])):
        return False
    first, *others = zip(*regular, strict=True)
    return any(_are_tags(column, len(set(first))) for column in others)


def _are_tags(column: tuple[str, ...], kinds_of_token: int) -> bool:
    """Whether these are known tags, or in a longer file short names that come again and again."""
    if sum(bool(TAG.fullmatch(cell)) for cell in column) >= SHARE_OF_TAGS * len(column):
        return True
    kinds = set(column)
    again = len(column) >= MANY_LINES and len(kinds) <= min(len(column), kinds_of_token) / 2
    return again and max(map(len, kinds)) <= LONGEST_TAG and not any(map(is_number, kinds))
