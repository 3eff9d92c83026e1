"""Words by themselves: convolutions over the characters of a word, highway layers, a projection.

Jozefowicz et al. 2016, "Exploring the Limits of Language Modeling", section 3.3. ``E`` is the width of a character,
``F`` that of all filters together, ``P`` that of a word.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import numpy as np

from stores.shared.tensorflow import load_tensorflow

BEGIN, END = 257, 258  # sentence marks: words that are made of one character which no text has
WORD_BEGIN, WORD_END, PADDING = 259, 260, 261  # a byte b of UTF-8 is the character b + 1; 0 is no word
CHARACTERS = 50  # of a word, its begin and end included
LEAST = 128  # words that are computed together: for fewer, other kernels are used, whose sums round otherwise


@dataclass(frozen=True)
class CharacterWeights:
    """What makes a vector of a word; all arrays float32.

    Attributes:
        embedding: ``[262, E]``.
        filters: for each width ``w`` of a filter: kernel ``[w, E, n]``, bias ``[n]``; the ``n`` sum up to ``F``.
        activation: after the maximum over the positions: ``relu`` or ``tanh``.
        highways: for each highway layer: carry kernel ``[F, F]`` and bias ``[F]``, transform kernel and bias.
        projection: kernel ``[F, P]`` and bias ``[P]``.
    """

    embedding: np.ndarray
    filters: list[tuple[np.ndarray, np.ndarray]]
    activation: str
    highways: list[tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]]
    projection: tuple[np.ndarray, np.ndarray]


def spell(words: Sequence[bytes | int], width: int) -> np.ndarray:
    """Characters of words as numbers, int32 ``[n, width]``; words are cut so that begin and end marks fit.

    Args:
        words: each in UTF-8, or ``BEGIN`` or ``END``.
        width: at most ``CHARACTERS``.
    """
    ids = np.full((len(words), width), PADDING, np.int32)
    ids[:, 0] = WORD_BEGIN
    for row, word in zip(ids, words, strict=True):
        if isinstance(word, int):
            row[1:3] = word, WORD_END
        else:
            letters = np.frombuffer(word, np.uint8, min(len(word), width - 2))
            row[1 : len(letters) + 1] = letters
            row[1 : len(letters) + 1] += 1
            row[len(letters) + 1] = WORD_END
    return ids


class CharacterCNN:
    """Vectors of words by themselves: convolutions over their characters, highway layers, a projection."""

    def __init__(self, weights: CharacterWeights) -> None:
        self._tf = load_tensorflow()
        self._widest = max(len(kernel) for kernel, _ in weights.filters)
        self._run = _compile_characters(self._tf, weights)

    def __call__(self, words: Sequence[bytes | int]) -> np.ndarray:
        """Float32 ``[n, P]`` of ``n`` words in UTF-8 (or ``BEGIN``, ``END``)."""
        # windows over nothing but padding are all the same: one is enough, so short words need no 50 characters
        longest = max((1 if isinstance(word, int) else len(word)) for word in words)
        ids = spell(words, min(CHARACTERS, longest + 2 + self._widest))
        ids = np.pad(ids, ((0, max(0, LEAST - len(words))), (0, 0)), mode="edge")
        return self._run(ids).numpy()[: len(words)]


def _compile_characters(tf: ModuleType, weights: CharacterWeights) -> Callable:
    """int32 ``[n, characters]`` -> float32 ``[n, P]``."""
    embedding = tf.constant(weights.embedding)
    filters = [(tf.constant(kernel), tf.constant(bias)) for kernel, bias in weights.filters]
    highways = [[tf.constant(array) for array in highway] for highway in weights.highways]
    projection, projection_bias = map(tf.constant, weights.projection)
    activation = {"relu": tf.nn.relu, "tanh": tf.tanh}[weights.activation]

    def run(ids: Any) -> Any:  # noqa: ANN401
        spelled = tf.gather(embedding, ids)  # [n, characters, E]: the vector of each character
        # max over t of (W * x)_t + b, [n, filters] for each width of filter:
        # the largest before bias and activation, which keep the order, so that these see one position instead of all
        best = [tf.reduce_max(tf.nn.conv1d(spelled, kernel, 1, "VALID"), 1) + bias for kernel, bias in filters]
        hidden = activation(tf.concat(best, 1))  # f(max + b) of all filters side by side, [n, F]
        for carry, carry_bias, transform, transform_bias in highways:
            gate = tf.sigmoid(hidden @ carry + carry_bias)  # g = sigmoid(W_g h + b_g), [n, F]
            # h' = g * relu(W_h h + b_h) + (1 - g) * h, [n, F]
            hidden = gate * tf.nn.relu(hidden @ transform + transform_bias) + (1 - gate) * hidden
        return hidden @ projection + projection_bias  # [n, P]

    return tf.function(run, input_signature=[tf.TensorSpec([None, None], tf.int32)], autograph=False)
