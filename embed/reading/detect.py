"""Which form a file has: by what the user says, its name, or its first bytes."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from embed.reading.arrow import ArrowTable
from embed.reading.delimited import Delimited
from embed.reading.files import Source, find_sources
from embed.reading.folders import TAR_SUFFIXES, Folder
from embed.reading.format import TableFile
from embed.reading.records import Json, Lines
from stores.shared.errors import InputError

FORMATS = ("csv", "tsv", "json", "jsonl", "lines", "parquet", "arrow")
QUOTINGS = ("double", "none")
SUFFIXES = {
    ".csv": "csv", ".tsv": "tsv", ".tab": "tsv", ".txt": "lines", ".json": "json", ".jsonl": "json",
    ".ndjson": "json", ".parquet": "parquet", ".pq": "parquet", ".feather": "arrow", ".arrow": "arrow", ".ipc": "arrow",
}  # fmt: skip
MAGIC = {b"PAR1": "parquet", b"ARROW1": "arrow", b"{": "json", b"[": "json"}


def open_files(
    data: str,
    format: str | None,
    encoding: str | None,
    delimiter: str | None,
    quoting: str,
    header: bool,
    follow_links: bool = False,
) -> Iterator[TableFile]:
    """What ``data`` names, a file, several or a folder, each looked at once; see ``embed.read_table``.

    Raises:
        InputError: if there is none, or it cannot be read so.
    """
    if format not in (None, *FORMATS):
        raise InputError(f"--format {format}: choose one of {', '.join(FORMATS)}")
    if quoting not in QUOTINGS:
        raise InputError(f"--quoting {quoting}: choose one of {', '.join(QUOTINGS)}")
    delimiter = _check_delimiter(delimiter)
    path = Path(data)
    if format is None and (path.is_dir() or (path.is_file() and data.lower().endswith(TAR_SUFFIXES))):
        yield Folder(path, encoding, follow_links)
        return
    for source in find_sources(data):
        form = format or _guess(source)
        if form in ("csv", "tsv"):
            yield Delimited(source, encoding, delimiter or ("\t" if form == "tsv" else None), quoting, header)
        elif form in ("json", "jsonl"):
            yield Json(source, encoding)
        elif form == "lines":
            yield Lines(source, encoding)
        else:
            yield ArrowTable(source, form)


def _guess(source: Source) -> str:
    by_name = SUFFIXES.get(source.unpacked_name.suffix.lower())
    if by_name:
        return by_name
    start = source.start()[:4096].lstrip(b"\xef\xbb\xbf \t\r\n")
    return next((form for mark, form in MAGIC.items() if start.startswith(mark)), "csv")


def _check_delimiter(delimiter: str | None) -> str | None:
    delimiter = {"tab": "\t", r"\t": "\t"}.get(delimiter, delimiter)
    if delimiter is not None and (len(delimiter) != 1 or delimiter in '"\r\n' or not delimiter.isascii()):
        raise InputError(f"--delimiter {delimiter!r}: give one character, or tab")
    return delimiter
