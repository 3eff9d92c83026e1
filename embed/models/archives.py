"""Archives from strangers: unpacked into one folder that they cannot leave, and nothing comes out but files."""

from __future__ import annotations

import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from stores.shared.errors import FailureError

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
BROKEN = (  # what the standard library raises at damaged bytes; ValueError and IndexError at damaged names
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError,
    EOFError, NotImplementedError, ValueError, IndexError,
)  # fmt: skip


def unpack(archive: Path, folder: Path) -> None:
    """Write every file of a tar (plain, gzip, bzip2, xz) or zip archive below ``folder``, an empty one.

    Raises:
        FailureError: if the bytes are no such archive, end too early, or a member is a link or a device, or would
            lie outside ``folder``.
        OSError: if the machine refuses a write.
    """
    try:
        for name, content in _files(archive):
            target = folder / _inside(name, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                shutil.copyfileobj(content, file, 1 << 20)
    except (*BROKEN, OSError) as error:
        if not isinstance(error, BROKEN) and error.errno != errno.EINVAL:  # EINVAL: a place before the file's beginning
            raise
        why = str(error).partition("\n")[0].rstrip(":")
        raise FailureError(f"{archive} is no whole tar or zip archive ({why}); get it again") from error


def _files(archive: Path) -> Iterator[tuple[str, BinaryIO]]:
    """Name and content of each file; folders are made as files need them."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for member in opened.infolist():
                kind = stat.S_IFMT(member.external_attr >> 16)  # 0 where it was packed on Windows
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, member.filename, "a link or a device")
                if member.flag_bits & 1:
                    raise _refused(archive, member.filename, "an encrypted file")
                if not member.is_dir():
                    with opened.open(member) as content:
                        yield member.filename, content
        return
    with tarfile.open(archive) as opened:
        for member in opened:
            if member.isreg():
                yield member.name, opened.extractfile(member)
            elif not member.isdir():
                raise _refused(archive, member.name, "a link or a device")
        while opened.fileobj.read(1 << 20):  # to the checksum at the end of the compressed bytes
            pass


def _inside(name: str, archive: Path) -> PurePosixPath:
    """The path below the folder that a member's name means on every system."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise _refused(archive, name, "a path out of its folder")
    return path


def _refused(archive: Path, name: str, what: str) -> FailureError:
    return FailureError(f"{archive} holds {what}, {name!r}, and is not unpacked; get the model from its publisher")
