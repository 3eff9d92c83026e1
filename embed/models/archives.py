"""Archives from strangers: read to their last byte, unpacked into one folder that they cannot leave.

``tarfile`` takes a damaged header, a cut file and a zeroed block for the end of the archive, and does not read on to
the checksum of the compressed bytes; ``bz2.open`` and ``lzma.open`` leave out what follows a stream if it does not
begin like one. Here each of these is an error.
"""

from __future__ import annotations

import bz2
import errno
import gzip
import lzma
import shutil
import stat
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from stores.shared.errors import FailureError
from stores.shared.reporter import SILENT, Progress, Reporter

SUFFIXES = (".tar.gz", ".tgz", ".tar", ".zip")
PACKINGS = {b"\x1f\x8b": "gzip", b"BZh": "bz2", b"\xfd7zXZ\0": "xz", b"\x28\xb5\x2f\xfd": "zstd"}  # by first bytes
STEP = 1 << 20  # bytes that are read at once
BROKEN = (  # what the standard library raises at damaged bytes; ValueError and IndexError at damaged names
    tarfile.TarError, zipfile.BadZipFile, gzip.BadGzipFile, zlib.error, lzma.LZMAError,
    EOFError, NotImplementedError, ValueError, IndexError,
)  # fmt: skip


def unpack(archive: Path, folder: Path, reporter: Reporter = SILENT) -> None:
    """Write every file of a tar (plain, gzip, bzip2, xz) or zip archive below ``folder``, an empty one.

    ``reporter`` is told of each file.

    Raises:
        FailureError: if the bytes are no such archive, end too early, or a member is a link or a device, or would
            lie outside ``folder``.
        OSError: if the machine refuses a write.
    """
    try:
        for name, content in _files(archive):
            reporter.progress(Progress("unpacking", None, f"{archive.name}, {name}"))
            target = folder / _inside(name, archive)
            target.parent.mkdir(parents=True, exist_ok=True)
            with open(target, "wb") as file:
                shutil.copyfileobj(content, file, STEP)
    except (*BROKEN, OSError) as error:
        if not isinstance(error, BROKEN) and error.errno != errno.EINVAL:  # EINVAL: a place before the file's beginning
            raise
        why = str(error).partition("\n")[0].rstrip(":")
        raise FailureError(f"{archive} is no whole tar or zip archive ({why}); get it again") from error


def _files(archive: Path) -> Iterator[tuple[str, IO[bytes]]]:
    """Name and content of each file; folders are made as files need them."""
    if zipfile.is_zipfile(archive):
        with zipfile.ZipFile(archive) as opened:
            for packed in opened.infolist():
                kind = stat.S_IFMT(packed.external_attr >> 16)  # 0 where it was packed on Windows
                if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                    raise _refused(archive, packed.filename, "a link or a device")
                if packed.flag_bits & 1:
                    raise _refused(archive, packed.filename, "an encrypted file")
                if not packed.is_dir():
                    with opened.open(packed) as unpacked:
                        yield packed.filename, unpacked
        return
    for member, content in tar_members(archive):
        if content is not None:
            yield member.name, content
        elif not member.isdir():
            raise _refused(archive, member.name, "a link or a device")


def tar_members(path: Path) -> Iterator[tuple[tarfile.TarInfo, IO[bytes] | None]]:
    """Every member of a tar, plain or packed, in order, with its content if it is a regular file.

    The archive is read as a stream, so the content must be read before the next member is asked for. What is yielded
    is the whole archive only if the iterator comes to its end.

    Raises:
        one of ``BROKEN``: if a header is damaged, the end marker is missing or is followed by anything but zeros, or
            the compressed bytes end early or do not fit their checksum.
    """
    with open(path, "rb") as file:
        start = file.read(6)
    packing = next((packing for mark, packing in PACKINGS.items() if start.startswith(mark)), "none")
    with (
        OPENERS[packing](path) as unpacked,
        tarfile.open(fileobj=unpacked, mode="r|", tarinfo=_StrictHeader) as archive,
    ):
        for member in archive:
            yield member, archive.extractfile(member) if member.isfile() else None
        stream: Any = archive.fileobj
        while rest := stream.read(STEP):  # to the checksum at the end of the compressed bytes
            if rest.strip(b"\0"):
                raise tarfile.ReadError("bytes follow the end of the archive; are these two archives end to end?")


class _StrictHeader(tarfile.TarInfo):
    """A header of a tar; a damaged one is an error, and so is the end of the file where a header should stand."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _StrictHeader:
        """See ``tarfile``; its ``HeaderError`` at anything but a block of zeros would end the archive quietly."""
        if len(buf) < tarfile.BLOCKSIZE:
            raise tarfile.ReadError("cut off: the end of the archive is missing")
        if not any(buf):
            return super().frombuf(buf, encoding, errors)  # the end marker
        try:
            return super().frombuf(buf, encoding, errors)
        except tarfile.HeaderError as error:
            raise tarfile.ReadError(f"a header inside is damaged ({error})") from error


class _Streams:
    """A file of compressed streams end to end, unpacked as one; what follows a stream is zeros, or a stream."""

    def __init__(self, path: Path, decoder: Callable[[], Any]) -> None:
        self._file, self._new, self._decoder = open(path, "rb"), decoder, decoder()

    def read(self, size: int) -> bytes:
        """At most ``size`` bytes; none at the end."""
        while True:
            packed = b""
            if self._decoder.eof:
                packed = self._next_stream(self._decoder.unused_data)
                if not packed:
                    return b""
                self._decoder = self._new()
            elif self._decoder.needs_input:
                packed = self._file.read(STEP)
                if not packed:
                    raise EOFError("cut off: the compressed bytes end early")
            try:
                data = self._decoder.decompress(packed, size)
            except OSError as error:  # bz2's, without a number
                raise ValueError(error) from error
            if data:
                return data

    def _next_stream(self, packed: bytes) -> bytes:
        """The first bytes of the stream that follows, behind padding of zeros; none if there is no other."""
        while not (packed := packed.lstrip(b"\0")):
            packed = self._file.read(STEP)
            if not packed:
                break
        return packed

    def __enter__(self) -> _Streams:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _open_zstd(path: Path) -> Any:  # noqa: ANN401
    import pyarrow as pa  # Python has it from 3.14 on

    return pa.CompressedInputStream(pa.OSFile(str(path)), "zstd")


OPENERS: dict[str, Callable[[Path], Any]] = {  # packing -> what opens a file for ``read(size)`` of the unpacked bytes
    "none": lambda path: open(path, "rb"),
    "gzip": gzip.open,
    "bz2": lambda path: _Streams(path, bz2.BZ2Decompressor),
    "xz": lambda path: _Streams(path, lzma.LZMADecompressor),
    "zstd": _open_zstd,
}


def _inside(name: str, archive: Path) -> PurePosixPath:
    """The path below the folder that a member's name means on every system."""
    path = PurePosixPath(name.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or ":" in name or not path.parts:
        raise _refused(archive, name, "a path out of its folder")
    return path


def _refused(archive: Path, name: str, what: str) -> FailureError:
    return FailureError(f"{archive} holds {what}, {name!r}, and is not unpacked; get the model from its publisher")
