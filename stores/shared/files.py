"""Files that are whole or not there, and the lock: the only place with temporary names and fsync."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from stores.shared.errors import FailureError, InputError

if TYPE_CHECKING:
    from filelock import FileLock

J = TypeVar("J", dict, list)


def is_stream(out: Path) -> bool:
    """Whether an output is standard output, a device or a pipe, which cannot be replaced."""
    if str(out) == "-" or str(out).startswith(("/dev/std", "/dev/fd/", "/proc/")):
        return True
    try:
        mode = out.stat().st_mode
    except OSError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


def regular_output(out: Path, subject: str) -> Path:
    """The file to write: ``out``, or where the link ``out`` leads.

    Args:
        out: the path that was given.
        subject: name of the thing to be written, as the subject of the message.

    Raises:
        InputError: if that is standard output, a device, a pipe or a folder.
    """
    if is_stream(out) or out.is_dir():
        raise InputError(f"{subject} cannot be written to {out}, which is no file; give the name of a file as `out`")
    return Path(os.path.realpath(out)) if out.is_symlink() else out


@contextmanager
def whole_file(path: Path, scratch: Path | None = None, grown: Path | None = None) -> Iterator[Path]:
    """A temporary path; what is written there becomes ``path``, synced, when the block ends well.

    When the block raises, the temporary file is removed and ``path`` is what it was before. Only ``kill -9`` leaves a
    temporary file behind, in ``scratch``, a folder on the same disk (that of ``path`` if None). With ``grown``, a file
    that is there already, this is the path, and it stays when the block raises. If ``path`` is a link, the file that
    it leads to is replaced; what is replaced keeps its mode and owner.

    Raises:
        FailureError: if the machine refuses the write (disk full, read-only folder).
        InputError: if ``path`` is a folder, device or pipe.
    """
    target = regular_output(path, "this")
    temporary = grown or _temporary(scratch or target.parent, target.name)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        before = target.stat() if target.exists() else None
        if before and not grown:  # nobody else is to read it meanwhile
            os.close(os.open(temporary, os.O_WRONLY | os.O_CREAT, 0o600))
        yield temporary
        if before:
            with suppress(OSError):  # only root may give a file away
                os.chown(temporary, before.st_uid, before.st_gid)
            os.chmod(temporary, stat.S_IMODE(before.st_mode))
        _sync(temporary)
        _move(temporary, target)
        _sync(target.parent)
    except BrokenPipeError:
        raise
    except OSError as error:
        why = error.strerror or error
        raise FailureError(f"{path} could not be written: {why}; what was there is unchanged") from error
    finally:
        if not grown:
            with suppress(OSError):  # it may never have been there, nor its folder
                temporary.unlink()


def _move(temporary: Path, target: Path) -> None:
    """Rename a file; where a link has led to another disk, by way of a copy beside the target."""
    try:
        os.replace(temporary, target)
    except OSError as error:
        if error.errno != errno.EXDEV:
            raise
        beside = _temporary(target.parent, target.name)
        try:
            shutil.copy2(temporary, beside)
            _sync(beside)
            os.replace(beside, target)
            temporary.unlink()
        finally:
            beside.unlink(missing_ok=True)


@contextmanager
def whole_folder(path: Path) -> Iterator[Path]:
    """As ``whole_file``, for a folder that does not exist yet.

    Raises:
        FailureError: if the machine refuses the write.
        InputError: if ``path`` is standard output, or has come into being meanwhile.
    """
    if is_stream(path):
        raise InputError(f"a folder cannot be written to {path}; give the name of one as `out`")
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


def read_json(path: Path) -> dict:
    """A JSON object in a file; ``FailureError`` if it cannot be read, or is none."""
    return _read_json(path, dict, "object")


def read_json_list(path: Path) -> list:
    """A JSON array in a file; ``FailureError`` if it cannot be read, or is none."""
    return _read_json(path, list, "array")


def _read_json(path: Path, kind: type[J], name: str) -> J:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise FailureError(f"{path} cannot be read ({error}); get it again") from error
    if not isinstance(value, kind):
        raise FailureError(f"{path} is no JSON {name}; get it again")
    return value


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
                raise FailureError(
                    f"{output} is being written by {who}; wait for it with `wait=True`, or choose another `out`"
                ) from None
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
        raise FailureError(f"{folder} could not be written: {error.strerror or error}; choose another `out`") from error


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


def lock_holder(path: Path) -> str:
    """Which process of this machine has a lock on a file, in words; empty where that is not known (Linux tells)."""
    with suppress(OSError, ValueError, IndexError):
        inode = f":{path.stat().st_ino}"
        for fields in map(str.split, Path("/proc/locks").read_text().splitlines()):
            place = next((i for i, field in enumerate(fields) if field.endswith(inode)), None)
            if place is not None:
                return f"process {int(fields[place - 1])}"
    return ""


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


def check_space(folder: Path, wanted: int, subject: str) -> None:
    """Refuse to begin what will not fit.

    Args:
        folder: on the disk that is meant.
        wanted: bytes.
        subject: name of the thing that needs them, as the subject of the message.

    Raises:
        FailureError: naming both numbers.
    """
    free = shutil.disk_usage(folder).free
    if wanted > free:
        numbers = f"about {wanted / 1e9:,.2f} GB, and {folder} has {free / 1e9:,.2f} GB free"
        raise FailureError(f"{subject} will need {numbers}; free some, or choose an `out` on another disk")


def _sync(path: Path) -> None:
    """Have the machine put a file, or the names in a folder, on the disk (folders cannot be opened on Windows)."""
    if path.is_dir() and os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY if path.is_dir() else os.O_RDWR)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
