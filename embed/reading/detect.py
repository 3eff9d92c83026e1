"""Which form a file has: by what the user says, its name, or its first bytes."""

from __future__ import annotations

import codecs
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from embed.reading.column_names import is_usual
from embed.reading.containers import (
    binary_form,
    links_passed_over,
    plain,
    tables_in_folder,
    texts_in_folder,
    with_splits,
)
from embed.reading.csv_dialect import QUOTINGS
from embed.reading.csv_sniff import Trial, has_classes, separator_line, sniff
from embed.reading.decode import BOMS
from embed.reading.delimited import Delimited
from embed.reading.files import Source, find_sources
from embed.reading.folders import TAR_SUFFIXES, Folder, table_in_tar
from embed.reading.format import TableFile
from embed.reading.lines import LabelledLines, Lines, TextLines, Trees, is_tree, label_form
from embed.reading.text_files import TextFiles, open_texts
from embed.reading.tokens import refuse_tokens
from stores.shared.errors import InputError
from stores.shared.suggest import listing

FORMATS = (
    "csv", "tsv", "json", "jsonl", "excel", "sqlite", "parquet", "arrow", "lines", "labelled", "trees", "files",
    "classes",
)  # fmt: skip
SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".json": "json", ".jsonl": "json", ".ndjson": "json",
    ".parquet": "parquet", ".pq": "parquet", ".feather": "arrow", ".arrow": "arrow", ".ipc": "arrow",
    ".md": "lines", ".markdown": "lines", ".rst": "lines",
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
    skip_rows: int | None = None
    follow_links: bool = False
    sheet: str | None = None
    table: str | None = None
    query: str | None = None

    def checked(self) -> ReadingOptions:
        """The same with a delimiter of one character; ``InputError`` for what there is not."""
        if self.format not in (None, *FORMATS):
            raise InputError(f"`format={self.format!r}`: choose one of {listing(self.format or '', FORMATS)}")
        if self.quoting not in (None, *QUOTINGS):
            raise InputError(f"`quoting={self.quoting!r}`: choose one of {listing(self.quoting or '', QUOTINGS)}")
        delimiter = {"tab": "\t", r"\t": "\t"}.get(self.delimiter or "", self.delimiter)
        if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
            raise InputError(f"`delimiter={delimiter!r}`: give one character, or tab")
        if self.skip_rows is not None and self.skip_rows < 0:
            raise InputError(f"`skip_rows={self.skip_rows}`: give how many lines stand above the table, 0 or more")
        return replace(self, delimiter=delimiter)


def open_files(given: Sequence[str], asked: ReadingOptions) -> list[TableFile]:
    """What ``given`` names, files, patterns and folders, each looked at once; see ``embed.read_table``.

    Raises:
        InputError: if there is none, or it cannot be read so.
    """
    asked = asked.checked()
    found: list[Source | TableFile] = []
    links: list[str] = []
    for data in given:
        path = Path(data)
        if path.is_dir() and asked.format not in ("files", "classes", "lines"):
            found += tables_in_folder(path, asked.follow_links) or _texts_of_folder(path, asked)
        elif path.is_dir():
            found += texts_in_folder(path, asked.follow_links)
        elif path.is_file() and data.lower().endswith(TAR_SUFFIXES):
            inside = table_in_tar(path)
            found.append(inside or Folder(path, asked.encoding, asked.follow_links))
        else:
            found += find_sources(data)
        if path.is_dir() and not asked.follow_links and not any(isinstance(each, TableFile) for each in found[-1:]):
            links += links_passed_over(path)
    sources = [source for source in found if isinstance(source, Source)]
    forms = [asked.format or _form(source, asked) for source in sources]
    if len(sources) == len(found) and _are_texts(forms, asked):
        texts = open_texts(sources, asked.format, asked.encoding)
        if len(given) == 1 and Path(given[0]).is_dir() and isinstance(texts[0], TextFiles):
            folder = Folder(Path(given[0]), asked.encoding, asked.follow_links)
            folder.notes.insert(0, texts[0].notes[0])
            return [folder]
        texts[0].notes += links
        return texts
    opened = iter([_open(source, form, asked) for source, form in zip(sources, forms, strict=True)])
    files = [next(opened) if isinstance(each, Source) else each for each in found]
    for file in files[:1]:
        file.notes += links
    return with_splits(files) if any(Path(data).is_dir() for data in given) else files


def _are_texts(forms: list[str], asked: ReadingOptions) -> bool:
    """Whether these are files of plain text that belong together in one way or another."""
    if asked.format in ("files", "classes"):
        return True
    return asked.format is None and len(forms) > 1 and set(forms) == {"lines"}


def _texts_of_folder(path: Path, asked: ReadingOptions) -> list[Source | TableFile]:
    """A folder of class folders; or, where the files lie in it side by side, these files."""
    sources = texts_in_folder(path, asked.follow_links)
    if len(sources) > 1 and asked.format is None and all(_form(source, asked) == "lines" for source in sources):
        return list(sources)
    return [Folder(path, asked.encoding, asked.follow_links)]


def _open(source: Source, form: str, asked: ReadingOptions) -> TableFile:
    if asked.sheet and form != "excel":
        raise InputError(f"`sheet={asked.sheet!r}` is for workbooks, and {source.name} is none")
    if (asked.table or asked.query) and form != "sqlite":
        raise InputError(f"`table` and `query` are for SQLite databases, and {source.name} is none")
    if asked.skip_rows and form not in ("excel", "csv", "tsv"):
        raise InputError(
            f"`skip_rows={asked.skip_rows}` is for CSV and workbooks, and {source.name} is read as {form}; leave it out"
        )
    if form == "excel":
        from embed.reading.workbook import Workbook

        return Workbook(plain(source), asked.sheet, asked.header, asked.skip_rows)
    if form == "sqlite":
        from embed.reading.sqlite import Database

        return Database(source, asked.table, asked.query)
    if form in ("csv", "tsv"):
        delimiter = asked.delimiter or ("\t" if form == "tsv" else None)
        return Delimited(source, asked.encoding, delimiter, asked.quoting, asked.header, asked.skip_rows)
    if form in ("json", "jsonl"):
        from embed.reading.json_frames import JsonFrame, is_frame
        from embed.reading.records import Json

        text = _beginning(source.start(), asked.encoding).lstrip()
        frame = is_frame(text) if text[:1] == "{" else text[1:].lstrip()[:1] == "["
        return JsonFrame(source, asked.encoding) if frame and form == "json" else Json(source, asked.encoding)
    texts: dict[str, Callable[[Source, str | None], TextLines]]
    texts = {"lines": Lines, "labelled": LabelledLines, "trees": Trees}
    if form in texts:
        return texts[form](source, asked.encoding)
    from embed.reading.arrow import ArrowTable

    return ArrowTable(source, form)


def _form(source: Source, asked: ReadingOptions) -> str:
    """The form that the name says, unless the first bytes say otherwise; else that of the content."""
    if by_kind := binary_form(source):
        return by_kind
    by_name = SUFFIXES.get(source.unpacked_name.suffix.lower())
    block = source.start()
    by_magic = next((form for mark, form in MAGIC.items() if block.startswith(mark)), None)
    if by_magic or by_name in ("json", "parquet", "arrow", "lines"):
        return by_magic or str(by_name)
    text = _beginning(block[:BEGINNING], asked.encoding)
    lines = [line.rstrip("\r") for line in text.split("\n")]
    if _begins_with_json(text):
        return "json"
    if lines[0].startswith("__label__"):
        return "labelled"
    if is_tree(lines[0]):
        return "trees"
    if not asked.delimiter and asked.header is None:
        refuse_tokens(source.name, lines if len(block) < BEGINNING else lines[:-1])
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
    return trial.is_regular and (trial.dialect.delimiter == "\t" or has_classes(trial.rows))


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
    try:
        return codecs.decode(block, encoding or "utf-8", "ignore").lstrip("\ufeff")
    except (LookupError, AssertionError, UnicodeError, TypeError):  # no encoding of text; that is said elsewhere
        return block.decode("utf-8", "ignore")
