"""Words in context: a stack of LSTMs from left to right and one from right to left.

Peters et al. 2018, "Deep contextualized word representations", section 3; the cell is TensorFlow's ``LSTMCell`` with a
projection (Sak et al. 2014, "Long Short-Term Memory Recurrent Neural Network Architectures", section 2.2).

The texts lie packed, so that nothing is computed for padding, see ``embed.networks.packing``. What enters a layer is
multiplied for the words of many steps at once, each distinct word once; only what comes back from the step before is
multiplied in the loop over the steps. The state goes from one chunk of steps to the next, in both directions, so that
long texts are nothing special.

``P`` is the width of a word vector and of one direction of a layer, ``D`` the number of memory cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from embed.networks.packing import Packing
from stores.engine import load_tensorflow

LEAST = 2  # texts that are computed together: for one, another kernel is used, whose sums round otherwise


@dataclass(frozen=True)
class Cell:
    """One LSTM in one direction; gates in the order input, candidate, forget, output.

    Attributes:
        kernel: float32 ``[2 P, 4 D]``: first the rows of the input, then those of what comes back.
        bias: float32 ``[4 D]``, without the 1 that is added to the forget gate.
        projection: float32 ``[D, P]``.
    """

    kernel: np.ndarray
    bias: np.ndarray
    projection: np.ndarray


@dataclass(frozen=True)
class BiLMWeights:
    """All cells.

    Attributes:
        directions: the cells from the lowest layer up, forward and backward.
        residual: whether layers from the second on add their input to their output.
        cell_clip, projection_clip: largest absolute value of a memory cell, and of what a cell gives.
    """

    directions: tuple[list[Cell], list[Cell]]
    residual: bool
    cell_clip: float
    projection_clip: float


class BiLM:
    """The two stacks of LSTMs over texts of word vectors."""

    def __init__(self, weights: BiLMWeights) -> None:
        self._tf = load_tensorflow()
        self._residual = weights.residual
        self._sizes = weights.directions[0][0].projection.shape
        self._layers = [
            _compile_layer(self._tf, cells, (weights.cell_clip, weights.projection_clip), from_words=number == 0)
            for number, cells in enumerate(zip(*weights.directions, strict=True))
        ]

    def __call__(
        self, vectors: np.ndarray, ids: np.ndarray, lengths: np.ndarray, states: list | None = None
    ) -> tuple[list[np.ndarray], list]:
        """Every layer at every word of some texts, at least one.

        Args:
            vectors: float32 ``[V, P]``, of distinct words.
            ids: int ``[sum T]``, rows of ``vectors``: the words, text by text.
            lengths: int ``[texts]``, the words of each text, none of them 0.
            states: what an earlier call with as many texts returned, to go on from there; else zeros.

        Returns:
            The layers, each float32 ``[sum T, 2 P]``, forward half first; the lowest is the word vector twice. And
            the states of the cells after the last word of each text (in the backward direction: after its first).
        """
        packing = Packing.of(lengths)
        layers, after = [np.tile(vectors[ids], 2)], []
        inputs, words = [vectors] * 2, [packing.pack(ids, places) for places in packing.places]
        outputs: list[np.ndarray] = []
        for number, run in enumerate(self._layers):
            state = self._begin(packing.order, states[number] if states else None)
            parts = []
            for steps, rows in packing.chunks(words):
                entering = [_distinct(x, some[rows]) for x, some in zip(inputs, words, strict=True)]
                part, state = run(entering, packing.sizes[steps], state)
                parts.append([output.numpy() for output in part])
            below, outputs = outputs, [np.concatenate(part) for part in zip(*parts, strict=True)]
            if self._residual and number:
                outputs = [output + entered for output, entered in zip(outputs, below, strict=True)]
            layers.append(np.hstack([out[places] for out, places in zip(outputs, packing.places, strict=True)]))
            after.append(_in_order_of_texts(state, packing.order))
            inputs, words = outputs, [np.arange(len(ids))] * 2  # in a context, each word is another
        return layers, after

    def _begin(self, order: np.ndarray, given: list | None) -> list:
        """The state before the first step, in the order of the packing; for ``LEAST`` texts at least."""
        state = [[np.zeros((max(len(order), LEAST), size), np.float32) for size in self._sizes] for _ in range(2)]
        if given:
            for direction, values in zip(state, given, strict=True):
                for rows, kept in zip(direction, values, strict=True):
                    rows[: len(order)] = kept[order]
        return state


def _distinct(vectors: np.ndarray, ids: np.ndarray) -> list[np.ndarray]:
    """The vectors of the distinct ``ids``, and for each id which of them it is."""
    distinct, rows = np.unique(ids, return_inverse=True)
    return [vectors[distinct], rows.astype(np.int32)]


def _in_order_of_texts(state: list, order: np.ndarray) -> list:
    places = np.argsort(order)  # of the texts in the packing
    return [[rows.numpy()[places] for rows in direction] for direction in state]


def _compile_layer(tf: ModuleType, cells: Sequence[Cell], clips: tuple[float, float], from_words: bool) -> Callable:
    """Both directions of a layer over some steps: inputs, sizes of the steps, state -> outputs, state.

    Both run in one loop, so that one can multiply while the other does what takes no product. An input is float32
    ``[rows, P]``, and with ``from_words`` the row of each word in it, so that each distinct word is multiplied once.
    """
    directions = [_Direction.of(tf, cell) for cell in cells]
    memory, width = cells[0].projection.shape

    def run(inputs: list, sizes: Any, state: list) -> tuple[list, list]:  # noqa: ANN401
        entering = [direction.enter(tf, x) for direction, (x, _) in zip(directions, inputs, strict=True)]
        rows = [tf.pad(row, [[0, 1]]) for _, row in inputs]

        def step(t: Any, start: Any, state: list, out: list) -> tuple:  # noqa: ANN401
            texts = sizes[t]
            computed = tf.maximum(texts, LEAST)  # a second row is computed, and forgotten, where there is one
            here = slice(start, start + computed)
            after = []
            for d, direction in enumerate(directions):
                gates = [tf.gather(g, rows[d][here]) if from_words else g[here] for g in entering[d]]
                new = direction.step(tf, gates, [s[:computed] for s in state[d]], clips)
                after.append([tf.concat([n[:texts], s[texts:]], 0) for n, s in zip(new, state[d], strict=True)])
                out[d] = out[d].write(t, new[1][:texts])
            return t + 1, start + texts, after, out

        count = tf.shape(sizes)[0]
        out = [tf.TensorArray(tf.float32, count, element_shape=[None, width], infer_shape=False) for _ in range(2)]
        *_, state, out = tf.while_loop(lambda t, *_: t < count, step, [0, 0, state, out], parallel_iterations=1)
        return [array.concat() for array in out], state

    an_input = [tf.TensorSpec([None, width]), tf.TensorSpec([None], tf.int32)]
    a_state = [tf.TensorSpec([None, memory]), tf.TensorSpec([None, width])]
    signature = [[an_input] * 2, tf.TensorSpec([None], tf.int32), [a_state] * 2]
    return tf.function(run, input_signature=signature, autograph=False)


@dataclass(frozen=True)
class _Direction:
    """A cell as tensors, gate by gate: products of this size stay in the processor's cache."""

    entering: list  # of each gate [P, D]
    returning: list  # of each gate [P, D]
    bias: list  # of each gate [D]
    projection: Any

    @classmethod
    def of(cls, tf: ModuleType, cell: Cell) -> _Direction:
        memory, width = cell.projection.shape
        bias = cell.bias.copy()
        bias[2 * memory : 3 * memory] += 1  # the forget gate
        split = lambda array: [tf.constant(part) for part in np.split(array, 4, axis=-1)]  # noqa: E731
        return cls(split(cell.kernel[:width]), split(cell.kernel[width:]), split(bias), tf.constant(cell.projection))

    def enter(self, tf: ModuleType, x: Any) -> list:  # noqa: ANN401
        """What the input ``[rows, P]`` gives to each gate, ``[rows + 1, D]``; the last is there to be forgotten."""
        x = tf.pad(x, [[0, 1], [0, 0]])
        return [tf.nn.bias_add(x @ kernel, bias) for kernel, bias in zip(self.entering, self.bias, strict=True)]

    def step(self, tf: ModuleType, entered: list, state: list, clips: tuple[float, float]) -> tuple:
        """From the state ``[texts, D]``, ``[texts, P]`` before a word to the state after it."""
        memory, output = state
        i, j, f, o = (gate + output @ kernel for gate, kernel in zip(entered, self.returning, strict=True))
        memory = tf.clip_by_value(tf.sigmoid(f) * memory + tf.sigmoid(i) * tf.tanh(j), -clips[0], clips[0])
        output = (tf.sigmoid(o) * tf.tanh(memory)) @ self.projection
        return memory, tf.clip_by_value(output, -clips[1], clips[1])
