"""Plain text: one text a line, alone or behind its label."""

from __future__ import annotations

import json
import re
from abc import abstractmethod
from collections.abc import Iterator
from itertools import islice

import numpy as np

from embed.reading.decode import scan, utf8_blocks
from embed.reading.files import Source
from embed.reading.format import BATCH_ROWS, LONGEST_ROW, SAMPLE_ROWS, BadRow, Batch, TableFile
from stores.shared.errors import InputError

FASTTEXT = re.compile(r"__label__(\S+)")
COARSE_FINE = re.compile(r"([A-Z]{2,}):([A-Za-z]+)[ \t](.*)")  # TREC's questions: DESC:manner How did ...
TREE = re.compile(r"\((\d) [( ]?")  # the Stanford Sentiment Treebank: (3 (2 It) (4 works))
LEAF = re.compile(r"\(\d ([^()\s]+)\)")
BRACKETS = {"-LRB-": "(", "-RRB-": ")", "-LSB-": "[", "-RSB-": "]", "-LCB-": "{", "-RCB-": "}"}
FIRST_WORD = re.compile(r"(\S+)[ \t]+(?=\S)")
LABEL_NUMBER = re.compile(r"[+-]?\d{1,3}(?:\.0)?")
LABEL_WORDS = frozenset(
    """
    pos neg neu positive negative neutral ham spam good bad true false yes no objective subjective obj subj
    toxic nontoxic offensive hate normal real fake
    """.split()
)
MOST_CLASSES = 50
FEW_LINES = 4
SAMPLE_LINES = 5000


class TextLines(TableFile):
    """A file whose lines are the rows; see ``TableFile``. A line ends with a line feed and with nothing else."""

    form: str

    def __init__(self, source: Source, encoding: str | None) -> None:
        found = scan(source, encoding)
        super().__init__(source)
        self.notes, self.places = list(found.notes), found.places
        self.lines = self.most_rows = found.lines
        self._encoding = found.encoding
        self.how = {"encoding": found.encoding, "format": self.form}

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        rows = [row for _, row, _ in islice(self._rows(), SAMPLE_ROWS) if isinstance(row, dict)]
        return {name: [row[name] for row in rows] for name in self.header}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        rows = self._rows()
        while taken := list(islice(rows, BATCH_ROWS)):
            good = [(number, row) for number, row, _ in taken if isinstance(row, dict)]
            bad = [
                BadRow(self.name, number, row, "correct it, or give `bad_rows='skip'`", line[:1000])
                for number, row, line in taken
                if isinstance(row, str)
            ]
            cells = {name: [row[name] for _, row in good] for name in columns}
            yield Batch(np.array([number for number, _ in good], np.int64), cells, bad)

    def _rows(self) -> Iterator[tuple[int, dict[str, str] | str, str]]:
        """Of each line its number, its cells or why it cannot be read, and the line itself."""
        for number, raw in split_lines(self.source, self._encoding):
            line = raw.decode()
            row = "a NUL byte" if "\0" in line else self._cells(line)
            if row is not None:
                yield number, row, line

    @abstractmethod
    def _cells(self, line: str) -> dict[str, str] | str | None:
        """The cells of a line, or what is wrong with it, or None if it is no row."""


class Lines(TextLines):
    """A file with one text a line; an empty line is an empty text."""

    form = "lines"

    def __init__(self, source: Source, encoding: str | None) -> None:
        super().__init__(source, encoding)
        self.header = ["text"]
        start = next(utf8_blocks(source, self._encoding), b"").decode("utf-8", "ignore")
        if "\t" in start:
            self.notes.append(f"{source.name} is read as one text a line, but has tabs; a table needs `format='tsv'`")
        elif words := _few_first_words(start.split("\n")):
            listing = ", ".join(words[:5])
            self.notes.append(
                f"{source.name} is read as one text a line; if the words in front ({listing}) are labels, "
                f"give `format='labelled'`"
            )

    def _cells(self, line: str) -> dict[str, str]:
        return {"text": line}


class LabelledLines(TextLines):
    """A file with a label and a text a line, cut at the first blank or tab; empty lines are passed over.

    Also in fastText's form, ``__label__x`` before (or behind) the text, perhaps several of them, and in that of TREC,
    ``COARSE:fine`` before it.
    """

    form = "labelled"

    def __init__(self, source: Source, encoding: str | None) -> None:
        super().__init__(source, encoding)
        self.header = ["label", "text"]
        start = next(utf8_blocks(source, self._encoding), b"").decode("utf-8", "ignore").split("\n")
        self._kind = label_form(start) or "first word"
        self._several = self._kind == "fasttext" and any(
            len(FASTTEXT.findall(raw.decode())) > 1 for _, raw in split_lines(source, self._encoding)
        )
        said = "the word in front of each text"
        if self._kind == "fasttext":
            said = "what follows __label__"
        elif self._kind == "coarse:fine":
            self.header = ["label", "fine", "text"]
            said = "what stands before the colon; `label_columns=['fine']` takes all of it"
        self.notes.append(f"{source.name} has a label and a text a line, and no header: the label is {said}")

    def _cells(self, line: str) -> dict[str, str] | str | None:
        if not line.strip():
            return None
        if self._kind == "fasttext":
            labels = FASTTEXT.findall(line)
            text = re.sub(r"__label__\S+[ \t]?", "", line).strip(" \t\r")
            return {"label": json.dumps(labels) if self._several else "".join(labels[:1]), "text": text}
        if self._kind == "coarse:fine":
            found = COARSE_FINE.match(line)
            if not found:
                return "it does not begin with COARSE:fine"
            return {"label": found[1], "fine": f"{found[1]}:{found[2]}", "text": found[3]}
        label, *rest = line.strip(" \t").split(None, 1)
        return {"label": label, "text": rest[0]} if rest else "a label without a text, or a text without a label"


class Trees(TextLines):
    """Parse trees with a number at each node, one a line: the label is the root's, the text is the leaves'."""

    form = "trees"

    def __init__(self, source: Source, encoding: str | None) -> None:
        super().__init__(source, encoding)
        self.header = ["label", "text"]
        self.notes.append(f"{source.name} holds parse trees: the label is the number at the root, the text the leaves")

    def _cells(self, line: str) -> dict[str, str] | str | None:
        if not line.strip():
            return None
        root = TREE.match(line)
        leaves = [BRACKETS.get(leaf, leaf).replace("\\/", "/") for leaf in LEAF.findall(line)]
        if not root or not leaves or line.count("(") != line.count(")"):
            return "no parse tree"
        return {"label": root[1], "text": " ".join(leaves)}


def split_lines(source: Source, encoding: str) -> Iterator[tuple[int, bytes]]:
    """Number, from 1, and bytes of each line, without its end."""
    number, rest = 1, b""
    for block in utf8_blocks(source, encoding):
        *whole, rest = (rest + block).split(b"\n")
        for number, line in enumerate(whole, number):  # noqa: B020
            yield number, line.removesuffix(b"\r")
        number += bool(whole)
        if len(rest) > LONGEST_ROW:
            raise InputError(f"{source.name}, line {number} has more than {LONGEST_ROW:,} bytes: no table of text")
    if rest:
        yield number, rest.removesuffix(b"\r")


def label_form(lines: list[str]) -> str:
    """How lines carry labels: ``fasttext``, ``coarse:fine``, ``first word``; empty if they do not."""
    lines = [line.strip() for line in lines[:SAMPLE_LINES] if line.strip()]
    if not lines:
        return ""
    if lines[0].startswith("__label__") or all(map(FASTTEXT.search, lines)):
        return "fasttext"
    if all(map(COARSE_FINE.match, lines)):
        return "coarse:fine"
    first = [found[1] for found in map(FIRST_WORD.match, lines) if found]
    kinds = set(first)
    if len(first) < max(0.95 * len(lines), FEW_LINES) or len(kinds) > min(MOST_CLASSES, len(lines) / 2):
        return ""
    numbers = all(map(LABEL_NUMBER.fullmatch, kinds)) and (len(kinds) > 1 or len(lines) >= 20)
    return "first word" if numbers or {kind.lower().strip(":") for kind in kinds} <= LABEL_WORDS else ""


def is_tree(line: str) -> bool:
    """Whether a line is a parse tree with a number at each node."""
    return bool(TREE.match(line)) and line.count("(") == line.count(")") and bool(LEAF.search(line))


def _few_first_words(lines: list[str]) -> list[str]:
    """The words in front of the lines, if they are so few that they may be labels."""
    lines = [line for line in lines[:SAMPLE_LINES] if line.strip()]
    words = sorted({found[1] for found in map(FIRST_WORD.match, lines) if found})
    return words if len(lines) >= 20 and 1 < len(words) <= min(20, len(lines) / 10) else []
