"""ELMo: words of texts in, layers out.

Word vectors do not depend on the context: they are computed once a distinct word, and kept for the next texts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from embed.networks.bilm import BiLM, BiLMWeights
from embed.networks.char_cnn import BEGIN, CHARACTERS, END, CharacterCNN, CharacterWeights

VERSION = 1  # raise it whenever the same words and weights give other layers
KEPT = 1 << 16  # words whose vectors are kept: 128 MiB of 512 floats
SLICE = 512  # words whose convolutions are in memory at once: 180 MiB if they are long


@dataclass(frozen=True)
class ElmoWeights:
    """All weights of one ELMo.

    Attributes:
        characters: of the words by themselves.
        bilm: of the words in context.
        mix: float32 ``[layers + 1]``, what each layer counts in the mix of all; scaling included.
    """

    characters: CharacterWeights
    bilm: BiLMWeights
    mix: np.ndarray


class Elmo:
    """The whole network.

    Attributes:
        marks: whether the LSTMs read a mark before the first word of a text and one after its last.
        mix: what each layer counts in the published mix, float32 ``[layers + 1]``.
        width: ``2 P``, of every layer.
        on_gpu: whether its weights lie on a GPU.
    """

    def __init__(self, weights: ElmoWeights, marks: bool = True) -> None:
        self.marks, self.mix = marks, weights.mix
        self.width = 2 * weights.bilm.directions[0][0].projection.shape[1]
        self._vectors = WordVectors(weights.characters)
        self._bilm = BiLM(weights.bilm)
        self.on_gpu = self._bilm.on_gpu

    def __call__(
        self, texts: Sequence[Sequence[bytes]], states: list | None = None, shares: np.ndarray | None = None
    ) -> tuple[list[np.ndarray], list]:
        """Sums of the layers at every word of some texts, at least one, none of them empty; see ``BiLM``.

        Args:
            texts: the words of each text in UTF-8.
            states: what an earlier call with as many texts returned, to go on from there; else each text by itself.
            shares: float32 ``[sums, layers + 1]``, what each layer counts in each sum; None: every layer by itself.

        Returns:
            The sums, each float32 ``[sum T, 2 P]``, and the states.
        """
        if self.marks:
            texts = [[BEGIN, *words, END] for words in texts]  # type: ignore[list-item]  # numbers of their own
        # each distinct word is spelled and convolved once: ids [sum T] point into vectors [V, P]
        index: dict[bytes | int, int] = {}
        ids = np.array([index.setdefault(word, len(index)) for words in texts for word in words])
        lengths = np.fromiter(map(len, texts), np.int64, len(texts))
        sums, states = self._bilm(self._vectors(list(index)), ids, lengths, states, shares)
        if self.marks:  # the marks have been read, and are no words of the text
            ends = np.cumsum(lengths)
            sums = [np.delete(each, [*(ends - lengths), *(ends - 1)], axis=0) for each in sums]
        return sums, states


class WordVectors:
    """Vectors of words by themselves, from memory where they are known."""

    def __init__(self, weights: CharacterWeights) -> None:
        self._cnn = CharacterCNN(weights)
        self._known: dict[bytes | int, np.ndarray] = {}

    def __call__(self, words: Sequence[bytes | int]) -> np.ndarray:
        """Float32 ``[n, P]``; words that begin with the same 48 bytes have the same vector."""
        words = [word if isinstance(word, int) else word[: CHARACTERS - 2] for word in words]
        new = list(dict.fromkeys(word for word in words if word not in self._known))
        if len(self._known) + len(new) > KEPT:
            self._known.clear()
            new = list(dict.fromkeys(words))
        # those of like length together: the convolutions stop soon after the longest word of a slice
        new.sort(key=lambda word: 1 if isinstance(word, int) else len(word))
        for start in range(0, len(new), SLICE):
            some = new[start : start + SLICE]
            self._known.update(zip(some, self._cnn(some), strict=True))
        return np.stack([self._known[word] for word in words])
