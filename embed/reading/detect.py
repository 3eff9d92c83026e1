"""Which form a file has: by what the user says, its name, or its first bytes."""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from embed.reading.arrow import ArrowTable
from embed.reading.column_names import is_usual
from embed.reading.csv_dialect import QUOTINGS
from embed.reading.csv_sniff import Trial, separator_line, sniff
from embed.reading.decode import BOMS
from embed.reading.delimited import Delimited
from embed.reading.files import Source, find_sources
from embed.reading.folders import TAR_SUFFIXES, Folder, table_in_tar
from embed.reading.format import TableFile
from embed.reading.lines import LabelledLines, Lines, Trees, is_tree, label_form
from embed.reading.records import Json
from stores.shared.errors import InputError

FORMATS = ("csv", "tsv", "json", "jsonl", "lines", "labelled", "trees", "parquet", "arrow")
SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".parquet": "parquet", ".pq": "parquet", ".feather": "arrow", ".arrow": "arrow", ".ipc": "arrow",
}  # fmt: skip
BEGINNING = 1 << 17  # bytes that are looked at where the name does not say enough
MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow"}


@dataclass(frozen=True)
class ReadingOptions:
    """What was asked for, see ``embed.read_table``; None where it is to be found."""

    format: str | None = None
    encoding: str | None = None
    delimiter: str | None = None
    quoting: str | None = None
    header: bool | None = None
    follow_links: bool = False

    def checked(self) -> ReadingOptions:
        """The same with a delimiter of one character; ``InputError`` for what there is not."""
        if self.format not in (None, *FORMATS):
            raise InputError(f"`format={self.format!r}`: choose one of {', '.join(FORMATS)}")
        if self.quoting not in (None, *QUOTINGS):
            raise InputError(f"`quoting={self.quoting!r}`: choose one of {', '.join(QUOTINGS)}")
        delimiter = {"tab": "\t", r"\t": "\t"}.get(self.delimiter or "", self.delimiter)
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
            raise InputError(f"`delimiter={delimiter!r}`: give one character, or tab")
        return replace(self, delimiter=delimiter)


def open_files(data: str, asked: ReadingOptions) -> Iterator[TableFile]:
    """What ``data`` names, a file, several or a folder, each looked at once; see ``embed.read_table``.

    Raises:
        InputError: if there is none, or it cannot be read so.
    """
    asked = asked.checked()
    path = Path(data)
    is_tar = path.is_file() and data.lower().endswith(TAR_SUFFIXES)
    inside = table_in_tar(path) if is_tar else None
    if asked.format is None and not inside and (is_tar or path.is_dir()):
        yield Folder(path, asked.encoding, asked.follow_links)
        return
    for source in [inside] if inside else find_sources(data):
        yield _open(source, asked.format or _form(source, asked), asked)


def _open(source: Source, form: str, asked: ReadingOptions) -> TableFile:
    if form in ("csv", "tsv"):
        delimiter = asked.delimiter or ("\t" if form == "tsv" else None)
        return Delimited(source, asked.encoding, delimiter, asked.quoting, asked.header)
    if form in ("json", "jsonl"):
        return Json(source, asked.encoding)
    texts = {"lines": Lines, "labelled": LabelledLines, "trees": Trees}
    if form in texts:
        return texts[form](source, asked.encoding)
    return ArrowTable(source, form)


def _form(source: Source, asked: ReadingOptions) -> str:
    """The form that the name says, unless the first bytes say otherwise; else that of the content."""
    by_name = SUFFIXES.get(source.unpacked_name.suffix.lower())
    block = source.start()
    by_magic = next((form for mark, form in MAGIC.items() if block.startswith(mark)), None)
    if by_magic or by_name in ("json", "parquet", "arrow"):
        return by_magic or str(by_name)
    text = _beginning(block, asked.encoding)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if _begins_with_json(text):
        return "json"
    if lines[0].startswith("__label__"):
        return "labelled"
    if is_tree(lines[0]):
        return "trees"
    if by_name == "csv" or asked.delimiter or separator_line(text):
        return "csv"
    if by_name == "tsv":  # not all that are called so have tabs
        return "tsv" if "\t" in lines[0] else "csv"
    return _form_of_text(source, text, lines, asked)


def _form_of_text(source: Source, text: str, lines: list[str], asked: ReadingOptions) -> str:
    """The form of a text whose name says nothing: a table, labels and texts, or texts, one a line."""
    trial, _ = sniff(source.name, text, len(text) < BEGINNING, None, asked.quoting)
    if _is_table(trial) or (asked.header is not None and trial.is_regular):
        return "csv"
    if label_form(lines):
        return "labelled"
    return "csv" if is_usual(lines[0]) and source.unpacked_name.suffix != ".txt" else "lines"


def _is_table(trial: Trial) -> bool:
    """Whether the first rows are those of a table: all as wide as the first, or most of them below usual names.

    Tabs are seldom part of a text; other delimiters are, so with these a column must look like one of classes.
    """
    widths, width = trial.widths, trial.widths[0]
    if width < 2 or len(widths) < 2:
        return False
    if any(map(is_usual, trial.rows[0])) and widths.count(width) >= 0.8 * len(widths):
        return True
    return trial.is_regular and (trial.dialect.delimiter == "\t" or _has_classes(trial.rows))


def _has_classes(rows: list[list[str]]) -> bool:
    """Whether a column repeats a few short values."""
    for column in zip(*rows, strict=True) if len(set(map(len, rows))) == 1 else ():
        if len(rows) >= 4 and len(set(column)) <= len(rows) // 2 and max(map(len, column)) <= 40:
            return True
    return False


def _begins_with_json(text: str) -> bool:
    """Whether the text is JSON: its first line an object, or a bracket before an object."""
    start = text.lstrip()
    if start[:1] == "[":
        return start[1:].lstrip()[:1] in ("{", "[")
    if start[:1] != "{":
        return False
    try:
        return isinstance(json.loads(start.split("\n", 1)[0]), dict)
    except ValueError:
        return start[1:].lstrip()[:1] == '"'


def _beginning(block: bytes, encoding: str | None) -> str:
    """The first characters of a file, in what seems to be its encoding."""
    encoding = encoding or next((name for mark, name in BOMS.items() if block.startswith(mark)), None)
    block = block[:BEGINNING]
    try:
        return codecs.decode(block, encoding or "utf-8", "ignore").lstrip("\ufeff")
    except (LookupError, AssertionError, UnicodeError, TypeError):  # no encoding of text; that is said elsewhere
        return block.decode("utf-8", "ignore")
