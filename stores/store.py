"""Reading a store."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cached_property
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from stores import format as layout
from stores.errors import FailureError, InputError
from stores.features import Features
from stores.identity import hash_texts
from stores.strings import unpack
from stores.writer import Block, Extent

READ_ROWS = 4096  # rows that are looked at together when scattered ones are wanted


class FeatureStore:
    """A finished store, opened for reading; a context manager. The layout is in ``stores.format``.

    Attributes:
        path: the file.
        kind: ``pooled`` or ``ids``.
        identity, recipe, source, totals, versions: the JSON attributes of the format, as mappings.
        identity_digest, command, digest, created: its text attributes.
        seconds: how long the run took that wrote it.

    Raises:
        InputError: if there is no such file.
        FailureError: if it is no store of this version, damaged, or reaches out of itself.
    """

    identity: dict
    recipe: dict
    source: dict
    totals: dict
    versions: dict

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such file; make a feature store with: tk embed --data FILE")
        try:
            self._file = h5py.File(self.path, "r")
        except OSError as error:
            raise FailureError(f"{path} is no HDF5 file, or is damaged; make it again with: tk embed") from error
        try:
            layout.check(self._file, self.path)
            attributes = dict(self._file.attrs)
            for name in layout.JSON_ATTRIBUTES:
                setattr(self, name, json.loads(attributes[name]))
        except (ValueError, KeyError, OSError, RuntimeError) as error:
            self.close()
            if isinstance(error, FailureError):
                raise
            raise FailureError(f"{path} is damaged ({error}); make it again with: tk embed") from error
        self.kind: str = attributes["kind"]
        self.identity_digest: str = attributes["identity_digest"]
        self.command: str = attributes["command"]
        self.digest: str = attributes["digest"]
        self.created: str = attributes["created"]
        self.seconds = float(attributes["seconds"])

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._file["line"])

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()

    @cached_property
    def classes(self) -> list[str]:
        """Class names in the order of their codes."""
        return self._strings("labels/classes", 0, len(self._file["labels/classes/offsets"]) - 1)

    @cached_property
    def codes(self) -> np.ndarray:
        """int32 ``[N]``: index into ``classes``, -1 where the label is missing."""
        return self._file["labels/codes"][...]

    @cached_property
    def line(self) -> np.ndarray:
        """int64 ``[N]``: line of the data file on which each row starts."""
        return self._file["line"][...]

    @cached_property
    def text_hash(self) -> np.ndarray:
        """uint8 ``[N, 16]``: see ``stores.identity.hash_texts``."""
        return self._file["text_hash"][...]

    @cached_property
    def vocabulary(self) -> list[str] | None:
        """What the ids of kind ``ids`` point to, else None."""
        if "vocabulary" not in self._file:
            return None
        return self._strings("vocabulary", 0, len(self._file["vocabulary/offsets"]) - 1)

    @property
    def has_texts(self) -> bool:
        """Whether the texts are kept in the store."""
        return "texts" in self._file

    @property
    def extent(self) -> Extent:
        """How much the store holds."""
        tokens = int(self._file["offsets"][-1]) if "offsets" in self._file else 0
        text_bytes = len(self._file["texts/bytes"]) if self.has_texts else 0
        return Extent(self.classes, len(self), tokens, text_bytes)

    def features(self, start: int = 0, stop: int | None = None) -> Features:
        """Features of the rows from ``start`` up to, not including, ``stop`` (default: all)."""
        stop = len(self) if stop is None else stop
        counts = self._file["counts"][start:stop]
        group = self._file["features"]
        if "offsets" not in self._file:
            return Features(self.kind, {name: group[name][start:stop] for name in group}, counts)
        offsets = self._file["offsets"][start : stop + 1]
        outputs = {name: group[name][offsets[0] : offsets[-1]] for name in group}
        return Features(self.kind, outputs, counts, offsets - offsets[0], self.vocabulary)

    def take(self, rows: np.ndarray) -> Features:
        """Features of ``rows`` (int ``[m]``, m > 0), in that order; reads each stretch of the file at most once."""
        wanted, inverse = np.unique(rows, return_inverse=True)
        found = []
        for stretch in np.split(wanted, np.flatnonzero(np.diff(wanted // READ_ROWS)) + 1):
            found.append(self.features(stretch[0], stretch[-1] + 1).take(stretch - stretch[0]))
        return Features.concat(found).take(inverse)

    def texts(self, start: int = 0, stop: int | None = None) -> list[str] | None:
        """The cleaned texts of the rows from ``start`` to ``stop``, or None if they were not kept."""
        return self._strings("texts", start, len(self) if stop is None else stop) if self.has_texts else None

    def blocks(self, rows: int = READ_ROWS) -> Iterator[Block]:
        """All rows in order, ``rows`` at a time."""
        names = [*self.classes, None]  # code -1 is the last
        for start in range(0, len(self), rows):
            stop = min(start + rows, len(self))
            labels = [names[code] for code in self.codes[start:stop]]
            line, text_hash = self.line[start:stop], self.text_hash[start:stop]
            yield Block(line, text_hash, labels, self.texts(start, stop), self.features(start, stop))

    def verify(self) -> None:
        """Compare every checksum, and the hash of every text, with what lies in the file.

        Raises:
            FailureError: naming the file and the first data set and row that differ.
        """
        for path in layout.data_sets(self._file):
            data = self._file[path]
            kept = self._file[f"checksums/{path}"][...].tolist() if f"checksums/{path}" in self._file else None
            found = list(layout.chunk_checksums(data))
            if found != kept:
                bad = next((i for i, (a, b) in enumerate(zip(found, kept or [], strict=False)) if a != b), 0)
                rows = f"rows from {bad * data.chunks[0]}" if data.chunks else "rows"
                raise FailureError(f"{self.path} is damaged: {path}, {rows}; make it again with: tk embed")
        if layout.content_digest(self._file) != self.digest:
            raise FailureError(f"{self.path} is damaged: its attributes; make it again with: tk embed")
        for start in range(0, len(self) if self.has_texts else 0, READ_ROWS):
            stop = min(start + READ_ROWS, len(self))
            differs = (hash_texts(self.texts(start, stop)) != self.text_hash[start:stop]).any(1)
            if differs.any():
                row = start + differs.argmax()
                raise FailureError(f"{self.path} is damaged: the text of row {row} is not the one that was encoded")

    def _strings(self, path: str, start: int, stop: int) -> list[str]:
        offsets = self._file[f"{path}/offsets"][start : stop + 1]
        return unpack(self._file[f"{path}/bytes"][offsets[0] : offsets[-1]], offsets - offsets[0])
