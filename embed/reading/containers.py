"""What lies in a folder or an archive, and which files hold tables that are no text."""

from __future__ import annotations

import zipfile
from copy import copy
from pathlib import Path

from embed.reading import sqlite, workbook
from embed.reading.files import SUFFIXES as PACKED
from embed.reading.files import Source, damage_is_one_line, is_about, source_of
from embed.reading.format import TableFile
from embed.reading.text_files import SPLIT_WORDS
from embed.reading.with_columns import WithColumns
from stores.shared.errors import InputError

TABLES = (
    ".csv", ".tsv", ".tab", ".json", ".jsonl", ".ndjson", ".parquet", ".pq", ".feather", ".arrow", ".ipc",
    *workbook.SUFFIXES, *sqlite.SUFFIXES,
)  # fmt: skip
OLD_EXCEL = b"\xd0\xcf\x11\xe0"


def binary_form(source: Source) -> str | None:
    """``excel`` or ``sqlite`` for a workbook or a database, by its first bytes."""
    with open(source.path, "rb") as file:
        start = file.read(16)
    if start == sqlite.MAGIC:
        return "sqlite"
    if start.startswith(OLD_EXCEL):
        return "excel"
    if start.startswith(b"PK\3\4") and zipfile.is_zipfile(source.path):
        with damage_is_one_line(source.name), zipfile.ZipFile(source.path) as archive:
            names = archive.namelist()
            opened = "mimetype" in names and b"spreadsheet" in archive.read("mimetype")
        if opened or any(name in names for name in ("xl/workbook.xml", "xl/workbook.bin")):
            return "excel"
    packed = source.packing != "none" and _suffix(source.name) in (*workbook.SUFFIXES, *sqlite.SUFFIXES)
    return ("excel" if _suffix(source.name) in workbook.SUFFIXES else "sqlite") if packed else None


def plain(source: Source) -> Source:
    """A workbook is a zip itself, and not unpacked."""
    if Path(source.name).suffix.lower() in PACKED:
        return source
    whole = copy(source)
    object.__setattr__(whole, "packing", "none")  # a copy of a file elsewhere goes on being one
    return whole


def tables_in_folder(path: Path, follow_links: bool) -> list[Source]:
    """The tables in a folder and below, if all that lies there are tables of one kind; else none."""
    files = [file for file in sorted(path.rglob("*")) if _counts(file, path, follow_links)]
    kinds = {_suffix(file.name) for file in files}
    return [source_of(file) for file in files] if len(kinds) == 1 and kinds <= set(TABLES) else []


def texts_in_folder(path: Path, follow_links: bool) -> list[Source]:
    """The files of plain text that lie in a folder side by side; none if there are folders or others in it."""
    files = [file for file in sorted(path.rglob("*")) if _counts(file, path, follow_links)]
    if any(file.parent != path or _suffix(file.name) in TABLES for file in files):
        return []
    try:
        return [source_of(file) for file in files]
    except InputError:  # not all are text
        return []


def links_passed_over(path: Path) -> list[str]:
    """A note on the links in a folder; none if there are none."""
    links = [file.relative_to(path) for file in sorted(path.rglob("*")) if file.is_symlink()]
    links = [link for link in links if not any(part.startswith(".") for part in link.parts)]
    if not links:
        return []
    listing = ", ".join(map(str, links[:3])) + ", ..." * (len(links) > 3)
    return [f"{path}: links passed over: {len(links)} ({listing}); `follow_links=True` reads them"]


def with_splits(files: list[TableFile]) -> list[TableFile]:
    """The files of a folder, each with the split that its name or folder says (``train-00000-of-00002.parquet``)."""
    splits = [_split_of(file.name) for file in files]
    if len(files) < 2 or not all(splits) or len(set(splits)) < 2 or any("split" in file.header for file in files):
        return files
    return [WithColumns(file, {"split": split}) for file, split in zip(files, splits, strict=True)]


def _split_of(name: str) -> str:
    for part in reversed(Path(name).parts[-3:]):
        word = part.split(".")[0].replace("_", "-").split("-")[0].lower()
        if word in SPLIT_WORDS:
            return word
    return ""


def _counts(file: Path, folder: Path, follow_links: bool) -> bool:
    hidden = any(part.startswith(".") for part in file.relative_to(folder).parts)
    return file.is_file() and (follow_links or not file.is_symlink()) and not hidden and not is_about(file.name)


def _suffix(name: str) -> str:
    """``.csv`` of ``spam.csv.gz``."""
    path = Path(name.lower())
    return Path(path.stem).suffix if path.suffix in PACKED else path.suffix
