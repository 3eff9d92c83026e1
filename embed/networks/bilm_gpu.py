"""``embed.networks.bilm`` on a GPU: both directions and all layers in one function, from word vectors to sums.

Only the word vectors and the places of words go to the device, and only the sums come back; weights, what one layer
gives to the next, and the states of the cells stay there. Letters of the shapes are those of ``embed.networks.bilm``.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

import numpy as np

from embed.networks.packing import LEAST, Packing

Tensor = Any  # a tf.Tensor; TensorFlow is not imported for its name


class BiLMOnGpu:
    """The two stacks of LSTMs as one function.

    Args:
        tf: TensorFlow.
        layers: the cells of each direction, from the lowest layer up, as tensors.
        residual: whether layers from the second on add their input to their output.
    """

    def __init__(self, tf: ModuleType, layers: list, residual: bool) -> None:
        self._tf, self._layers, self._residual = tf, layers, residual
        self._compiled: dict[bool, Any] = {}  # by whether the texts begin with it

    def __call__(
        self, vectors: np.ndarray, ids: np.ndarray, packing: Packing, shares: np.ndarray, states: list | None
    ) -> tuple[list[np.ndarray], list]:
        """As ``BiLM``; the states are tensors."""
        begins = states is None
        if begins not in self._compiled:
            self._compiled[begins] = self._compile(begins)
        words = [packing.pack(ids, places).astype(np.int32) for places in packing.places]
        places = [places.astype(np.int32) for places in packing.places]
        order, back = packing.order.astype(np.int32), np.argsort(packing.order).astype(np.int32)
        given = vectors, words, places, packing.sizes, order, back, shares
        with self._tf.device(self._layers[0][0].projection.device):  # the choice of a device is a thread's own
            found, after = self._compiled[begins](*given, *([] if begins else [states]))
        return list(found.numpy()), after

    def _compile(self, begins: bool) -> Any:  # noqa: ANN401 (a tf.function)
        tf, some = self._tf, self._tf.TensorSpec([None], self._tf.int32)
        memory, width = self._layers[0][0].projection.shape
        signature = [tf.TensorSpec([None, width]), [some] * 2, [some] * 2, some, some, some]
        signature.append(tf.TensorSpec([None, len(self._layers[0]) + 1]))
        if not begins:
            signature.append(
                [
                    [[tf.TensorSpec([None, memory]), tf.TensorSpec([None, width])] for _ in cells]
                    for cells in self._layers
                ]
            )
        return tf.function(self._both, input_signature=signature, autograph=False)

    def _both(
        self, vectors: Tensor, words: list, places: list, sizes: Tensor, order: Tensor, back: Tensor, shares: Tensor,
        states: list | None = None,
    ) -> tuple[Tensor, list]:  # fmt: skip
        """The sums of both directions side by side, ``[sums, sum T, 2 P]``, and their states in the order of texts.

        Args:
            vectors: ``[V, P]``, of distinct words.
            words: of each direction int32 ``[sum T]``, rows of ``vectors`` in packed order.
            places: of each direction int32 ``[sum T]``, the packed row of each word.
            sizes: int32 ``[steps]``, the texts that have a word at each step.
            order, back: int32 ``[texts]``, the texts in packed order, and the place of each in it.
            shares: ``[sums, layers + 1]``.
            states: of each direction and layer ``[texts, D + IDLE]`` and ``[texts, P]``.
        """
        tf, halves, after = self._tf, [], []
        for d, cells in enumerate(self._layers):
            x, rows, ended = vectors, words[d], []
            # layer 0 is the word itself: its share of every sum, [sums, sum T, P] in packed order
            sums = shares[:, 0, None, None] * tf.gather(vectors, rows)
            for number, cell in enumerate(cells):
                state = None if states is None else self._in_order(states[d][number], order)
                h, *state = cell.steps(x, rows, sizes, state)
                h = h + x if self._residual and number else h  # from the second layer on
                sums += shares[:, number + 1, None, None] * h
                ended.append([tf.gather(values, back) for values in state])
                x, rows = h, tf.range(tf.shape(h)[0])  # in a context, each word is another
            halves.append(tf.gather(sums, places[d], axis=1))
            after.append(ended)
        return tf.concat(halves, 2), after

    def _in_order(self, state: list, order: Tensor) -> list:
        """The state before the first step, in packed order; for ``LEAST`` texts at least."""
        tf = self._tf
        fill = [[0, tf.maximum(0, LEAST - tf.size(order))], [0, 0]]
        return [tf.pad(tf.gather(values, order), fill) for values in state]
