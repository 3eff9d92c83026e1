"""``elmo``: words in context, by the bidirectional language model of Peters et al. 2018.

"Deep contextualized word representations", https://arxiv.org/abs/1802.05365. Its published forms are TF1 Hub modules
(Google's 1 to 3, DeepPavlov's) and AllenNLP's options and weights in all sizes; all are taken.

A text is cut into words at blanks (U+0020) and nowhere else, as the modules do it; with ``tokenizer="ptb"``
punctuation and clitics are words too, as in the text that ELMo was trained on. A word is its first 48 bytes of UTF-8.

Every word has three layers: ``0``, the word by itself (twice side by side), ``1`` and ``2``, the LSTMs from left to
right, then from right to left. ``mix`` is their weighted sum: with the weights and the scale of a module, all three
equal for AllenNLP, or as ``mix`` says. The mean of DeepPavlov's modules is that before the scale, as they give it.
``all`` gives the three as outputs ``layer0``, ``layer1``, ``layer2``.

The vector of a text depends on that text alone: each text begins with a fresh state, and padding takes no part.
A text of white space alone has no words: zeros.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from pathlib import Path

import numpy as np

from embed.batches import ranges
from embed.encoders._elmo_formats import ModuleElmo, OwnElmo, allennlp_files, combine, digest_of, open_elmo
from embed.encoders._execution import part_size
from embed.encoders.base import Encoder, Published
from embed.networks.elmo import VERSION as NETWORK_VERSION
from embed.tokenise.ptb import VERSION as PTB_VERSION
from embed.tokenise.ptb import words_and_marks
from embed.weights.elmo import gamma_of, mean_before_gamma
from stores.features import Features, PooledFeatures, TokenFeatures
from stores.shared.errors import InputError
from stores.shared.tensorflow import on_device

VERSION = 1  # raise it whenever the same text, weights and options give another vector
LAYERS = ("0", "1", "2")
CHOICES = {
    "layer": ("mix", *LAYERS, "all"),
    "pooling": ("mean", "max", "first", "last"),
    "output": ("pooled", "tokens"),
    "tokenizer": ("blanks", "ptb"),
}


class ElmoEncoder(Encoder):
    """ELMo's vectors of texts, or of all their words.

    Args:
        model: TF-Hub handle, folder or archive of a module, or the folder or ``*weights.hdf5`` of AllenNLP.
        layer: ``mix``, the weighted sum of all layers, or ``0``, ``1``, ``2`` or ``all``.
        mix: what each of the three layers counts in the mix, such as ``0.2,0.3,0.5``; None: as published.
        pooling: how the vectors of the words become one: ``mean``, ``max``, ``first`` or ``last``.
        output: ``pooled``, one vector a text, or ``tokens``, one a word.
        tokenizer: ``blanks``, words are what stands between blanks, or ``ptb``, punctuation is words too.
        max_tokens: words of a text beyond these are cut off and counted; None: no limit.
        stateful: each text goes on where the text before ended, as AllenNLP and bilm-tf do it. Its vector depends on
            all texts before it, so it cannot be reused. Only for weights of AllenNLP.
        device: ``cpu``, ``gpu`` or ``gpu:1``; None: TensorFlow's choice.

    Raises:
        InputError: an option has no such value, or there is no such model.
        FailureError: the model is not available.
    """

    name = "elmo"
    needs = ("tensorflow",)
    published = Published("https://tfhub.dev/google/elmo/3", "350 MB", "Apache-2.0", "Google on TF-Hub and Kaggle")

    def __init__(
        self,
        model: str = published.model,
        layer: str = "mix",
        mix: str | None = None,
        pooling: str = "mean",
        output: str = "pooled",
        tokenizer: str = "blanks",
        max_tokens: int | None = None,
        stateful: bool = False,
        device: str | None = None,
    ) -> None:
        given = {"layer": layer, "pooling": pooling, "output": output, "tokenizer": tokenizer}
        for option, value in given.items():
            if value not in CHOICES[option]:
                there = ", ".join(CHOICES[option])
                raise InputError(f"elmo: `{option}={value!r}` does not exist, choose one of: {there}")
        if max_tokens is not None and max_tokens < 1:
            raise InputError(f"elmo: `max_tokens={max_tokens}` leaves no word; give 1 or more")
        self.layer, self.pooling, self.kind, self.tokenizer = layer, pooling, output, tokenizer
        self.mix, self.max_tokens, self.stateful, self.device = _shares(mix, layer), max_tokens, stateful, device
        self.part_rows, self.part_tokens = part_size(device, output == "pooled", (1024, 256))
        self._path = self.resolve(model)
        if stateful and not allennlp_files(self._path):
            raise InputError(f"elmo: only weights of AllenNLP (weights.hdf5) can be `stateful`, not {self._path}")
        self._elmo: OwnElmo | ModuleElmo | None = None  # opened at the first text
        published_mean = (layer, mix, pooling, output) == ("mix", None, "mean", "pooled")
        self._unscaled = published_mean and mean_before_gamma(self._path)

    def weights(self) -> dict[str, tuple[Path, list[str] | None]]:
        """The module, or the files of the weights."""
        return {"model": (self._path, None)}

    def identity(self) -> dict:
        """Name, version, digest of the weights, and all options; of ``pooling`` only where there is any."""
        found = {
            "encoder": self.name,
            "version": VERSION,
            "network": NETWORK_VERSION,
            "weights": digest_of(self._path),
            "layer": self.layer,
            "mix": self.mix,
            "output": self.kind,
            "pooling": self.pooling if self.kind == "pooled" else None,
            "tokenizer": f"ptb {PTB_VERSION}" if self.tokenizer == "ptb" else self.tokenizer,
            "max_tokens": self.max_tokens,
            "stateful": self.stateful,
        }
        return found | ({"mean": "before gamma"} if self._unscaled else {})

    def encode(self, texts: list[str]) -> Features:
        """Float32: pooled ``[n, D]`` or tokens ``[sum T, D]``; ``D`` is 1,024 in the original size.

        Counts: words, 0, words cut off.
        """
        return self.encode_prepared(self.prepare(texts))

    def prepare(self, texts: list[str]) -> list[list[bytes]]:
        """The words of texts in UTF-8."""
        return [self._words(text) for text in texts]

    def encode_prepared(self, prepared: list[list[bytes]]) -> Features:
        """See ``encode``."""
        words = [some[: self.max_tokens] for some in prepared]
        lengths = np.array([len(some) for some in words], np.int64)
        counts = np.zeros((len(words), 3), np.int32)
        counts[:, 0] = [len(some) for some in prepared]
        counts[:, 2] = counts[:, 0] - lengths
        offsets = np.concatenate([[0], np.cumsum(lengths)])
        with on_device(self.device):
            self._elmo = self._elmo or open_elmo(
                self._path, self.reporter, self.load_module, self.stateful, self.device
            )
            outputs = self._outputs(self._elmo, words, lengths, offsets)
            if self._unscaled:
                outputs = {name: values / np.float32(self._gamma) for name, values in outputs.items()}
        if self.kind == "pooled":
            return PooledFeatures(outputs, counts)
        return TokenFeatures(outputs, counts, offsets)

    @cached_property
    def _gamma(self) -> float:
        return gamma_of(self._path)

    def _outputs(
        self, elmo: OwnElmo | ModuleElmo, words: list[list[bytes]], lengths: np.ndarray, offsets: np.ndarray
    ) -> dict[str, np.ndarray]:
        layers = {f"layer{name}": name for name in LAYERS} if self.layer == "all" else {self.kind: self.layer}
        shape = (len(words) if self.kind == "pooled" else offsets[-1], elmo.width)
        outputs = {name: np.zeros(shape, np.float32) for name in layers}
        for rows, found in self._run(elmo, words, lengths, list(layers.values())):
            for name, values in zip(layers, found, strict=True):
                if self.kind == "pooled":
                    outputs[name][rows] = _pool(values, lengths[rows], self.pooling)
                else:
                    outputs[name][ranges(offsets[rows], lengths[rows])] = values
        return outputs

    def _words(self, text: str) -> list[bytes]:
        if self.tokenizer == "ptb":
            words = words_and_marks(text)
        else:
            words = [word for word in text.split(" ") if word] if text.strip() else []
        return [word.encode("utf-8", "surrogatepass") for word in words]

    def _run(
        self, elmo: OwnElmo | ModuleElmo, words: list[list[bytes]], lengths: np.ndarray, names: list[str]
    ) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """The rows of each batch and their layers, float32 ``[sum T, width]`` each."""
        kept = np.flatnonzero(lengths)

        def work(rows: np.ndarray) -> list[np.ndarray]:
            batch = [words[row] for row in kept[rows]]
            found = elmo(batch, LAYERS if self.mix else names)
            if self.mix is None:
                return [found[name] for name in names]
            return [combine([found[name] for name in LAYERS], self.mix)]

        if self.stateful:  # one by one, in their order
            yield from ((kept[row : row + 1], work(np.array([row]))) for row in range(len(kept)))
        else:
            yield from ((kept[rows], layers) for rows, layers in elmo.batches.run(lengths[kept], work, self.reporter))


def _shares(mix: str | None, layer: str) -> list[float] | None:
    if mix is None:
        return None
    if layer != "mix":
        raise InputError(
            f"elmo: `mix={mix!r}` says how layers are mixed, but `layer={layer!r}` is asked for; leave out one"
        )
    try:
        shares = [float(share) for share in mix.split(",")]
    except ValueError:
        shares = []
    if len(shares) != len(LAYERS) or not np.isfinite(shares).all():
        raise InputError(f"elmo: `mix={mix!r}` is not one number for each layer; give it as 0.2,0.3,0.5")
    return shares


def _pool(values: np.ndarray, lengths: np.ndarray, pooling: str) -> np.ndarray:
    """One vector a text, float32 ``[n, D]``, from those of its words ``[sum T, D]``; no text is empty."""
    pool = {
        "first": lambda rows: rows[0],
        "last": lambda rows: rows[-1],
        "max": lambda rows: rows.max(0),
        "mean": lambda rows: rows.mean(0, dtype=np.float64).astype(np.float32),
    }[pooling]
    return np.stack([pool(rows) for rows in np.split(values, np.cumsum(lengths)[:-1])])
