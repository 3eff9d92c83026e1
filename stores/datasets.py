"""A store as a data set that TensorFlow and Keras train from, for stores that are larger than memory.

Both give batches of the labelled rows: features ``[b, D]`` in the store's own type, and codes int32 ``[b]``, which
index ``store.classes`` (with several labels ``[b, L]``, see ``store.codes``); the last batch may be smaller. The
features of a batch are gathered through the memory map when the batch is asked for; only the codes and the row numbers
stay in memory. Of several outputs it is the first, as ``store.features`` gives it. The store has to stay open for as
long as batches are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stores.reader import FeatureStore
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

AHEAD = 2  # batches that are read while the model is busy


def to_dataset(store: FeatureStore, batch_size: int = 32, shuffle: bool = False, seed: int = 0) -> tf.data.Dataset:
    """Batches of the labelled rows as a ``tf.data.Dataset`` of known length.

    Keras warns that its own ``fit(shuffle=True)``, the default, does nothing to such data; give ``shuffle=False``.

    Args:
        store: an open store of pooled features.
        batch_size: rows a batch.
        shuffle: whether every pass has an order of its own (of all rows, not of a window); else it is the file's.
        seed: of these orders; the same seed gives the same first, second, ... order, unless
            ``tf.random.set_seed`` is called with another number, which TensorFlow mixes in.

    Raises:
        InputError: if the store is not of kind pooled or has no labelled rows, or ``batch_size`` is not positive.
    """
    rows, codes = _labelled_rows(store, batch_size), store.codes
    import tensorflow as tf

    def gather(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return store.features[batch], codes[batch]

    def load(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, y = tf.numpy_function(gather, [batch], [store.dtype, codes.dtype])
        return tf.ensure_shape(x, [None, store.shape[1]]), tf.ensure_shape(y, [None, *codes.shape[1:]])

    data = tf.data.Dataset.from_tensor_slices(rows)
    if shuffle:
        data = data.shuffle(len(rows), seed)  # of row numbers, 8 bytes each
    return data.batch(batch_size).map(load).prefetch(AHEAD)


def keras_source(
    store: FeatureStore, batch_size: int = 32, shuffle: bool = True, seed: int = 0, workers: int = 1
) -> keras.utils.PyDataset:
    """Batches of the labelled rows as a ``keras.utils.PyDataset``, for every backend of Keras.

    Args:
        store: an open store of pooled features.
        batch_size: rows a batch.
        shuffle: whether every epoch has an order of its own; else it is the file's.
        seed: of these orders. Keras' own ``fit(shuffle=True)``, its default, also shuffles which batch comes first,
            by Python's ``random``: for runs that repeat exactly give ``fit(shuffle=False)``, or call
            ``keras.utils.set_random_seed``.
        workers: threads that read batches.

    Raises:
        InputError: as ``to_dataset``.
    """
    rows, codes = _labelled_rows(store, batch_size), store.codes
    import keras

    class LabelledRows(keras.utils.PyDataset):
        """``source[i]`` is batch ``i`` of this epoch: features ``[b, D]`` and codes ``[b]``."""

        def __init__(self) -> None:
            super().__init__(workers=workers)
            self._epoch = 0
            self._order = self._of_epoch()

        def __len__(self) -> int:
            return -(-len(rows) // batch_size)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            if not 0 <= index < len(self):
                raise IndexError(index)
            batch = self._order[index * batch_size : (index + 1) * batch_size]
            return store.features[batch], codes[batch]

        def on_epoch_end(self) -> None:
            """Go on to the order of the next epoch."""
            self._epoch += 1
            self._order = self._of_epoch()

        def _of_epoch(self) -> np.ndarray:
            return np.random.default_rng([seed, self._epoch]).permutation(rows) if shuffle else rows

    return LabelledRows()


def _labelled_rows(store: FeatureStore, batch_size: int) -> np.ndarray:
    """Numbers of the rows that have a label, int64 ``[n]``, n > 0."""
    if store.kind != "pooled":
        raise InputError(f"{store.path} holds {store.kind}, not one vector a row; make a pooled store with: tk embed")
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; give at least 1")
    rows = np.flatnonzero(store.labelled)
    if not len(rows):
        raise InputError(f"{store.path} has no labelled row; make it again with: tk embed --label-column NAME")
    return rows
