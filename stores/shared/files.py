"""Files that are whole or not there: the only place with temporary names and fsync."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TypeVar

from stores.shared.errors import FailureError, InputError

J = TypeVar("J", dict, list)


# s3:/bucket, which is how pathlib has s3://bucket; the drives of Windows have one letter
_ADDRESS = re.compile(r"([A-Za-z][A-Za-z0-9+.-]+:)/+")


def check_local(out: Path) -> None:
    """``InputError`` for an address such as ``s3://bucket/a.h5``, which would be a folder ``s3:`` of this machine."""
    if _ADDRESS.match(out.as_posix()):
        address = _ADDRESS.sub(r"\1//", out.as_posix(), count=1)
        raise InputError(
            f"{address}: nothing is written there; give a path of this machine as `out`, and copy the result"
        )


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
    check_local(out)
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
    check_local(path)
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
    import socket

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
