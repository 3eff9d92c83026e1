"""The features of a store by row, like an array."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from stores.features import Features, RaggedFeatures

if TYPE_CHECKING:
    from stores.reader import FeatureStore


class RowView:
    """The features of a store by row: ``view[5]``, ``view[10:20]``, ``view[np.array([7, 7, 3])]``.

    Pooled features come as an array, ``[D]`` for one row, ``[n, D]`` for several; token features and ids as one array
    a row, ``[T, D]`` or ``[T]``, in a list for several rows. It is the first output if there are several.
    """

    def __init__(self, store: FeatureStore) -> None:
        self._store = store

    def __len__(self) -> int:
        return len(self._store)

    def __getitem__(self, rows: int | slice | np.ndarray) -> Any:  # noqa: ANN401 (an array, or a list of arrays)
        if isinstance(rows, int | np.integer):
            return self[np.arange(len(self))[[rows]]][0]
        if isinstance(rows, slice):
            start, stop, step = rows.indices(len(self))
            if step == 1:
                return self._values(self._store.read(start, stop))
        numbers = np.arange(len(self))[rows if isinstance(rows, slice) else np.asarray(rows)]
        return self._values(self._store.take(numbers) if len(numbers) else self._store.read(0, 0))

    def _values(self, features: Features) -> np.ndarray | list[np.ndarray]:
        values = features.outputs[self._store.outputs[0]]
        if isinstance(features, RaggedFeatures):
            return np.split(values, features.offsets[1:-1])[: len(features)]
        return values
