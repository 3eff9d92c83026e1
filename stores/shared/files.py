"""Files that are whole or not there, and the lock: the only place with temporary names and fsync."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stores.shared.errors import FailureError, InputError

if TYPE_CHECKING:
    from filelock import FileLock


@contextmanager
def whole_file(path: Path, scratch: Path | None = None, grown: Path | None = None) -> Iterator[Path]:
    """A temporary path; what is written there becomes ``path``, synced, when the block ends well.

    When the block raises, the temporary file is removed and ``path`` is what it was before. Only ``kill -9`` leaves a
    temporary file behind, in ``scratch``, a folder on the same disk (that of ``path`` if None). With ``grown``, a file
    that is there already, this is the path, and it stays when the block raises.

    Raises:
        FailureError: if the machine refuses the write (disk full, read-only folder).
    """
    temporary = grown or _temporary(scratch or path.parent, path.name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        os.replace(temporary, path)
        _sync(path.parent)
    except OSError as error:
        why = error.strerror or error
        raise FailureError(f"{path} could not be written: {why}; what was there is unchanged") from error
    finally:
        if not grown:
            with suppress(OSError):  # it may never have been there, nor its folder
                temporary.unlink()


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """As ``whole_file``, for a folder that does not exist yet.

    Raises:
        FailureError: if the machine refuses the write.
        InputError: if ``path`` has come into being meanwhile.
    """
    temporary = _temporary(path.parent, path.name)
    try:
        temporary.mkdir(parents=True)
        yield temporary
        for file in temporary.rglob("*"):
            _sync(file)
        if path.exists():
            raise InputError(f"{path} exists already; give another name")
        os.rename(temporary, path)
        _sync(path.parent)
    except OSError as error:
        raise FailureError(f"{path} could not be written: {error.strerror or error}") from error
    finally:
        shutil.rmtree(temporary, ignore_errors=True)


def _temporary(folder: Path, name: str) -> Path:
    return folder / f".{name}.{_machine()}-{os.getpid()}.partial"


def _machine() -> str:
    return socket.gethostname().replace(".", "-")


def is_being_written(temporary: Path) -> bool:
    """Whether the process that makes a temporary file or folder lives; yes if that cannot be told from here."""
    machine, _, number = temporary.name.split(".")[-2].rpartition("-")
    if os.name == "nt" or machine != _machine() or not number.isdecimal():
        return True
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return False
    except OSError:
        return True
    return True


@contextmanager
def only_writer(
    folder: Path, output: Path, wait: bool = False, note: Callable[[str], None] = lambda message: None
) -> Iterator[None]:
    """Hold the lock of ``folder``, where the parts of ``output`` are collected; a dead process holds none.

    Args:
        folder: made if it is not there.
        output: for messages.
        wait: whether to wait for another process that holds the lock, after a note that names it.
        note: called with that note.

    Raises:
        FailureError: if another process holds it and ``wait`` is false, or ``folder`` cannot be made.
    """
    from filelock import FileLock, Timeout

    holder, lock = folder / "holder", FileLock(folder / "lock")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=0)
        except Timeout:
            who = holder.read_text() if holder.exists() else "another process"
            if not wait:
                cure = "wait for it with --wait, or choose another --out"
                raise FailureError(f"{output} is being written by {who}; {cure}") from None
            note(f"{output} is being written by {who}; waiting for it")
            _acquire(lock, folder)
        try:
            holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
            yield
        finally:
            if not any(folder.glob("*/*")):  # no part is left, so nothing to go on from
                shutil.rmtree(folder, ignore_errors=True)
            lock.release()
    except OSError as error:
        raise FailureError(f"{folder} could not be written: {error.strerror or error}; choose another --out") from error


def _acquire(lock: FileLock, folder: Path) -> None:
    """Wait for a lock whose holder may remove its folder when it is done."""
    while True:
        try:
            lock.acquire()
            folder.stat()
            return
        except FileNotFoundError:
            lock.release()
            folder.mkdir(exist_ok=True)


def is_locked(folder: Path) -> bool:
    """Whether a living process holds the lock of ``folder``."""
    from filelock import FileLock, Timeout

    if not (folder / "lock").exists():
        return False
    try:
        with FileLock(folder / "lock", timeout=0):
            return False
    except Timeout:
        return True


def check_space(folder: Path, wanted: int, what: str) -> None:
    """Refuse to begin what will not fit.

    Args:
        folder: on the disk that is meant.
        wanted: bytes.
        what: what they are for.

    Raises:
        FailureError: naming both numbers.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        numbers = f"about {wanted / 1e9:,.2f} GB, and {folder} has {free / 1e9:,.2f} GB free"
        raise FailureError(f"{what} will need {numbers}; free some, or choose --out on another disk")


def _sync(path: Path) -> None:
    """Have the machine put a file, or the names in a folder, on the disk (folders cannot be opened on Windows)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
