"""Output of a command to where the user says: files, standard output, devices, pipes."""

from __future__ import annotations

import codecs
import io
import shutil
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, TextIO

from stores.shared.errors import InputError
from stores.shared.files import check_local, is_stream, whole_file

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer


@contextmanager
def output_file(out: Path, overwrite: bool = False) -> Iterator[Path]:
    """A temporary path for what a command is to write; it goes to ``out`` when the block ends well.

    Standard output (``-``), a device and a pipe are written through, a link is followed. A file that is replaced keeps
    its mode.

    Args:
        out: where the user wants it.
        overwrite: whether a file that is there already may be replaced.

    Raises:
        InputError: if ``out`` is there already, or is a folder.
        FailureError: if the machine refuses the write.
    """
    if is_stream(out):
        with tempfile.TemporaryDirectory(prefix="tk-") as folder:
            temporary = Path(folder) / "output"
            yield temporary
            with open(temporary, "rb") as file, _stream(out) as stream:
                shutil.copyfileobj(file, stream)
        return
    check_output(out, overwrite)
    with whole_file(out) as temporary:
        yield temporary
        check_output(out, overwrite)  # it may have come into being meanwhile


@contextmanager
def output_text(out: Path, overwrite: bool = False) -> Iterator[TextIO]:
    """As ``output_file``, a file of text in UTF-8; a stream gets each line when it is written."""
    if is_stream(out):
        with _stream(out) as stream:
            text = io.TextIOWrapper(stream, "utf-8", "backslashreplace", newline="")
            try:
                yield text
            finally:
                text.detach()  # which flushes it; standard output stays open
        return
    with (
        output_file(out, overwrite) as temporary,
        open(temporary, "w", encoding="utf-8", errors="backslashreplace", newline="") as file,
    ):
        yield file


def check_output(out: Path, overwrite: bool) -> None:
    """Refuse an address, a folder, and a file that is there already unless ``overwrite``."""
    check_local(out)
    if out.is_dir():
        raise InputError(f"{out} is a folder; give the name of a file as `out`")
    if out.exists() and not overwrite:
        raise InputError(f"{out} exists already; give another `out`, or `overwrite=True`")


@contextmanager
def _stream(out: Path) -> Iterator[IO[bytes]]:
    if str(out) != "-":
        with open(out, "ab") as file:
            yield file
        return
    sys.stdout.flush()
    stream = io.BufferedWriter(_Terminal()) if sys.stdout.isatty() else sys.stdout.buffer
    yield stream
    stream.flush()
    sys.stdout.flush()


class _Terminal(io.RawIOBase):
    """Standard output where a person reads it: what strangers wrote is harmless, as in all that a command says."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8")("backslashreplace").decode

    def writable(self) -> bool:
        return True

    def write(self, data: Buffer, /) -> int:
        """Write what cannot be printed as its escape, but for tabs and line ends."""
        text = self._decode(bytes(data))
        sys.stdout.write("".join(c if c.isprintable() or c in "\t\n" else ascii(c)[1:-1] for c in text))
        return memoryview(data).nbytes
