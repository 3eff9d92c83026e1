"""Locks: one process at a time, what is said of the one that holds a lock, and who that is."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stores.shared.errors import FailureError, LockedError
from stores.shared.files import check_local

if TYPE_CHECKING:
    from filelock import FileLock

PATIENCE = 0.3  # seconds until it is said that another process is waited for


@contextmanager
def hold(
    path: Path,
    busy: Callable[[], str],
    *,
    wait: bool = False,
    note: Callable[[str], None] = lambda message: None,
    otherwise: str = "",
    unwritable: str = "",
    lost: str = "",
    temporary: bool = False,
) -> Iterator[None]:
    """Hold the lock of the file ``path``; the machine drops it when the process ends, however that comes.

    Args:
        path: made if it is not there, with its folder; also if somebody takes that away meanwhile.
        busy: what is said of another process that holds it, such as ``a.h5 is being written by another process``.
        wait: whether to wait for that one.
        note: told that it is waited for, after a while.
        otherwise: what to do where it is not waited for.
        unwritable: what to do where the file cannot be made.
        lost: what is said then; the name of its folder if empty.
        temporary: whether the file goes with the lock.

    Raises:
        LockedError: if another process holds it, and ``wait`` is false.
        FailureError: if the file cannot be made.
    """
    from filelock import FileLock

    lock = FileLock(path)
    try:
        _acquire(lock, path, busy, wait, note, otherwise)
    except OSError as error:
        what = lost or f"{path.parent} could not be written"
        raise FailureError("; ".join(filter(None, (f"{what}: {error.strerror or error}", unwritable)))) from error
    try:
        yield
    finally:
        if temporary:  # subtle: while it is held; who has it open already and gets the lock then asks for another file
            with suppress(OSError):  # Windows does not remove what is open
                path.unlink()
        lock.release()


def _acquire(
    lock: FileLock, path: Path, busy: Callable[[], str], wait: bool, note: Callable[[str], None], otherwise: str
) -> None:
    from filelock import Timeout

    told = False
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            lock.acquire(timeout=PATIENCE if wait else 0)
            return
        except Timeout:
            if not wait:
                raise LockedError("; ".join(filter(None, (busy(), otherwise)))) from None
            if not told:
                note(f"{busy()}; waiting for it")
            told = True
        except FileNotFoundError:  # the folder has gone since it was made
            continue


def is_held(path: Path) -> bool:
    """Whether a living process holds the lock of the file ``path``, or none can be had there."""
    from filelock import FileLock

    try:
        with FileLock(path, timeout=0) if path.exists() else nullcontext():
            return False
    except OSError:  # Timeout is one
        return True


@contextmanager
def only_writer(
    folder: Path, output: Path, wait: bool = False, note: Callable[[str], None] = lambda message: None
) -> Iterator[None]:
    """Hold the lock of ``folder``, where the parts of ``output`` are collected.

    Args:
        folder: made if it is not there.
        output: for messages.
        wait: whether to wait for another process that holds the lock, after a note that names it.
        note: called with that note.

    Raises:
        LockedError: if another process holds it and ``wait`` is false.
        FailureError: if ``folder`` cannot be made.
    """
    check_local(output)
    holder = folder / "holder"

    def busy() -> str:
        who = holder.read_text() if holder.exists() else "another process"
        return f"{output} is being written by {who}"

    waiting = "wait for it with `wait=True`, or choose another `out`"
    try:
        with hold(folder / "lock", busy, wait=wait, note=note, otherwise=waiting, unwritable="choose another `out`"):
            try:
                holder.write_text(f"process {os.getpid()} on {socket.gethostname()}")
                yield
            finally:
                if not any(folder.glob("*/*")):  # no part is left, so nothing to go on from
                    shutil.rmtree(folder, ignore_errors=True)
    except OSError as error:
        raise FailureError(f"{folder} could not be written: {error.strerror or error}; choose another `out`") from error


def lock_holder(path: Path) -> str:
    """Which process of this machine has a lock on a file, in words; empty where that is not known (Linux tells)."""
    with suppress(OSError, ValueError, IndexError):
        inode = f":{path.stat().st_ino}"
        for fields in map(str.split, Path("/proc/locks").read_text().splitlines()):
            place = next((i for i, field in enumerate(fields) if field.endswith(inode)), None)
            if place is not None:
                return f"process {int(fields[place - 1])}"
    return ""
