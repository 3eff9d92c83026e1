"""A folder of class folders, on disk or in a tar archive: ``aclImdb/train/pos/0_9.txt``, ..."""

from __future__ import annotations

import hashlib
import os
import shlex
import shutil
import tempfile
import weakref
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from itertools import islice
from pathlib import Path, PurePosixPath

import numpy as np

from embed.models.archives import STEP, tar_members
from embed.reading.containers import TABLES
from embed.reading.decode import TextEncodings, check_encoding, decode_whole
from embed.reading.files import SUFFIXES as PACKED
from embed.reading.files import Source, damage_is_one_line, is_about, source_of
from embed.reading.format import BATCH_ROWS, LONGEST_ROW, SAMPLE_ROWS, BadRow, Batch, TableFile
from embed.reading.kinds import KIND_BYTES, has_controls, other_kind
from stores.shared.errors import InputError
from stores.shared.fingerprint import HASH_BYTES

TAR_SUFFIXES = (
    ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tbz", ".tar.xz", ".txz", ".tar.zst", ".tzst",
)  # fmt: skip
BAD_ENCODING = "give another `encoding`, or `bad_rows='skip'`"
UNLABELLED = ("unsup", "unlabelled", "unlabeled")  # aclImdb keeps reviews without a label in train/unsup


class Folder(TableFile):
    """Texts that are a file each, in folders that name their class, these perhaps in folders that name the split.

    The deepest files are the texts: ``<split>/<class>/<file>``, ``<class>/<file>`` or, without labels, ``<file>``;
    folders that all have in common do not count, and files higher up are left out, with a note. The row of a text is
    its number, from 1, in the order of the paths on disk, of the archive in a tar; its id is its path. Each file is
    UTF-8 or else Windows-1252; one that is no text (a PDF, a picture) is a broken row. Links are passed over and
    counted, unless those on disk are to be followed; so are pipes and devices. See ``TableFile``.
    """

    unit = "text"

    def __init__(self, path: Path, encoding: str | None, follow_links: bool = False) -> None:
        check_encoding(encoding)
        super().__init__(Source(path, str(path), "none"))
        self._encoding, self._digest = encoding, hashlib.blake2b(digest_size=HASH_BYTES)
        self._follow = follow_links
        self._passed_over: list[str] = []  # paths of links, pipes and devices
        self.notes = []
        parts: list[tuple[str, ...]] = []
        encodings = TextEncodings()
        for name, data in self._files():
            parts.append(PurePosixPath(name).parts)
            if encoding is None:
                encodings.add(name, data)
            self._digest.update(b"%s\0%d\0%s" % (name.encode("utf-8", "surrogateescape"), len(data), data))
        passed_over = self._tell_passed_over()
        if not parts:
            why = passed_over or "give a table, or a folder of class folders with texts"
            raise InputError(f"{path} holds no files; {why}")
        self.notes += [f"{path}: {passed_over}"] if passed_over else []
        self._shared = 0
        while all(len(part) - 1 > self._shared and part[self._shared] == parts[0][self._shared] for part in parts):
            self._shared += 1
        self._depth = max(map(len, parts)) - self._shared
        if self._depth == 1 and parts[0][-1].endswith(TABLES):
            pattern = shlex.quote(f"{path}/*{Path(parts[0][-1]).suffix}")
            raise InputError(f"{path} is a folder of tables; give a pattern: {pattern}")
        if self._depth > 3:
            raise InputError(f"{path} has too many levels; give a folder with <split>/<class>/<file> or <class>/<file>")
        left = ["/".join(part) for part in parts if not self._is_text(part)]
        if left:
            listing = ", ".join(left[:3]) + ", ..." * (len(left) > 3)
            self.notes.append(f"{path}: {len(left)} files that lie in no class folder are left out: {listing}")
        self.most_rows = self.lines = len(parts) - len(left)
        self.header = ["text", "id", *["label"] * (self._depth > 1), *["split"] * (self._depth > 2)]
        self.how = {"format": "folder", "encoding": encoding} | ({"follow_links": True} if follow_links else {})
        self.notes += encodings.notes(self.name, lambda name: self._is_text(PurePosixPath(name).parts))

    def digest(self) -> str:
        """BLAKE2b-128 over the names, lengths and bytes of all files, in order."""
        return self._digest.hexdigest()

    def sample(self) -> dict[str, list[str]]:
        """See ``TableFile``."""
        rows = [row for row, _ in islice(self._rows(), SAMPLE_ROWS) if isinstance(row, dict)]
        return {name: [row[name] for row in rows] for name in self.header}

    def batches(self, columns: list[str], text: str) -> Iterator[Batch]:
        """See ``TableFile``."""
        rows, number = self._rows(), 1
        while taken := list(islice(rows, BATCH_ROWS)):
            good = [(line, row) for line, (row, _) in enumerate(taken, number) if isinstance(row, dict)]
            bad = [BadRow(f"{self.name}/{name}", 1, why, _cure(why), "") for why, name in taken if isinstance(why, str)]
            cells = {column: [row[column] for _, row in good] for column in columns}
            yield Batch(np.array([line for line, _ in good], np.int64), cells, bad)
            number += len(taken)

    def _rows(self) -> Iterator[tuple[dict[str, str] | str, str]]:
        """The cells of each text, or why it cannot be read, and its path."""
        for name, data in self._files():
            parts = PurePosixPath(name).parts
            if not self._is_text(parts):
                continue
            *folders, _ = own = parts[self._shared :]
            label = folders[-1] if folders and folders[-1].lower() not in UNLABELLED else ""
            if kind := other_kind(data[:KIND_BYTES]):
                yield f"it is {kind}", name
                continue
            try:
                text = decode_whole(data, self._encoding)[0]
            except UnicodeError as error:
                yield f"not {self._encoding}: {error}", name
                continue
            if has_controls(text):
                yield "it is no text, but has NUL bytes or control characters", name
                continue
            yield {"text": text, "id": "/".join(own), "label": label, "split": folders[0] if folders else ""}, name

    def _is_text(self, parts: tuple[str, ...]) -> bool:
        return len(parts) - self._shared == self._depth

    def _files(self) -> Iterator[tuple[str, bytes]]:
        """Path and bytes of every file that is not hidden."""
        self._passed_over.clear()
        path = self.source.path
        files = self._on_disk(path, "", ()) if path.is_dir() else self._in_tar(path)
        return ((name, data) for name, data in files if not _is_hidden(name))

    def _on_disk(self, folder: Path, name: str, above: tuple[Path, ...]) -> Iterator[tuple[str, bytes]]:
        """The files below a folder whose path from the table on is ``name``, by name; ``above`` are those around it."""
        real = folder.resolve()
        if real in above:  # a link back to a folder around it
            self._passed_over.append(name)
            return
        for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
            own = f"{name}/{entry.name}" if name else entry.name
            if _is_hidden(entry.name):
                continue
            if entry.is_symlink() and not self._follow:
                self._passed_over.append(own)
            elif entry.is_dir():
                yield from self._on_disk(entry, own, (*above, real))
            elif entry.is_file():
                _check_size(entry.stat().st_size, entry)
                yield own, entry.read_bytes()
            else:
                self._passed_over.append(own)

    def _in_tar(self, path: Path) -> Iterator[tuple[str, bytes]]:
        """Read as a stream, nothing is unpacked to disk."""
        with damage_is_one_line(str(path)):
            for member, content in tar_members(path):
                if content is not None:
                    _check_size(member.size, f"{path}/{member.name}")
                    yield member.name, content.read()
                elif not member.isdir() and not _is_hidden(member.name):
                    self._passed_over.append(member.name)

    def _tell_passed_over(self) -> str:
        """Which links, pipes and devices are no texts of the table, and what to do; empty if there are none."""
        names = self._passed_over
        if not names:
            return ""
        listing = f"{len(names)} ({', '.join(names[:3])}{', ...' * (len(names) > 3)})"
        if self.source.path.is_file():
            return f"links and devices passed over: {listing}; unpack the archive to read them"
        if self._follow:
            return f"pipes, devices, and links that lead nowhere or back, passed over: {listing}"
        if not any(os.path.islink(self.source.path / name) for name in names):
            return f"pipes and devices passed over: {listing}"
        return f"links passed over: {listing}; `follow_links=True` reads them"


def table_in_tar(path: Path) -> Source | None:
    """The only file of a tar archive, if it is a table; None if the archive is a folder of texts.

    It is copied out to disk; the copy goes when nothing needs it any more.

    Raises:
        InputError: if the archive is damaged, or holds several tables.
    """
    tables: list[str] = []
    folder = Path(tempfile.mkdtemp(prefix="tk-"))
    with ExitStack() as cleanup, damage_is_one_line(str(path)):
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        for member, content in tar_members(path):
            if content is None or _is_hidden(member.name) or is_about(PurePosixPath(member.name).name):
                continue
            if not _is_table(member.name):
                return None
            if not tables:
                with open(folder / PurePosixPath(member.name).name, "wb") as file:
                    shutil.copyfileobj(content, file, STEP)
            tables.append(member.name)
        if len(tables) > 1:
            listing = ", ".join(tables[:3]) + ", ..." * (len(tables) > 3)
            raise InputError(f"{path} holds {len(tables)} tables ({listing}); unpack it and give one, or a pattern")
        if not tables:
            return None
        source = replace(source_of(folder / PurePosixPath(tables[0]).name, f"{path}/{tables[0]}"), given=str(path))
        cleanup.pop_all()
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


def _is_table(name: str) -> bool:
    path = PurePosixPath(name.lower())
    return (path.with_suffix("") if path.suffix in PACKED else path).suffix in TABLES


def _cure(why: str) -> str:
    return "take it out, or give `bad_rows='skip'`" if why.startswith("it is") else BAD_ENCODING


def _is_hidden(name: str) -> bool:
    return any(part.startswith(".") for part in PurePosixPath(name).parts)


def _check_size(size: int, file: object) -> None:
    if size > LONGEST_ROW:
        raise InputError(f"{file} has {size:,} bytes, too many for one text ({LONGEST_ROW:,}); is it a table?")
