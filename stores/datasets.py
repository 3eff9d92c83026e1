"""A store as a data set that TensorFlow and Keras train from, for stores that are larger than memory.

Both give batches of the labelled rows, or of those that are named, such as the training rows of a fold: features
``[b, D]`` in the store's own type, and codes int32 ``[b]``, which index ``store.classes`` (with several labels
``[b, L]``, see ``store.codes``); the last batch may be smaller. Of tokens and ids ``to_dataset`` gives ragged tensors,
``keras_source`` arrays that are as wide as the longest text of the batch.

The features of a batch are gathered through the memory map when the batch is asked for; only the codes and the row
numbers stay in memory. Of several outputs it is the first, as ``store.features`` gives it. The store has to stay open
for as long as batches are read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from stores.features import RaggedFeatures
from stores.reader import FeatureStore
from stores.shared.errors import InputError

if TYPE_CHECKING:
    import keras
    import tensorflow as tf

AHEAD = 2  # batches that are read while the model is busy


def to_dataset(
    store: FeatureStore, batch_size: int = 32, shuffle: bool = False, seed: int = 0, rows: np.ndarray | None = None
) -> tf.data.Dataset:
    """Batches of the labelled rows as a ``tf.data.Dataset`` of known length.

    Keras warns that its own ``fit(shuffle=True)``, the default, does nothing to such data; give ``shuffle=False``.

    Args:
        store: an open store. Of token features a batch is a ragged tensor ``[b, None, D]``, of ids ``[b, None]``.
        batch_size: rows a batch.
        shuffle: whether every pass has an order of its own (of all rows, not of a window); else it is the file's.
        seed: of these orders; the same seed gives the same first, second, ... order, unless
            ``tf.random.set_seed`` is called with another number, which TensorFlow mixes in.
        rows: int ``[m]``, numbers of rows with labels, in their order; all that have one if None.

    Raises:
        InputError: if the store has no labelled rows, one of ``rows`` has no label, or ``batch_size`` is not positive.
    """
    taken, codes = _labelled_rows(store, batch_size, rows), store.codes
    import tensorflow as tf

    def gather_ragged(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        features = store.take(batch)
        assert isinstance(features, RaggedFeatures)  # noqa: S101 (the kind of the store says so)
        return features.outputs[store.outputs[0]], np.diff(features.offsets), codes[batch]

    def load_ragged(batch: tf.Tensor) -> tuple[tf.RaggedTensor, tf.Tensor]:
        x, lengths, y = tf.numpy_function(gather_ragged, [batch], [store.dtype, np.int64, codes.dtype])
        x, lengths = tf.ensure_shape(x, [None, *store.shape[1:]]), tf.ensure_shape(lengths, [None])
        return tf.RaggedTensor.from_row_lengths(x, lengths), tf.ensure_shape(y, [None, *codes.shape[1:]])

    def gather(batch: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return store.features[batch], codes[batch]

    def load(batch: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        x, y = tf.numpy_function(gather, [batch], [store.dtype, codes.dtype])
        return tf.ensure_shape(x, [None, store.shape[1]]), tf.ensure_shape(y, [None, *codes.shape[1:]])

    data = tf.data.Dataset.from_tensor_slices(taken)
    if shuffle:
        data = data.shuffle(len(taken), seed)  # of row numbers, 8 bytes each
    return data.batch(batch_size).map(load if store.kind == "pooled" else load_ragged).prefetch(AHEAD)


def keras_source(
    store: FeatureStore,
    batch_size: int = 32,
    shuffle: bool = True,
    seed: int = 0,
    workers: int = 1,
    rows: np.ndarray | None = None,
) -> keras.utils.PyDataset:
    """Batches of the labelled rows as a ``keras.utils.PyDataset``, for every backend of Keras.

    Args:
        store: an open store. Of token features a batch is ``[b, T, D]`` with zeros after the last token of a text, of
            ids int32 ``[b, T]``, each id plus 1, with 0 after the last.
        batch_size: rows a batch.
        shuffle: whether every epoch has an order of its own; else it is the file's.
        seed: of these orders. Keras' own ``fit(shuffle=True)``, its default, also shuffles which batch comes first,
            by Python's ``random``: for runs that repeat exactly give ``fit(shuffle=False)``, or call
            ``keras.utils.set_random_seed``.
        workers: threads that read batches.
        rows: see ``to_dataset``.

    Raises:
        InputError: as ``to_dataset``.
    """
    taken, codes = _labelled_rows(store, batch_size, rows), store.codes
    import keras

    class LabelledRows(keras.utils.PyDataset):
        """``source[i]`` is batch ``i`` of this epoch: features ``[b, D]`` and codes ``[b]``."""

        def __init__(self) -> None:
            super().__init__(workers=workers)
            self._epoch = 0
            self._order = self._of_epoch()

        def __len__(self) -> int:
            return -(-len(taken) // batch_size)

        def __getitem__(self, index: int) -> tuple[np.ndarray, np.ndarray]:
            if not 0 <= index < len(self):
                raise IndexError(index)
            batch = self._order[index * batch_size : (index + 1) * batch_size]
            return _padded(store, batch), codes[batch]

        def on_epoch_end(self) -> None:
            """Go on to the order of the next epoch."""
            self._epoch += 1
            self._order = self._of_epoch()

        def _of_epoch(self) -> np.ndarray:
            return np.random.default_rng([seed, self._epoch]).permutation(taken) if shuffle else taken

    return LabelledRows()


def _padded(store: FeatureStore, batch: np.ndarray) -> np.ndarray:
    """The features of rows as one array."""
    if store.kind == "pooled":
        return store.features[batch]
    features = store.take(batch)
    assert isinstance(features, RaggedFeatures)  # noqa: S101 (the kind of the store says so)
    values, lengths = features.outputs[store.outputs[0]], np.diff(features.offsets)
    padded = np.zeros((len(batch), int(lengths.max()), *values.shape[1:]), values.dtype)
    # token t of row i goes to padded[i, t]
    row = np.repeat(np.arange(len(batch)), lengths)
    padded[row, np.arange(len(values)) - features.offsets[row]] = values + 1 if store.kind == "ids" else values
    return padded


def _labelled_rows(store: FeatureStore, batch_size: int, rows: np.ndarray | None = None) -> np.ndarray:
    """Numbers of the rows that have a label, or of those that were asked for, int64 ``[n]``, n > 0."""
    if batch_size < 1:
        raise InputError(f"batch_size is {batch_size}; give at least 1")
    labelled = store.labelled
    if rows is None:
        rows = np.flatnonzero(labelled)
        if not len(rows):
            raise InputError(f"{store.path} has no labelled row; make it again with: tk embed --label-column NAME")
        return rows
    rows = np.flatnonzero(rows) if np.asarray(rows).dtype == bool else np.asarray(rows, np.int64)
    if not len(rows) or rows.min() < 0 or rows.max() >= len(store):
        raise InputError(f"`rows`: give numbers from 0 to {len(store) - 1}, at least one")
    if not labelled[rows].all():
        raise InputError(f"`rows`: row {rows[~labelled[rows]][0]} of {store.path} has no label")
    return rows
