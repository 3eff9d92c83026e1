"""Remains of interrupted runs: parts that no run is working on, and temporary files."""

from __future__ import annotations

import shutil
from dataclasses import dataclass
from pathlib import Path

from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.shared.files import is_being_written
from stores.shared.locks import is_held


@dataclass(frozen=True)
class Stale:
    """Something that can go.

    Attributes:
        path: a folder of parts, or a temporary file.
        bytes: what it takes on the disk.
        why: in words.
    """

    path: Path
    bytes: int
    why: str


def find_stale(folder: Path) -> list[Stale]:
    """All that is stale under ``folder``; what a running process holds is not.

    Parts are worth something: the same ``tk embed`` command goes on from them, and other runs take known texts from
    those of the same identity. They are stale only if nobody wants to go on.
    """
    stale, in_use = [], _in_use(folder)
    for path in sorted(folder.rglob("*.h5.parts")):
        if path.is_dir() and not is_held(path / "lock") and not (set(path.iterdir()) & in_use):
            finished = "of an interrupted run"
            if path.with_name(path.name.removesuffix(".parts")).exists():
                finished = "of an interrupted run; the store was finished by another"
            stale.append(Stale(path, sum(f.stat().st_size for f in path.rglob("*") if f.is_file()), finished))
    for path in sorted(folder.rglob(".*.partial")):
        inside = any(parent.name.endswith(".h5.parts") for parent in path.parents)  # goes, or stays, with the parts
        if not inside and not is_being_written(path):
            size = path.stat().st_size if path.is_file() else sum(f.stat().st_size for f in path.rglob("*"))
            stale.append(Stale(path, size, "written by a process that died"))
    return stale


def _in_use(folder: Path) -> set[Path]:
    """Folders of parts in which the features of a store lie, or may lie."""
    in_use = set()
    for path in folder.rglob("[!.]*.h5"):
        try:
            with FeatureStore(path) as store:
                in_use |= {part.parent for part in store.part_paths}
        except (InputError, FailureError):  # locked or damaged: what it needs cannot be told, so nothing is stale
            in_use |= set(path.with_name(f"{path.name}.parts").glob("*"))
    return in_use


def remove(stale: Stale) -> None:
    """Delete it."""
    if stale.path.is_dir():
        shutil.rmtree(stale.path)
    else:
        stale.path.unlink(missing_ok=True)
