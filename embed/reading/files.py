"""Where the bytes of a table are, and how they are packed."""

from __future__ import annotations

import glob
import shlex
import shutil
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, BinaryIO

from embed.models.archives import OPENERS
from embed.reading.kinds import KIND_BYTES, PACKED, refuse_other_kinds
from stores.shared.errors import FailureError, InputError
from stores.shared.fingerprint import digest_file
from stores.shared.remote import SCHEMES, full_address, scheme_of

BLOCK = 1 << 20  # bytes that are read at once
STDIN = "stdin"
SUFFIXES = {".gz": "gzip", ".bz2": "bz2", ".xz": "xz", ".zst": "zstd", ".zstd": "zstd", ".zip": "zip"}
ABOUT = ("readme", "license", "licence", "dataset_info", "dataset_dict", "state", "citation", "changelog", "notice")


@dataclass(frozen=True)
class Source:
    """One file, plain or packed.

    Attributes:
        path: where it lies.
        name: what people call it; ``stdin`` for what came from there.
        given: what names it on the command line, if ``name`` does not: the archive that it was taken from.
        packing: ``none``, ``gzip``, ``bz2``, ``xz``, ``zstd`` or ``zip`` (with a single member).
    """

    path: Path
    name: str
    packing: str
    given: str | None = None

    @property
    def stem(self) -> str:
        """``spam`` of ``data/spam.csv.gz``."""
        return self.unpacked_name.stem

    @property
    def unpacked_name(self) -> Path:
        """``spam.csv`` of ``data/spam.csv.gz``."""
        name = Path(self.name)
        return Path(name.stem if name.suffix.lower() in SUFFIXES else name.name)

    def blocks(self) -> Iterator[bytes]:
        """The unpacked bytes, ``BLOCK`` at a time.

        Raises:
            InputError: if they cannot be unpacked.
        """
        opener = _open_zip if self.packing == "zip" else OPENERS[self.packing]
        with damage_is_one_line(self.name), opener(self.path) as file:
            while block := file.read(BLOCK):
                yield block

    def start(self) -> bytes:
        """The first block of the unpacked bytes."""
        return next(self.blocks(), b"")

    def digest(self) -> str:
        """That of the bytes as they are stored, see ``stores.shared.fingerprint.digest_file``."""
        return digest_file(self.path)

    @contextmanager
    def on_disk(self) -> Iterator[Path]:
        """A file with the unpacked bytes, for forms that are not read from front to back."""
        if self.packing == "none":
            yield self.path
            return
        with tempfile.TemporaryDirectory(prefix="tk-") as folder:
            copy = Path(folder) / self.unpacked_name
            with open(copy, "wb") as file:
                file.writelines(self.blocks())
            yield copy


@contextmanager
def damage_is_one_line(name: str) -> Iterator[None]:
    """Say in words what is raised on reading the file ``name``; but errors of the machine stay what they are.

    (What libraries raise on damaged files is not to be foreseen.)
    """
    try:
        yield
    except (InputError, FailureError, MemoryError):
        raise
    except Exception as error:
        if isinstance(error, OSError) and error.filename:
            raise
        why = " ".join(str(error).split()) or type(error).__name__
        raise InputError(f"{name} is damaged: {why}; fetch it again") from error


def find_sources(data: str) -> list[Source]:
    """The files that ``data`` names: one, those that match a pattern in the order of their names, or stdin for ``-``.

    Raises:
        InputError: if there is none, or it is of a kind that holds no table.
    """
    path = Path(data)
    if scheme := scheme_of(data):
        address = full_address(data)
        if scheme in SCHEMES:
            from embed.reading.remote import find_remote

            return find_remote(address)
        known = ", ".join(f"{name}://" for name in SCHEMES)
        how = f", or pipe it in, with - in its place: curl -L {shlex.quote(address)}" if "http" in scheme else ""
        raise InputError(f"{address}: no tables are read from {scheme}://, but from {known}; copy it first{how}")
    if data == "-":
        return [_spool(sys.stdin.buffer, STDIN)]
    if path.exists() and not path.is_file() and not path.is_dir():  # a pipe, such as <(zcat table.csv.gz) in a shell
        with open(path, "rb") as pipe:
            return [_spool(pipe, path.name)]
    if path.exists():
        return [source_of(path)]
    found = sorted(path for path in map(Path, glob.glob(data, recursive=True)) if path.is_file())
    if not found:
        what = "no file matches it" if glob.has_magic(data) else "no such file"
        raise InputError(f"{data}: {what}")
    return [source_of(path) for path in found]


def source_of(path: Path, name: str | None = None) -> Source:
    """The file ``path``; how it is packed is said by its name, or else by its first bytes."""
    return Source(path, name or str(path), packing_of(path, name or str(path)))


def packing_of(path: Path, name: str) -> str:
    """How the file ``path`` is packed, see ``Source``; ``InputError`` if it is of a kind that holds no table."""
    with open(path, "rb") as file:
        start = file.read(KIND_BYTES)
    refuse_other_kinds(name, start)
    by_magic = next((packing for magic, packing in PACKED.items() if start.startswith(magic)), "none")
    return SUFFIXES.get(path.suffix.lower(), by_magic)


def is_about(name: str) -> bool:
    """Whether a file tells about the others."""
    return name.lower().split(".")[0] in ABOUT


def _spool(stream: BinaryIO, name: str) -> Source:
    """A stream is read more than once, so it is copied to disk; the copy goes when nothing needs it any more."""
    folder = Path(tempfile.mkdtemp(prefix="tk-"))
    with ExitStack() as cleanup:
        cleanup.callback(shutil.rmtree, folder, ignore_errors=True)
        with open(folder / STDIN, "wb") as file:
            shutil.copyfileobj(stream, file, BLOCK)
        source = source_of(folder / STDIN, name)
        cleanup.pop_all()
    weakref.finalize(source, shutil.rmtree, folder, ignore_errors=True)
    return source


@contextmanager
def _open_zip(path: Path) -> Iterator[IO[bytes]]:
    with zipfile.ZipFile(path) as archive:
        names = [m.filename for m in archive.infolist() if not m.is_dir() and not m.filename.startswith("__MACOSX/")]
        if "[Content_Types].xml" in names:
            raise InputError(f"{path} is an office document, but no workbook; save the table as CSV")
        if any(name.endswith("/data.pkl") for name in names):
            raise InputError(f"{path} is the weights of a model (PyTorch), no table that can be read")
        names = [name for name in names if not is_about(Path(name).name)] or names
        if len(names) != 1:
            listing = ", ".join(names[:5]) + ", ..." * (len(names) > 5)
            raise InputError(
                f"{path} holds {len(names)} files ({listing}); unpack it and give the folder, one, or a pattern"
            )
        with archive.open(names[0]) as member:
            yield member
