"""Who writes: the lock of a folder of parts, and which process holds a lock."""

from __future__ import annotations

import os
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

from stores.shared.errors import FailureError
from stores.shared.files import check_local

if TYPE_CHECKING:
    from filelock import FileLock


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

    check_local(output)
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
