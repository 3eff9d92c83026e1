"""The user's cache folder, one process at a time in a part of it, and digests that are not made twice."""

from __future__ import annotations

import json
import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from stores.shared.cache import cache_folder
from stores.shared.errors import FailureError
from stores.shared.files import whole_file
from stores.shared.fingerprint import canonical_json, digest_bytes, digest_file
from stores.shared.locks import hold
from stores.shared.reporter import Reporter

FUNCTION = "BLAKE3"  # of which remembered digests are


@contextmanager
def alone(folder: Path, reporter: Reporter) -> Iterator[None]:
    """Hold the lock of a folder of the cache, after waiting for a process that holds it.

    Raises:
        FailureError: if the cache cannot be written.
    """
    path, busy = Path(f"{folder}.lock"), lambda: f"another process is filling {folder}"
    advice = "name another folder in the environment variable TK_CACHE_DIR"
    with hold(path, busy, wait=True, note=reporter.note, unwritable=advice):
        yield


def weights_digest(path: Path) -> str:
    """32 hexadecimal digits of a model: the BLAKE2b of its files' names and digests, hidden files aside.

    The digest is remembered in the cache folder, and made again when the size, a time or the inode of a file changes.

    Args:
        path: a folder, whose place and name do not matter, or a file, whose name does not.

    Raises:
        FailureError: if a file cannot be read.
    """
    path = path.resolve()
    try:
        stamp = _stamp(path)
        if found := _remembered(path, stamp):
            return found
        lines = [[name, digest_file(path / name)] for name, *_ in stamp]
    except OSError as error:
        raise FailureError(f"{error.filename or path} cannot be read: {error.strerror or error}") from error
    digest = digest_bytes([canonical_json(lines).encode("utf-8", "surrogateescape")])
    with suppress(FailureError, OSError):  # it is only slower without
        write_json(_memory(path), {"path": str(path), "files": stamp, "function": FUNCTION, "digest": digest})
    return digest


def files_digest(folder: Path, names: Iterable[str]) -> str:
    """32 hexadecimal digits of some files of a folder: the BLAKE2b of their names and digests, as ``weights_digest``.

    Raises:
        FailureError: if a file cannot be read.
    """
    lines = [[name, weights_digest(folder / name)] for name in sorted(set(names))]
    return digest_bytes([canonical_json(lines).encode("utf-8", "surrogateescape")])


def remembered_digest(path: Path) -> str | None:
    """What ``weights_digest`` remembers of a model; None if it would have to read it."""
    with suppress(OSError):
        return _remembered(path.resolve(), _stamp(path.resolve()))
    return None


def _remembered(path: Path, stamp: list) -> str | None:
    with suppress(OSError, ValueError, KeyError, TypeError):
        found = json.loads(_memory(path).read_text(encoding="utf-8"))
        return str(found["digest"]) if (found["files"], found["function"]) == (stamp, FUNCTION) else None
    return None


def _memory(path: Path) -> Path:
    return cache_folder() / "digests" / f"{digest_bytes([os.fsencode(path)])}.json"


def _stamp(path: Path) -> list[list]:
    """What changes with the files of a model: name, size, times and inode of each, by name."""
    return [[name, s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino] for name, s in sorted(_files(path))]


def _files(path: Path) -> Iterator[tuple[str, os.stat_result]]:
    """Name below ``path`` and description of each file that is not hidden; a file by itself is called ``.``.

    Linked folders are gone into, as what opens the model goes into them.

    Raises:
        FailureError: if one leads into a folder around it.
    """
    if path.is_file():
        yield ".", path.stat()
        return
    for place, folders, files in os.walk(path, followlinks=True):
        folders[:] = [name for name in folders if not name.startswith(".")]
        real = os.path.realpath(place)
        for name in folders:
            target = os.path.realpath(os.path.join(place, name))
            if os.path.commonpath([real, target]) == target:
                raise FailureError(f"{os.path.join(place, name)} is a link to a folder around it; remove it")
        for name in files:
            file = Path(place, name)
            if not name.startswith(".") and file.is_file():
                yield file.relative_to(path).as_posix(), file.stat()


def write_json(path: Path, value: dict) -> None:
    """Write ``value`` whole or not at all; ``FailureError`` if the machine refuses."""
    with whole_file(path) as temporary:
        temporary.write_text(json.dumps(value), encoding="utf-8")
