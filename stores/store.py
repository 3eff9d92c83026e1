"""Reading a store."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property, partial
from pathlib import Path
from types import TracebackType

import h5py
import numpy as np

from stores import verify
from stores.errors import InputError
from stores.features import Features
from stores.format import ROW_STRINGS, members
from stores.opening import open_store
from stores.rows import RowView
from stores.strings import Strings
from stores.view import Inflated, view
from stores.virtual import Declared, Pieces
from stores.writer import Block, Extent

READ_ROWS = 4096  # rows that are looked at together when scattered ones are wanted


class FeatureStore:
    """A finished store, opened for reading; a context manager. The layout is in ``stores.format``.

    Attributes:
        path: the file.
        kind: ``pooled``, ``tokens`` or ``ids``.
        identity, recipe, source, totals, versions: what is in ``about``, as mappings.
        command: how it was made.
        parts: what ``about`` has of the parts in which the features lie; empty if they lie in the file itself.
        identity_digest, digest: its attributes.
        created: when the run began that wrote it, in UTC.
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
    command: str
    parts: dict
    kind: str
    identity_digest: str
    digest: str
    created: str
    seconds: float

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            raise InputError(f"{path}: no such file; make a feature store with: tk embed --data FILE")
        self._file, entries = open_store(self.path)
        for name, value in entries.items():
            setattr(self, name, value)
        self._views: dict[str, np.ndarray | h5py.Dataset] = {}

    def __enter__(self) -> FeatureStore:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def __len__(self) -> int:
        return len(self._file["line"])

    def close(self) -> None:
        """Let go of the file; arrays that were handed out stay valid."""
        self._file.close()

    @property
    def size(self) -> int:
        """Bytes on the disk, those of the parts included if the features lie there."""
        return sum(path.stat().st_size for path in (self.path, *self.part_paths))

    @property
    def part_paths(self) -> list[Path]:
        """The parts in which the features lie; none if they lie in the file itself."""
        return [self.path.parent / part for part, _ in self.parts.get("files", ())]

    @property
    def outputs(self) -> list[str]:
        """Names of the outputs."""
        return members(self._file["features"])

    def shape_of(self, output: str) -> tuple[int, ...]:
        """Shape of an output: ``[N, D]``, ``[sum T, D]`` or ``[sum T]``."""
        return self._file[f"features/{output}"].shape

    def dtype_of(self, output: str) -> np.dtype:
        """Type of an output."""
        return self._file[f"features/{output}"].dtype

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of the first output."""
        return self.shape_of(self.outputs[0])

    @property
    def dtype(self) -> np.dtype:
        """Type of the first output."""
        return self.dtype_of(self.outputs[0])

    @cached_property
    def classes(self) -> list[str]:
        """Class names in the order of their codes."""
        return self._strings("labels/classes")[:]

    @cached_property
    def codes(self) -> np.ndarray:
        """int32 ``[N]``: index into ``classes``, -1 where the label is missing.

        With several labels int32 ``[N, L]``: for each of ``classes`` 1 where the row has it, 0, or -1 if not known.
        """
        return self._file["labels/codes"][...]

    @property
    def has_several_labels(self) -> bool:
        """Whether a row may have several labels."""
        return self._file["labels/codes"].ndim > 1

    @property
    def labelled(self) -> np.ndarray:
        """Bool ``[N]``: whether the label of the row, or each of its labels, is known."""
        return (self.codes.reshape(len(self), -1) >= 0).all(1)

    @property
    def labels(self) -> np.ndarray:
        """Class name of each row, None where it is missing: object ``[N]``; with several labels ``codes``."""
        if self.has_several_labels:
            return self.codes
        return np.array([*self.classes, None], object)[self.codes]  # code -1 is the last

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
        return self._strings("vocabulary")[:] if "vocabulary" in self._file else None

    @cached_property
    def table(self) -> np.ndarray | None:
        """Float ``[V, D]``: the vector of each token of the vocabulary, None without vectors."""
        return self._file["table"][...] if "table" in self._file else None

    @property
    def texts(self) -> Strings | None:
        """The cleaned texts, to be indexed like a list and read as they are asked for; None if they were not kept."""
        return self._strings("texts") if "texts" in self._file else None

    @property
    def ids(self) -> Strings | None:
        """What identifies the rows in the data file, empty where nothing does; None if it has no such column."""
        return self._strings("ids") if "ids" in self._file else None

    @property
    def splits(self) -> Strings | None:
        """To which part of the data set each row belongs, empty if to none; None if the data file does not say."""
        return self._strings("splits") if "splits" in self._file else None

    @property
    def extent(self) -> Extent:
        """How much the store holds."""
        tokens = 0 if self.kind == "pooled" else self.shape[0]
        strings = {name: len(self._file[f"{name}/bytes"]) for name in ROW_STRINGS if name in self._file}
        words = len(self._file["vocabulary/offsets"]) - 1 if "vocabulary" in self._file else 0
        return Extent(self.classes, len(self), tokens, strings, words, self.has_several_labels)

    def read(self, start: int = 0, stop: int | None = None) -> Features:
        """Features of the rows from ``start`` up to, not including, ``stop`` (default: all), in memory."""
        stop = len(self) if stop is None else min(stop, len(self))
        counts = np.array(self._view("counts")[start:stop])
        if self.kind == "pooled":
            return Features(self.kind, {name: self._rows(name, start, stop) for name in self.outputs}, counts)
        offsets = self._file["offsets"][start : stop + 1]
        outputs = {name: self._rows(name, offsets[0], offsets[-1]) for name in self.outputs}
        return Features(self.kind, outputs, counts, offsets - offsets[0], self.vocabulary, self.table)

    def memory_map(self) -> np.ndarray | None:
        """The pooled features ``[N, D]`` as a read-only memory map that outlives the store; None if there is none.

        There is one if the store has one output, which lies in one file, without gzip.
        """
        if self.kind != "pooled" or len(self.outputs) != 1:
            return None
        found = self._view(f"features/{self.outputs[0]}")
        return found if isinstance(found, np.memmap) else None

    def take(self, rows: np.ndarray) -> Features:
        """Features of ``rows`` (int ``[m]``, m > 0), in that order."""
        views = {name: self._view(f"features/{name}") for name in self.outputs}
        if self.kind == "pooled" and all(
            isinstance(view, np.memmap) for view in (*views.values(), self._view("counts"))
        ):
            outputs = {name: np.asarray(view[rows]) for name, view in views.items()}
            return Features(self.kind, outputs, np.asarray(self._view("counts")[rows]))
        wanted, inverse = np.unique(rows, return_inverse=True)
        found = []
        for stretch in np.split(wanted, np.flatnonzero(np.diff(wanted // READ_ROWS)) + 1):
            found.append(self.read(stretch[0], stretch[-1] + 1).take(stretch - stretch[0]))
        return Features.concat(found).take(inverse)

    @property
    def features(self) -> RowView:
        """The features, to be indexed by row like an array and read as they are asked for; see ``RowView``."""
        return RowView(self)

    def to_numpy(self) -> np.ndarray:
        """All pooled features in memory, ``[N, D]``.

        Raises:
            InputError: for other kinds, which are no rectangle; ``features`` and ``blocks`` read these.
        """
        if self.kind != "pooled":
            raise InputError(f"{self.path} holds {self.kind} features, no [N, D] array; read them with .features")
        return self.features[:]

    def arrays(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """What scikit-learn takes, of the labelled rows: features ``[n, D]``, codes, and groups of identical texts.

        Raises:
            InputError: as ``to_numpy``.
        """
        rows = np.flatnonzero(self.labelled)
        x = self.to_numpy()
        _, groups = np.unique(self.text_hash[rows].view("V16").ravel(), return_inverse=True)
        return x if len(rows) == len(x) else x[rows], self.codes[rows], groups

    def blocks(self, rows: int = READ_ROWS) -> Iterator[Block]:
        """All rows in order, ``rows`` at a time."""
        labels, classes = self.labels, self.classes if self.has_several_labels else None
        for start in range(0, len(self), rows):
            part = slice(start, start + rows)
            texts, ids, splits = (None if s is None else s[part] for s in (self.texts, self.ids, self.splits))
            features = self.read(start, start + rows)
            yield Block(self.line[part], self.text_hash[part], labels[part], texts, features, classes, ids, splits)

    def verify(self) -> None:
        """Compare every checksum, offset and hash with what lies in the file.

        Raises:
            FailureError: naming the file and the first data set and row that is wrong.
        """
        verify.verify(self._file, self.path, self.digest, self._view)

    def _view(self, path: str) -> np.ndarray | Inflated | Pieces | h5py.Dataset:
        if path not in self._views:
            data = self._file[path]
            if isinstance(data, Declared):
                self._views[path] = Pieces(partial(self._view_in, path), self.parts["files"], data.shape, data.dtype)
            else:
                self._views[path] = view(self.path, data)
        return self._views[path]

    def _view_in(self, path: str, part: str) -> np.ndarray:
        """The data set ``path`` of the store of a part."""
        with FeatureStore(self.path.parent / part) as store:
            return store._view(path)

    def _rows(self, output: str, start: int, stop: int) -> np.ndarray:
        return np.array(self._view(f"features/{output}")[start:stop])

    def _strings(self, path: str) -> Strings:
        return Strings(self._file[f"{path}/bytes"], self._file[f"{path}/offsets"])
