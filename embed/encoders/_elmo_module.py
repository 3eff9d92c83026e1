"""The general way through ELMo: the published module's own graph, as it is."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from embed.batches import Batches
from embed.hub import load_module
from stores.engine import load_tensorflow
from stores.errors import InputError

OUTPUTS = {"mix": "elmo", "0": "word_emb", "1": "lstm_outputs1", "2": "lstm_outputs2"}
BUDGET = 2048  # padded words: the graph holds all positions of all its filters, 360 KiB a word of the full size
MOST_TEXTS = 128  # modules that keep a state have room for no more than this (bilm-tf) or 1,024 (DeepPavlov)


class ModuleElmo:
    """A TF1 Hub module with the signature ``tokens``, as Google and DeepPavlov publish ELMo.

    A module that goes on from where the call before ended (DeepPavlov's) is set back before every call.

    Raises:
        InputError: if the module cannot be called with words.
    """

    def __init__(self, path: Path) -> None:
        self._tf = load_tensorflow()
        self._path = path
        self._module = load_module(path)
        try:
            self._signature = self._module.signatures["tokens"]
        except (AttributeError, KeyError):
            cure = "--encoder use takes any module that makes one vector of a string"
            raise InputError(f"{path} is no ELMo: it has no signature 'tokens'; {cure}") from None
        self.batches = Batches(BUDGET, lambda texts, longest: texts * max(longest, BUDGET // MOST_TEXTS))
        self._keeps_state = False
        first, second = (self([[b"state"]], ["mix"])["mix"] for _ in range(2))
        self._keeps_state = not np.array_equal(first, second)
        self.width = first.shape[1]

    def __call__(self, texts: Sequence[Sequence[bytes]], wanted: Sequence[str]) -> dict[str, np.ndarray]:
        """What is wanted of ``OUTPUTS``, each float32 ``[sum T, width]``, of texts that are not empty."""
        tf, lengths = self._tf, np.array([len(words) for words in texts])
        if self._keeps_state:
            self._module.restore(str(self._path / "variables" / "variables"))
        padded = [[*words, *[b""] * (lengths.max() - len(words))] for words in texts]
        result = self._signature(tokens=tf.constant(padded), sequence_len=tf.constant(lengths, tf.int32))
        if lack := [OUTPUTS[name] for name in wanted if OUTPUTS[name] not in result]:
            raise InputError(f"{self._path} does not give {', '.join(lack)}; it gives {', '.join(sorted(result))}")
        words = np.arange(lengths.max()) < lengths[:, None]
        found = {name: result[OUTPUTS[name]].numpy()[words] for name in wanted}
        if "0" in found:  # published half as wide as the layers it is mixed with
            found["0"] = np.tile(found["0"], 2)
        return found
