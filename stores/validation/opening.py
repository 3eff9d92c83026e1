"""Opening a store that may be damaged, or made by a stranger: the steps in the order in which they are safe."""

from __future__ import annotations

import contextlib
import json
import math
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from stores.append import check_place
from stores.format import ABOUT
from stores.shared.errors import FailureError, LockedError
from stores.shared.mirror import Mirror
from stores.validation.headers import check_groups, check_start, locked_message
from stores.validation.structure import check, check_attributes, check_data, foreign_names
from stores.validation.verify import verify_data
from stores.virtual_dataset import StoreFile, declared, mark

LONGEST_ABOUT = 1 << 24  # bytes
ATTEMPTS = 5


def open_store(path: Path, mirror: Mirror | None = None) -> tuple[StoreFile, dict[str, Any]]:
    """The file of a store, and its attributes, entries of ``about`` and times, by name.

    Args:
        path: the file.
        mirror: where its parts come from that are not here yet; None: all of them are.

    Raises:
        FailureError: if it is no store of this version, damaged, or reaches out of itself.
        LockedError: if another program has it open for writing.
    """
    for _ in range(ATTEMPTS):
        file, root = _open_both(path)
        if file.is_one():
            break
        file.close()  # another file was put there between the two
    else:
        raise FailureError(f"{path} was replaced while it was opened; give the same command again")
    try:
        return file, _entries(file, path, root, mirror)
    except Exception as error:  # of any type: what h5py and json say of strange files is not to be foreseen
        with contextlib.suppress(Exception):
            file.close()
        if isinstance(error, FailureError | MemoryError):
            raise
        why = " ".join(str(error).split())
        raise FailureError(f"{path} is damaged ({why}); make it again with: tk embed") from error


def _open_both(path: Path) -> tuple[StoreFile, int]:
    """The file, as bytes and, after a look at the first of these, by HDF5; and where its root is."""
    try:
        raw = open(path, "rb")
    except OSError as error:
        raise FailureError(f"{path} cannot be read: {error.strerror}") from error
    try:
        root = check_start(raw, path)
        return StoreFile(path, raw), root
    except Exception as error:
        raw.close()
        if isinstance(error, FailureError | MemoryError):
            raise
        if "unable to lock file" in str(error):
            raise LockedError(locked_message(path)) from error
        raise FailureError(f"{path} is no HDF5 file, or is damaged; make it again with: tk embed") from error


def _entries(file: StoreFile, path: Path, root: int, mirror: Mirror | None) -> dict[str, Any]:
    virtual = check_groups(file, file.raw, path, root)
    check_attributes(file, path)
    about = _about(file, path)
    entries = {name: kind(about[name]) for name, kind in ABOUT.items()}
    parts = [part for part, _ in entries["parts"].get("files", ())]
    absent = {part for part in parts if mirror and mirror.size(part) is not None and not (path.parent / part).exists()}
    file.declared = declared(entries["parts"], path, virtual, absent)
    file.marks = {part: mark((path.parent / part).stat()) for part in parts if part not in absent}
    if "start" in entries["parts"]:
        check_place(entries["parts"], path)
    check(file, path)
    began, seconds, *before = file["times"][...].tolist()
    created = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {name: file.attrs[name].decode() for name in ("kind", "identity_digest", "digest")}
    foreign = foreign_names(file)
    return (
        entries
        | attributes
        | {
            "created": created,
            "seconds": seconds,
            "reused_seconds": before[0] if before else math.nan,
            "foreign": foreign,
        }
    )


def _about(file: StoreFile, path: Path) -> dict[str, Any]:
    for name in ("about", "checksums/about"):
        if name not in file:
            raise FailureError(f"{path} lacks {name!r}: it is no complete store; make it again with: tk embed")
        check_data(file[name], name, path, file.bytes)
        if file[name].size > LONGEST_ABOUT:
            raise FailureError(f"{path}: {name} is longer than {LONGEST_ABOUT:,} bytes; refused")
    about = file["about"][...]
    verify_data(file, "about", path, about)
    return json.loads(about.tobytes())
