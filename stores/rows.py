"""The features of a store, to be indexed by row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from stores.store import FeatureStore


class RowView:
    """The features of a store by row: ``view[5]``, ``view[10:20]``, ``view[np.array([7, 7, 3])]``.

    Pooled features come as an array, ``[D]`` for one row, ``[n, D]`` for several; token features and ids as one array
    a row, ``[T, D]`` or ``[T]``, in a list for several rows. It is the first output if there are several.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, rows: int | slice | np.ndarray) -> np.ndarray | list[np.ndarray]:
        if isinstance(rows, int | np.integer):
            return self[np.arange(len(self))[[rows]]][0]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            found = self._store.read(start, stop) if step == 1 else None
            rows = np.arange(start, stop, step)
        else:
            rows, found = np.arange(len(self))[np.asarray(rows)], None
        if found is None:
            found = self._store.take(rows) if len(rows) else self._store.read(0, 0)
        values = found.outputs[self._store.outputs[0]]
        return values if found.offsets is None else np.split(values, found.offsets[1:-1])[: len(found)]
