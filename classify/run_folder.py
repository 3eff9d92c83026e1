"""The folder of a run on the disk: its name is claimed before the work, and each of its files has a digest."""

from __future__ import annotations

from contextlib import ExitStack
from pathlib import Path
from types import TracebackType

from stores.shared.errors import FailureError, InputError, LockedError
from stores.shared.files import check_local
from stores.shared.fingerprint import canonical_json, digest_bytes, digest_file
from stores.shared.locks import hold

RECIPE = "recipe.json"


class FolderClaims:
    """Names of runs that are being made; two commands at once never work for the same one.

    A claim is a lock beside the folder that is to come, which the machine drops when the process ends, however it ends.
    """

    def __init__(self) -> None:
        self._taken: set[Path] = set()
        self._locks = ExitStack()

    def __enter__(self) -> FolderClaims:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._locks.close()

    def claim(self, folder: Path, numbered: bool = True) -> Path:
        """``folder``, or the first of ``folder-2``, ``folder-3``, ... that does not exist and nobody is making.

        Raises:
            InputError: if it is taken and not ``numbered``, or no folder of this machine.
        """
        check_local(folder)
        number, free = 1, folder
        while free in self._taken or not self._lock(free):
            if not numbered:
                raise InputError(f"{folder} exists already, or is being made; choose another `out`")
            number += 1
            free = folder.with_name(f"{folder.name}-{number}")
        self._taken.add(free)
        return free

    def _lock(self, folder: Path) -> bool:
        """Whether the claim was free and the folder is not there."""
        if folder.exists():
            return False
        path, busy = folder.with_name(f".{folder.name}.lock"), f"{folder} is being made by another process"
        lost, advice = f"{folder} could not be made", "choose another `out`"
        with ExitStack() as claim:
            try:
                claim.enter_context(hold(path, lambda: busy, lost=lost, unwritable=advice, temporary=True))
            except LockedError:
                return False
            if folder.exists():  # its maker was done between the two looks
                return False
            self._locks.push(claim.pop_all())
        return True


def digests_of(folder: Path) -> dict[str, str]:
    """Path in ``folder`` -> digest of every file but the recipe, which is to hold these."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    named = {path.relative_to(folder).as_posix(): path for path in files}
    return {name: digest_file(path) for name, path in named.items() if name != RECIPE}


def recipe_digest(recipe: dict) -> str:
    """Of the recipe itself, without the entry that holds this."""
    return digest_bytes([canonical_json({key: value for key, value in recipe.items() if key != "digest"}).encode()])


def check_recipe(recipe: object) -> None:
    """Compare a recipe with the digest in it; one without was made before there were any.

    Raises:
        ValueError: if they differ.
    """
    if isinstance(recipe, dict) and "digest" in recipe and recipe["digest"] != recipe_digest(recipe):
        raise ValueError("it is not what was written (its digest differs)")


def check_files(folder: Path, known: dict[str, str], part: str) -> None:
    """Compare the files of a run with their digests, before any of them is used.

    Args:
        folder: of the run.
        known: path -> digest, of the recipe; empty in runs that were made before there were any.
        part: ``metrics.json``, or ``model`` for all files in this folder, none of which may be new.

    Raises:
        FailureError: naming the first file that is gone, changed or foreign.
    """
    if not known:
        return
    there = folder / part
    names = (
        {path.relative_to(folder).as_posix() for path in there.rglob("*") if path.is_file()}
        if there.is_dir()
        else set()
    )
    names |= {name for name in known if name == part or name.startswith(f"{part}/")}
    for name in sorted(names):
        path = folder / name
        if not path.is_file():
            raise FailureError(f"{path} is missing; train the run again")
        if name not in known:
            raise FailureError(f"{path} was not written with the run; take it away, or train the run again")
        try:
            digest = digest_file(path)
        except OSError as error:
            raise FailureError(f"{path} cannot be read: {error.strerror or error}; train the run again") from error
        if digest != known[name]:
            raise FailureError(f"{path} is damaged or changed (its digest differs); train the run again")
