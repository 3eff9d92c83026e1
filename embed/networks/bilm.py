"""Words in context: a stack of LSTMs from left to right and one from right to left.

Peters et al. 2018, "Deep contextualized word representations", section 3; the cell is TensorFlow's ``LSTMCell`` with a
projection (Sak et al. 2014, "Long Short-Term Memory Recurrent Neural Network Architectures", section 2.2).

The texts lie packed, so that nothing is computed for padding, see ``embed.networks.packing``. What enters a layer is
multiplied for the words of many steps at once, each distinct word once; only what comes back from the step before is
multiplied in the loop over the steps. The state goes from one chunk of steps to the next, in both directions, so that
long texts are nothing special. Each direction has a thread of its own, from the lowest layer to its half of the result:
what one does on a single core, copies above all, is filled by the products of the other. A GPU computes all of it in
one function, see ``embed.networks.bilm_gpu``.

``P`` is the width of a word vector and of one direction of a layer, ``D`` the number of memory cells.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from embed.networks.bilm_gpu import BiLMOnGpu
from embed.networks.packing import LEAST, Packing
from stores.shared.cores import threads
from stores.shared.tensorflow import load_tensorflow

IDLE = 16  # cells that are always 0, beside ``D``: rows of 4,096 numbers would share a few places of a cache


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
        clips = weights.cell_clip, weights.projection_clip
        self._layers = [
            [_Direction.of(self._tf, cell, clips, from_words=number == 0) for number, cell in enumerate(cells)]
            for cells in weights.directions
        ]
        self.on_gpu = "GPU" in self._layers[0][0].projection.device
        self._on_gpu = BiLMOnGpu(self._tf, self._layers, weights.residual)

    def __call__(
        self,
        vectors: np.ndarray,
        ids: np.ndarray,
        lengths: np.ndarray,
        states: list | None = None,
        shares: np.ndarray | None = None,
    ) -> tuple[list[np.ndarray], list]:
        """Sums of the layers at every word of some texts, at least one.

        Args:
            vectors: float32 ``[V, P]``, of distinct words.
            ids: int ``[sum T]``, rows of ``vectors``: the words, text by text.
            lengths: int ``[texts]``, the words of each text, none of them 0.
            states: what an earlier call with as many texts returned, to go on from there; else zeros.
            shares: float32 ``[sums, layers + 1]``, what each layer counts in each sum; the lowest is the word vector
                twice. None: every layer by itself.

        Returns:
            The sums, each float32 ``[sum T, 2 P]``, forward half first. And the states of the cells after the last
            word of each text (in the backward direction: after its first).
        """
        packing = Packing.of(lengths)
        shares = np.eye(len(self._layers) + 1, dtype=np.float32) if shares is None else shares
        if self.on_gpu:
            return self._on_gpu(vectors, ids, packing, shares, states)
        sums = [np.empty((len(ids), 2 * vectors.shape[1]), np.float32) for _ in shares]

        def one(d: int) -> list:
            places = packing.places[d]
            packed, after = self._direction(d, vectors, packing.pack(ids, places), packing, states, shares)
            for whole, half in zip(sums, packed, strict=True):
                np.split(whole, 2, axis=1)[d][:] = half[places]
            return after

        with ThreadPoolExecutor(min(2, threads())) as pool:
            return sums, list(pool.map(one, range(2)))

    def _direction(
        self, d: int, inputs: np.ndarray, words: np.ndarray, packing: Packing, states: list | None, shares: np.ndarray
    ) -> tuple[list[np.ndarray], list]:
        """The sums of one direction, float32 ``[sum T, P]`` each, in packed order; and its states after them."""
        # layer 0 is the word itself: its share of every sum, [sum T, P]
        sums, after = [share * inputs[words] for share in shares[:, 0]], []
        for number, layer in enumerate(self._layers[d]):
            state = self._begin(packing.order, states[d][number]) if states else None
            output = np.empty((len(words), inputs.shape[1]), np.float32)
            for steps, rows in packing.chunks(words):
                found, *state = layer.run(*_distinct(inputs, words[rows]), packing.sizes[steps], state)
                output[rows] = found.numpy()  # h of these steps, [n, P]
                if self._residual and number:
                    output[rows] += inputs[rows]  # h + x, from the second layer on
                for whole, share in zip(sums, shares[:, number + 1], strict=True):
                    if share:
                        whole[rows] += share * output[rows]
            after.append(_in_order_of_texts(state or [], packing.order))
            inputs, words = output, np.arange(len(words))  # in a context, each word is another
        return sums, after

    def _begin(self, order: np.ndarray, given: list) -> list:
        """The state before the first step, in the order of the packing; for ``LEAST`` texts at least."""
        fill = ((0, max(0, LEAST - len(order))), (0, 0))
        return [np.pad(values[order], fill) for values in given]


def _distinct(vectors: np.ndarray, ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The vectors of the distinct ``ids``, and for each id which of them it is."""
    distinct, rows = np.unique(ids, return_inverse=True)
    return vectors[distinct], rows.astype(np.int32)


def _in_order_of_texts(state: list, order: np.ndarray) -> list:
    places = np.argsort(order)  # of the texts in the packing, which may be followed by a row that is none
    return [rows.numpy()[places] for rows in state]


@dataclass(frozen=True)
class _Direction:
    """A cell as tensors, gate by gate: then no gate is cut out of a product."""

    tf: ModuleType
    entering: list  # of each gate [P, D + IDLE]
    returning: list  # of each gate [P, D + IDLE]
    bias: list  # of each gate [D + IDLE]
    projection: Any
    clips: tuple[float, float]
    from_words: bool
    compiled: dict

    @classmethod
    def of(cls, tf: ModuleType, cell: Cell, clips: tuple[float, float], from_words: bool) -> _Direction:
        """With ``from_words``, inputs are of distinct words; else each row of the input is that of one word."""
        memory, width = cell.projection.shape
        bias = cell.bias.copy()
        bias[2 * memory : 3 * memory] += 1  # the forget gate
        pad = lambda array: np.pad(array, [(0, 0)] * (array.ndim - 1) + [(0, IDLE)])  # noqa: E731
        split = lambda array: [tf.constant(pad(part)) for part in np.split(array, 4, axis=-1)]  # noqa: E731
        entering, returning, biases = map(split, (cell.kernel[:width], cell.kernel[width:], bias))
        projection = tf.constant(np.pad(cell.projection, ((0, IDLE), (0, 0))))
        return cls(tf, entering, returning, biases, projection, clips, from_words, {})

    def run(self, vectors: np.ndarray, rows: np.ndarray, sizes: np.ndarray, state: list | None) -> list:
        """Some steps.

        Args:
            vectors: float32 ``[V, P]``: what enters.
            rows: int32 ``[n]``, of each packed word its row in ``vectors``.
            sizes: int32 ``[steps]``, the texts that have a word at each step.
            state: after the step before, float32 ``[texts, D + IDLE]`` and ``[texts, P]``, ``LEAST`` texts at least;
                None at the beginning: then nothing comes back to the first step, and nothing is multiplied for it.

        Returns:
            The output at each packed word, float32 ``[n, P]``, and the two parts of the state after the last step.
        """
        begins = state is None
        if begins not in self.compiled:
            tf, (memory, width) = self.tf, self.projection.shape
            signature = [tf.TensorSpec([None, width]), tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)]
            if not begins:
                signature.append([tf.TensorSpec([None, memory]), tf.TensorSpec([None, width])])
            self.compiled[begins] = tf.function(self.steps, input_signature=signature, autograph=False)
        with self.tf.device(self.projection.device):  # the choice of a device is a thread's own
            return self.compiled[begins](vectors, rows, sizes, *([] if begins else [state]))

    def steps(self, vectors: Any, rows: Any, sizes: Any, state: list | None = None) -> list:  # noqa: ANN401
        tf, count = self.tf, self.tf.shape(sizes)[0]
        gates, rows = self._enter(vectors), tf.pad(rows, [[0, 1]])
        array = lambda width: tf.TensorArray(  # noqa: E731
            tf.float32, count, element_shape=[None, width], infer_shape=False
        )
        memory, width = self.projection.shape
        out, ended = array(width), [array(memory), array(width)]

        def step(t: Any, start: Any, before: Any, state: list | None, out: Any, ended: list) -> list:  # noqa: ANN401
            texts = sizes[t]
            computed = tf.maximum(texts, LEAST)  # a second row is computed, and forgotten, where there is one
            here = slice(start, start + computed)  # the packed rows of this step
            # W x + b of the texts that have a word at this step, [texts, D + IDLE] each
            entered = [tf.gather(g, rows[here]) if self.from_words else g[here] for g in gates]
            if state is None:
                before, new = computed, self._cell(entered, None)
            else:
                # texts that ended at the step before leave with their state
                ended = [a.write(count - 1 - t, s[texts:before]) for a, s in zip(ended, state, strict=True)]
                before, new = texts, self._cell(entered, [s[:computed] for s in state])
            return [t + 1, start + texts, before, new, out.write(t, new[1][:texts]), ended]

        if state is None:
            ended = [a.write(count - 1, tf.zeros([0, size])) for a, size in zip(ended, (memory, width), strict=True)]
            begun = step(0, 0, 0, None, out, ended)
        else:
            begun = [0, 0, tf.shape(state[0])[0], state, out, ended]
        done = tf.while_loop(lambda t, *_: t < count, step, begun, parallel_iterations=1)
        _, _, before, state, out, ended = done
        return [out.concat(), *(tf.concat([s[:before], a.concat()], 0) for s, a in zip(state, ended, strict=True))]

    def _enter(self, x: Any) -> list:  # noqa: ANN401
        """What the input ``[rows, P]`` gives to each gate, ``[rows + 1, D + IDLE]``; the last will be forgotten."""
        tf, x = self.tf, self.tf.pad(x, [[0, 1], [0, 0]])  # [rows + 1, P]
        # W x + b of each gate, once for a distinct word and out of the loop over steps
        return [tf.nn.bias_add(x @ kernel, bias) for kernel, bias in zip(self.entering, self.bias, strict=True)]

    def _cell(self, gates: list, state: list | None) -> list:
        """From the state ``[texts, D + IDLE]``, ``[texts, P]`` before a word, None for zeros, to the state after it."""
        tf, (most, widest) = self.tf, self.clips
        if state is None:
            i, j, _, o = gates
            memory = tf.sigmoid(i) * tf.tanh(j)  # c = sigmoid(i) * tanh(j), [texts, D + IDLE]: nothing is kept of zeros
        else:
            memory, output = state
            # W x + U h + b of the input, candidate, forget and output gates, [texts, D + IDLE] each
            i, j, f, o = (gate + output @ kernel for gate, kernel in zip(gates, self.returning, strict=True))
            # c' = sigmoid(f) * c + sigmoid(i) * tanh(j); the 1 of sigmoid(f + 1) is in the bias
            memory = tf.sigmoid(f) * memory + tf.sigmoid(i) * tf.tanh(j)
        memory = tf.clip_by_value(memory, -most, most)
        # h' = W_p (sigmoid(o) * tanh(c')), [texts, P], clipped too
        output = (tf.sigmoid(o) * tf.tanh(memory)) @ self.projection
        return [memory, tf.clip_by_value(output, -widest, widest)]
