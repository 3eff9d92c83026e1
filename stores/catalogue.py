"""Which stores there are on this machine, by identity, wherever they lie.

The catalogue is a folder with one small file a store, ``<identity digest>/<digest of the store's path>.json``, each
written whole or not at all. So two processes at once lose nothing, and nobody waits. What it says is never believed:
a store is opened, its identity compared and its features checked before they are used. A store that is gone is taken
out, one that has changed is looked at again.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_file
from stores.shared.fingerprint import digest_bytes

MOST_ASKED = 64  # stores; to open one costs milliseconds


@dataclass(frozen=True)
class CataloguedStore:
    """A store that lies on this machine.

    Attributes:
        path: where, absolute.
        identity_digest: of its features.
        encoder: name of what made them.
        kind: of its features.
        rows, bytes: how much it holds.
        stamp: size, time and inode of the file when it was last looked at.
    """

    path: str
    identity_digest: str
    encoder: str
    kind: str
    rows: int
    bytes: int
    stamp: list[int]

    @property
    def is_there(self) -> bool:
        """Whether the file is there and the same as when it was looked at."""
        return self.stamp == _stamp(Path(self.path))


class Catalogue:
    """The stores of this machine.

    Args:
        folder: where the catalogue is kept; None: nothing is kept, and nothing known.
        note: called with a message when a store turns out to be gone.
    """

    def __init__(self, folder: Path | None, note: Callable[[str], None] = lambda message: None) -> None:
        self._folder, self._note = folder, note

    def add(self, store: FeatureStore) -> None:
        """Take in an open store; one that has this path and another identity no more goes."""
        if self._folder is None:
            return
        path = store.path.resolve()
        encoder = str(store.recipe.get("encoder", "several"))
        size = store.size, _stamp(path)
        entry = CataloguedStore(str(path), store.identity_digest, encoder, store.kind, len(store), *size)
        with suppress(FailureError, OSError):  # it is only slower without
            with whole_file(self._place(entry)) as temporary:
                temporary.write_text(json.dumps(asdict(entry)), encoding="utf-8")

    def find(self, identity_digest: str) -> list[Path]:
        """The stores of an identity that are there, the largest first, and of very many these alone: each is opened."""
        found = sorted(self._current(f"{identity_digest}/*.json"), key=lambda entry: (-entry.rows, entry.path))
        return [Path(entry.path) for entry in found[:MOST_ASKED]]

    def entries(self) -> list[CataloguedStore]:
        """All stores that are there, by path."""
        return sorted(self._current("*/*.json"), key=lambda entry: entry.path)

    def look_through(self, folder: Path) -> int:
        """Take in all stores below a folder; how many there are."""
        found = 0
        for path in sorted(folder.rglob("[!.]*.h5")):
            with suppress(InputError, FailureError), FeatureStore(path) as store:
                if not any(parent.name.endswith(".parts") for parent in path.parents):
                    self.add(store)
                    found += 1
        return found

    def _current(self, pattern: str) -> Iterator[CataloguedStore]:
        """Entries whose stores are there; those that changed are looked at again."""
        for place in [] if self._folder is None else sorted(self._folder.glob(pattern)):
            entry = _read(place)
            if entry is not None and entry.is_there:
                yield entry
                continue
            with suppress(OSError):
                place.unlink(missing_ok=True)
            if entry is None:
                continue
            try:
                with FeatureStore(entry.path) as store:
                    self.add(store)
                    same = store.identity_digest == entry.identity_digest
            except (InputError, FailureError):
                self._note(f"{entry.path} is gone or cannot be read; it is not looked for any more")
                continue
            if same and (again := _read(place)) is not None:
                yield again

    def _place(self, entry: CataloguedStore) -> Path:
        assert self._folder is not None  # noqa: S101 (callers have asked)
        return self._folder / entry.identity_digest / f"{digest_bytes([os.fsencode(entry.path)])}.json"


def _read(place: Path) -> CataloguedStore | None:
    """What an entry says; None if it says nothing that can be understood."""
    try:
        entry = CataloguedStore(**json.loads(place.read_text(encoding="utf-8")))
        return entry if isinstance(entry.path, str) and isinstance(entry.rows, int) else None
    except (OSError, ValueError, TypeError, RecursionError):
        return None


def _stamp(path: Path) -> list[int]:
    """What changes when the file is replaced; nothing while there is none."""
    try:
        found = path.stat()
    except (OSError, ValueError):
        return []
    return [found.st_size, found.st_mtime_ns, found.st_ino]
