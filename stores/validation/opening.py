"""Opening a store that may be damaged, or made by a stranger: the steps in the order in which they are safe."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime
from pathlib import Path

from stores.append import check_place
from stores.format import ABOUT
from stores.shared.errors import FailureError
from stores.validation.headers import check_groups, check_start
from stores.validation.structure import check, check_attributes, check_data
from stores.validation.verify import verify_data
from stores.virtual_dataset import StoreFile, declared

LONGEST_ABOUT = 1 << 24  # bytes


def open_store(path: Path) -> tuple[StoreFile, dict]:
    """The file of a store, and its attributes, entries of ``about`` and times, by name.

    Raises:
        FailureError: if it is no store of this version, damaged, or reaches out of itself.
    """
    root = check_start(path)
    try:
        file = StoreFile(path)
    except Exception as error:
        raise FailureError(f"{path} is no HDF5 file, or is damaged; make it again with: tk embed") from error
    try:
        return file, _entries(file, path, root)
    except Exception as error:  # of any type: what h5py and json say of strange files is not to be foreseen
        with contextlib.suppress(Exception):
            file.close()
        if isinstance(error, FailureError | MemoryError):
            raise
        why = " ".join(str(error).split())
        raise FailureError(f"{path} is damaged ({why}); make it again with: tk embed") from error


def _entries(file: StoreFile, path: Path, root: int) -> dict:
    virtual = check_groups(file, path, root)
    check_attributes(file, path)
    about = _about(file, path)
    entries = {name: kind(about[name]) for name, kind in ABOUT.items()}
    file.declared = declared(entries["parts"], path, virtual)
    if "start" in entries["parts"]:
        check_place(entries["parts"], path)
    check(file, path)
    began, seconds = file["times"][...].tolist()
    created = datetime.fromtimestamp(began, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    attributes = {name: file.attrs[name].decode() for name in ("kind", "identity_digest", "digest")}
    return entries | attributes | {"created": created, "seconds": seconds}


def _about(file: StoreFile, path: Path) -> dict:
    for name in ("about", "checksums/about"):
        if name not in file:
            raise FailureError(f"{path} lacks {name!r}: it is no complete store; make it again with: tk embed")
        check_data(file[name], name, path)
        if file[name].size > LONGEST_ABOUT:
            raise FailureError(f"{path}: {name} is longer than {LONGEST_ABOUT:,} bytes; refused")
    about = file["about"][...]
    verify_data(file, "about", path, about)
    return json.loads(about.tobytes())
