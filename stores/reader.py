"""Reading a store."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import TracebackType

import numpy as np

from stores import append
from stores.block import Block
from stores.columns import view
from stores.description import StoreDescription
from stores.features import Features, IdFeatures, PooledFeatures, TokenFeatures
from stores.format import data_sets, rows_a_checksum
from stores.frames import StoreFrames
from stores.row_view import RowView
from stores.shared.errors import FailureError, InputError
from stores.shared.mirror import AT_ONCE, Mirror
from stores.validation.verify import Compared, first_not_finite, not_finite, verify
from stores.virtual_dataset import DeclaredDataset, RowSource, VirtualDataset, mark

READ_ENTIRELY = ("offsets", "vocabulary/bytes", "vocabulary/offsets", "table")  # in full, not only the rows needed
READ_ROWS = 4096  # rows that are looked at together when scattered ones are wanted


class FeatureStore(StoreFrames, StoreDescription):
    """A finished store, opened for reading; a context manager. The layout is in ``stores.format``.

    Args:
        path: the file.
        mapped: whether features are read through a memory map where they can be. That is fastest, and ends the process
            where another program cuts the file meanwhile (no command of ours does); without, it is a ``FailureError``.

    Attributes:
        path: the file.
        kind: ``pooled``, ``tokens`` or ``ids``.
        identity, recipe, source, totals, versions: the entries of ``about``, as mappings.
        command: how it was made.
        parts: the entry of ``about`` on the parts in which the features lie; empty if they lie in the file itself.
        identity_digest, digest: its attributes.
        created: when the run began that wrote it, in UTC.
        seconds: how long the run took that wrote it.
        reused_seconds: how long the features that it took from other stores had taken there; NaN if that is not known.
        foreign: attributes and groups of other programs, which are ignored.

    Raises:
        InputError: if there is no such file.
        FailureError: if it is no store of this version, damaged, or reaches out of itself.
    """

    def __init__(self, path: str | Path, *, mapped: bool = True) -> None:
        super().__init__(path)
        self._is_mapped = mapped
        self._views: dict[str, RowSource] = {}
        self._came = -2  # which part has come last from object storage

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def read(self, start: int = 0, stop: int | None = None) -> Features:
        """Features of the rows from ``start`` up to, not including, ``stop`` (default: all), in memory."""
        features = self._mapped(start, stop)
        return replace(features, outputs={name: np.array(rows) for name, rows in features.outputs.items()})

    def _mapped(self, start: int, stop: int | None) -> Features:
        """As ``read``, but read when they are looked at, where a memory map allows that."""
        stop = len(self) if stop is None else min(stop, len(self))
        counts = np.array(self.data_set("counts")[start:stop])
        views = {name: self.data_set(f"features/{name}") for name in self.outputs}
        if self.kind == "pooled":
            return PooledFeatures({name: view[start:stop] for name, view in views.items()}, counts)
        offsets = self._file["offsets"][start : stop + 1]
        if offsets[0] < 0 or (offsets[1:] < offsets[:-1]).any() or offsets[-1] > self.shape[0]:
            raise FailureError(
                f"{self.path} is damaged: offsets, in the rows from {start}; make it again with: tk embed"
            )
        outputs = {name: view[offsets[0] : offsets[-1]] for name, view in views.items()}
        offsets = offsets - offsets[0]
        if self.kind == "tokens" or self.vocabulary is None:
            return TokenFeatures(outputs, counts, offsets)
        return IdFeatures(outputs, counts, offsets, self.vocabulary, self.table)

    def memory_map(self) -> np.ndarray | None:
        """The pooled features ``[N, D]`` as a read-only memory map that outlives the store; None if there is none.

        There is one if the store has one output, which lies in one file, without gzip.
        """
        if self.kind != "pooled" or len(self.outputs) != 1:
            return None
        array = self.data_set(f"features/{self.outputs[0]}")
        return array if isinstance(array, np.memmap) else None

    def take(self, rows: np.ndarray) -> Features:
        """Features of ``rows`` (int ``[m]``, m > 0), in that order."""
        views = {name: self.data_set(f"features/{name}") for name in self.outputs}
        counts = self.data_set("counts")
        mapped = {name: view for name, view in views.items() if isinstance(view, np.memmap)}
        if self.kind == "pooled" and len(mapped) == len(views) and isinstance(counts, np.memmap):
            outputs = {name: np.asarray(view[rows]) for name, view in mapped.items()}
            return PooledFeatures(outputs, np.asarray(counts[rows]))
        wanted, inverse = np.unique(rows, return_inverse=True)
        pieces = []
        for stretch in np.split(wanted, np.flatnonzero(np.diff(wanted // READ_ROWS)) + 1):
            pieces.append(self.read(stretch[0], stretch[-1] + 1).take(stretch - stretch[0]))
        return Features.concat(pieces).take(inverse)

    @property
    def features(self) -> RowView:
        """The features, to be indexed by row like an array and read as they are asked for; see ``RowView``."""
        return RowView(self)

    def to_numpy(self) -> np.ndarray:
        """All pooled features in memory, ``[N, D]``.

        Raises:
            InputError: for other kinds, which are no rectangle; ``features`` and ``blocks`` read these.
            FailureError: if a number is not finite, naming the row.
        """
        if self.kind != "pooled":
            raise InputError(f"{self.path} holds {self.kind} features, no [N, D] array; read them with .features")
        values = self.features[:]
        if not np.isfinite(values).all():
            raise FailureError(
                not_finite(self._file, f"features/{self.outputs[0]}", self.path, first_not_finite(values))
            )
        return values

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Arrays of the labelled rows for scikit-learn: features ``[n, D]``, codes, and groups of identical texts.

        Raises:
            InputError: as ``to_numpy``.
        """
        rows = np.flatnonzero(self.labelled)
        x = self.to_numpy()
        _, groups = np.unique(self.text_hash[rows].view("V16").ravel(), return_inverse=True)
        return x if len(rows) == len(x) else x[rows], self.codes[rows], groups

    def blocks(self, rows: int = READ_ROWS) -> Iterator[Block]:
        """All rows in order, ``rows`` at a time, in memory."""
        for start in range(0, len(self), rows):
            yield self._block(start, start + rows, self.read(start, start + rows))

    def mapped_blocks(self, rows: int) -> Iterator[Block]:
        """As ``blocks``, with the checksums that are kept, and features that are read when they are looked at."""
        for start in range(0, len(self), rows):
            sums = self._checksums(start, start + rows) if self.kind != "ids" else {}
            yield self._block(start, start + rows, self._mapped(start, start + rows), sums)

    def _block(self, start: int, stop: int, features: Features, checksums: dict | None = None) -> Block:
        part, classes = slice(start, stop), self.classes if self.has_several_labels else None
        texts, ids, splits = (None if s is None else s[part] for s in (self.texts, self.ids, self.splits))
        head = self.line[part], self.text_hash[part], self.labels[part], texts, features
        raw, likeness = (None if h is None else h[part] for h in (self.raw_hash, self.like_hash))
        return Block(*head, classes, ids, splits, raw, likeness, checksums or {})

    def _checksums(self, start: int, stop: int) -> dict[str, np.ndarray]:
        """Of each output whose chunks begin and end with these rows."""
        sums = {}
        if self.kind == "tokens":
            start, stop = self._file["offsets"][[start, min(stop, len(self))]].tolist()
        for name in self.outputs:
            data = self._file[f"features/{name}"]
            step = rows_a_checksum(data)
            if step and start % step == 0 and (stop % step == 0 or stop >= len(data)):
                sums[name] = self._file[f"checksums/features/{name}"][start // step : -(-stop // step)]
        return sums

    def verify(self) -> None:
        """Compare every checksum, offset and hash with the data in the file.

        Raises:
            FailureError: naming the file and the first data set and row that is wrong.
        """
        verify(self._file, self.path, self.digest, self.data_set)

    def verify_rows(self, rows: np.ndarray, compared: Compared) -> None:
        """Compare all checksums that cover the features of ``rows`` (int ``[m]``), unless that was done before.

        Raises:
            FailureError: naming the file and the first data set and row that is wrong.
        """
        wanted = {"counts": rows}
        if self.kind == "pooled":
            tokens = rows
        else:
            for name in set(READ_ENTIRELY) & set(data_sets(self._file)):
                wanted[name] = np.arange(len(self._file[name]))
            compared.verify_rows(self._file, "offsets", self.path, self.data_set("offsets"), wanted.pop("offsets"))
            offsets = self._file["offsets"][...]
            starts, stops = offsets[np.unique(rows)], offsets[np.unique(rows) + 1]
            tokens = np.concatenate([np.arange(a, b) for a, b in zip(starts, stops, strict=True)])
        wanted |= {f"features/{name}": tokens for name in self.outputs}
        for name, which in wanted.items():
            compared.verify_rows(self._file, name, self.path, self.data_set(name), which)

    @property
    def data_sets(self) -> list[str]:
        """Paths of all data sets, see ``stores.format``, but of the checksums and ``times``."""
        return data_sets(self._file)

    def data_set(self, path: str) -> RowSource:
        """The data set ``path``, to be sliced by rows; a memory map if it lies in the file as one array."""
        if path not in self._views:
            data = self._file[path]
            if isinstance(data, DeclaredDataset) and self.place is not None:
                self._views[path] = append.view(self.path.parent, self.place, data)
            elif isinstance(data, DeclaredDataset):
                self._views[path] = VirtualDataset(
                    partial(self._view_in, path), self.parts["files"], data.shape, data.dtype
                )
            else:
                self._views[path] = view(self._file, path, self._is_mapped)
        return self._views[path]

    def _view_in(self, path: str, part: str) -> RowSource:
        """The data set ``path`` of the store of a part: of the file that was there when this store was opened."""
        if part not in self._file.marks and self._mirror is not None:
            self._bring(part, self._mirror)
        path_of_part = self.path.parent / part  # there may be no such file now
        with suppress(InputError), FeatureStore(path_of_part, mapped=self._is_mapped) as store:
            if mark(os.fstat(store._file.raw.fileno())) == self._file.marks[part]:
                return store.data_set(path)
        raise FailureError(f"{path_of_part} was replaced or removed while its store was read; try again")

    def _bring(self, part: str, mirror: Mirror) -> None:
        """Have a part here; where the one before it was the last that came, some that follow as well."""
        names = [name for name, _ in self.parts["files"]]
        at = names.index(part)
        some = names[at : at + (AT_ONCE if at == self._came + 1 else 1)]
        new = [name for name in some if name not in self._file.marks]
        mirror.bring(new)
        self._file.marks |= {name: mark((self.path.parent / name).stat()) for name in new}
        self._came = at + len(some) - 1
