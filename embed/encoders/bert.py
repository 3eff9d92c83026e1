"""``bert``: text by Bidirectional Encoder Representations from Transformers (Devlin et al. 2018, "BERT").

https://arxiv.org/abs/1810.04805. All published forms are taken: TF-Hub encoders of both generations, with the
preprocessor where one is given; Google's checkpoints; folders of Hugging Face and of sentence-transformers, whose
pooling and length limit are read. Other TF-Hub encoders that come with a preprocessor (ALBERT, ELECTRA, ...) run by
their own graph.

A text is cut into word pieces, between ``[CLS]`` and ``[SEP]``. Its vector is made of those of its tokens, these two
included, as ``pooling`` says:

==========  ============================================================================
``mean``    of all tokens
``max``     of each column over all tokens
``cls``     that of ``[CLS]``
``pooler``  of ``[CLS]`` after the dense layer that was trained to see which sentence follows
``last4``   the mean of all tokens in the last four layers
==========  ============================================================================

Vectors are not normalised, unless the model is a sentence-transformers folder that does so (its ``modules.json`` names
``Normalize``): then pooled vectors have length 1, as there. The vector of a text depends on that text alone: no
arithmetic is spent on padding, and none leaks in. A text without any piece (empty, or white space) has zeros.
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from embed.batches import Batches, ranges
from embed.encoders._bert_formats import Bert, open_bert, sentence_model
from embed.encoders._long_texts import LONG_TEXT, Sequences, join, sequences
from embed.encoders.base import Encoder, Published
from embed.models.cache import weights_digest
from embed.models.resolve import resolve
from embed.networks.bert import BertNetwork
from embed.tokenise.wordpiece import WordPieces
from stores.features import Features, PooledFeatures, TokenFeatures
from stores.shared.errors import InputError
from stores.shared.tensorflow import on_device

VERSION = 1  # raise it whenever the same text, weights and options give another vector
HUB = "https://tfhub.dev/tensorflow/"
SHORT = {
    "large": f"{HUB}bert_en_cased_L-24_H-1024_A-16/4",
    "large-uncased": f"{HUB}bert_en_uncased_L-24_H-1024_A-16/4",
    "base": f"{HUB}bert_en_cased_L-12_H-768_A-12/4",
    "base-uncased": f"{HUB}bert_en_uncased_L-12_H-768_A-12/4",
    "multilingual": f"{HUB}bert_multi_cased_L-12_H-768_A-12/4",
    "small": f"{HUB}small_bert/bert_en_uncased_L-4_H-512_A-8/2",
    "tiny": f"{HUB}small_bert/bert_en_uncased_L-2_H-128_A-2/2",
}
CHOICES = {
    "output": ("pooled", "tokens"),
    "long_text": LONG_TEXT,
    "precision": ("float32", "bfloat16", "float16"),
    "casing": ("cased", "uncased", None),
}
POOLINGS = {"pooled": ("mean", "cls", "max", "pooler", "last4", None), "tokens": ("first", None)}
BUDGET = 3072  # of a batch, in what ``_cost`` counts: what a CPU's caches hold, and no product is faster with more
GPU_BUDGET = 65536  # not measured
AT_ONCE = 2  # batches on a CPU: what one does in a single thread, and its waits, are filled by the other


class BertEncoder(Encoder):
    """BERT's vectors of texts, or of their word pieces; see the module.

    Args:
        model: TF-Hub handle, ``large``, ``base``, ``small``, ``tiny``, ... (see ``SHORT``), folder or archive.
        preprocessor: TF-Hub handle or folder of a preprocessor module; None: the model's own vocabulary.
        casing: ``cased`` or ``uncased``; None: as the model says it, else as its name and vocabulary look.
        output: ``pooled`` or ``tokens``.
        pooling: of pooled: see the module; None: as a sentence-transformers folder says, else ``mean``. Of tokens:
            ``first``, the first piece of each word; None: all pieces.
        layer: 0 (the embeddings) to the last, or from the end, -1 the last; several with commas, side by side.
        max_tokens: most tokens of a text with ``[CLS]`` and ``[SEP]``; None: the model's own limit.
        long_text: what is read of longer texts: ``truncate``, the beginning; ``window``, all in windows that share a
            quarter, whose vectors are averaged by their tokens (``max``: the largest); ``head-tail``, a quarter from
            the beginning and the rest from the end.
        precision: ``float32``, ``bfloat16`` or ``float16`` of the matrix products.
        device: ``cpu``, ``gpu`` or ``gpu:1``; None: TensorFlow's choice.

    Raises:
        InputError: an option has no such value, or there is no such model.
        FailureError: the model is not to be had.
    """

    name = "bert"
    needs = ("tensorflow", "tensorflow-text")
    published = Published(SHORT["large"], "1.3 GB", "Apache-2.0", "Google on TF-Hub and Kaggle")

    def __init__(
        self,
        model: str = published.model,
        preprocessor: str | None = None,
        casing: str | None = None,
        output: str = "pooled",
        pooling: str | None = None,
        layer: str = "-1",
        max_tokens: int | None = None,
        long_text: str = "truncate",
        precision: str = "float32",
        device: str | None = None,
    ) -> None:
        given = {"output": output, "long_text": long_text, "precision": precision, "casing": casing}
        choices = CHOICES | {"pooling": POOLINGS.get(output, ())}
        for option, value in (given | {"pooling": pooling}).items():
            if value not in choices[option]:
                there = ", ".join(filter(None, choices[option]))
                raise InputError(
                    f"bert: `{option}={value!r}` does not exist for output {output}, choose one of: {there}"
                )
        if max_tokens is not None and max_tokens < 3:
            raise InputError(f"bert: `max_tokens={max_tokens}` leaves no piece between [CLS] and [SEP]; give 3 or more")
        self.kind, self.layer, self.max_tokens, self.long_text = output, _layers(layer, pooling), max_tokens, long_text
        self.casing, self.precision, self.device = casing, precision, device
        self.part_rows = 2048 if output == "pooled" else 256
        self._path = resolve(SHORT.get(model, model))
        self._preprocessor = resolve(preprocessor) if preprocessor else None
        self._sentences = sentence_model(self._path)
        self.pooling = pooling or (None if output == "tokens" else self._sentences.pooling or "mean")
        self._bert: Bert | None = None  # opened at the first text

    def identity(self) -> dict:
        """Name, version, digests of model and preprocessor, and all options but the device."""
        return {
            "encoder": self.name,
            "version": VERSION,
            "weights": weights_digest(self._path),
            "preprocessor": weights_digest(self._preprocessor) if self._preprocessor else None,
            "casing": self.casing,
            "output": self.kind,
            "pooling": self.pooling,
            "normalised": self._normalises(),
            "layer": ",".join(map(str, self.layer)),
            "max_tokens": self.max_tokens,
            "long_text": self.long_text,
            "precision": self.precision,
        }

    def encode(self, texts: list[str]) -> Features:
        """Float32: pooled ``[n, H]`` or tokens ``[sum T, H]``, without ``[CLS]`` and ``[SEP]``.

        Counts: word pieces, of these ``[UNK]``, of these cut off.
        """
        with on_device(self.device):
            if self._bert is None:
                self._open()
            pieces = self._bert.pieces(texts)
            lengths = np.diff(pieces.offsets)
            parts = sequences(lengths, self._most - 2, self.long_text)
            read = np.minimum(lengths, self._most - 2) if self.long_text != "window" else lengths
            counts = np.stack([lengths, _unknown(pieces, self._bert.pieces.unknown), lengths - read], 1)
            make = self._tokens if self.kind == "tokens" else self._pooled
            outputs, offsets = make(pieces, parts, read)
        if self.kind == "pooled":
            return PooledFeatures(outputs, counts.astype(np.int32))
        return TokenFeatures(outputs, counts.astype(np.int32), offsets)

    def _normalises(self) -> bool:
        return self._sentences.normalises and self.kind == "pooled"

    def _open(self) -> None:
        """Load the model, and settle what depends on its size."""
        lower_case = None if self.casing is None else self.casing == "uncased"
        self._bert = open_bert(self._sentences.folder, self._preprocessor, lower_case, self.precision)
        network = self._bert.network
        self._most = min(self.max_tokens or self._sentences.max_tokens or network.positions, network.positions)
        if self.max_tokens and self.max_tokens > network.positions:
            raise InputError(
                f"bert: `max_tokens={self.max_tokens}`: the model has positions for {network.positions}; give less, or"
                " `long_text='window'`"
            )
        wanted = [-4, -3, -2, -1] if self.pooling == "last4" else self.layer
        numbers = [layer + network.depth + 1 if layer < 0 else layer for layer in wanted]
        if not all(0 <= number <= network.depth for number in numbers):
            raise InputError(f"bert: `layer='{','.join(map(str, wanted))}'`: the model has layers 0 to {network.depth}")
        single = self.pooling == "last4" or len(numbers) == 1
        self._names = [self.kind] if single else [f"layer{number:02}" for number in numbers]
        in_network = {"last4": "mean"}.get(self.pooling, self.pooling) if self.kind == "pooled" else None
        self._run = network.compile(numbers, in_network)
        own_on_cpu = isinstance(network, BertNetwork) and not network.on_gpu
        self._batches = Batches(GPU_BUDGET if network.on_gpu else BUDGET, _cost, AT_ONCE if own_on_cpu else 1)

    def _vectors(self, pieces: WordPieces, parts: Sequences) -> Iterator[tuple[np.ndarray, list[np.ndarray]]]:
        """The sequences of each batch, longest first, and what the network makes of them, layer by layer."""
        special = self._bert.pieces
        ids = pieces.ids[np.repeat(pieces.offsets[:-1][parts.text], parts.length) + parts.places()]
        starts = np.cumsum(parts.length) - parts.length

        def work(rows: np.ndarray) -> list[np.ndarray]:
            length = parts.length[rows] + 2
            ends = np.cumsum(length)
            flat = np.full(ends[-1], special.cls, np.int32)
            inner = ranges(ends - length + 1, length - 2)
            flat[inner] = ids[ranges(starts[rows], length - 2)]
            flat[ends - 1] = special.sep
            with on_device(self.device):  # of this thread
                found = [np.asarray(values) for values in self._run(flat, length.astype(np.int32))]
            if self.pooling == "last4":
                found = [np.mean(found, 0)]
            return [values[inner] for values in found] if self.kind == "tokens" else found

        yield from self._batches.run(parts.length + 2, work)

    def _pooled(self, pieces: WordPieces, parts: Sequences, read: np.ndarray) -> tuple[dict[str, np.ndarray], None]:
        width = self._bert.network.width
        made = {name: np.zeros((len(parts.text), width), np.float32) for name in self._names}
        for rows, found in self._vectors(pieces, parts):
            for name, values in zip(self._names, found, strict=True):
                made[name][rows] = values
        outputs = {name: join(values, parts, len(read), self.pooling) for name, values in made.items()}
        if self._normalises():
            for values in outputs.values():
                values /= np.maximum(np.linalg.norm(values, axis=1, keepdims=True), 1e-12)
        return outputs, None

    def _tokens(
        self, pieces: WordPieces, parts: Sequences, read: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of a piece that two windows share, the vector is that of the window in which it is farther from the end."""
        offsets = np.concatenate([[0], np.cumsum(read)])
        outputs = {name: np.zeros((offsets[-1], self._bert.network.width), np.float32) for name in self._names}
        places = parts.places() if self.long_text == "window" else ranges(np.zeros_like(parts.length), parts.length)
        target = np.repeat(offsets[:-1][parts.text], parts.length) + places
        own = parts.own()
        starts = np.cumsum(parts.length) - parts.length
        for rows, found in self._vectors(pieces, parts):
            some = ranges(starts[rows], parts.length[rows])
            for name, values in zip(self._names, found, strict=True):
                outputs[name][target[some][own[some]]] = values[own[some]]
        if self.pooling != "first":
            return outputs, offsets
        if pieces.starts is None:
            raise InputError("bert: `pooling='first'`: the preprocessor does not tell where words begin; leave it out")
        kept = np.ones(offsets[-1], bool)
        kept[target] = pieces.starts[np.repeat(pieces.offsets[:-1][parts.text], parts.length) + parts.places()]
        before = np.concatenate([[0], np.cumsum(kept)])
        return {name: values[kept] for name, values in outputs.items()}, before[offsets]


def _cost(texts: int, longest: int) -> int:
    """Padded tokens, and the scores of attention: 2,048 tokens of 1 or 1,024 of 128 cost as much."""
    return texts * longest * (128 + longest) // 128


def _layers(layer: str, pooling: str | None) -> list[int]:
    try:
        layers = [int(number) for number in str(layer).split(",")]
    except ValueError:
        raise InputError(f"bert: `layer={layer!r}` is no number; give it as -2, or several as -1,-2,-3,-4") from None
    if pooling in ("pooler", "last4") and layers != [-1]:
        raise InputError(
            f"bert: `pooling={pooling!r}` is of the last layers, not of `layer={layer!r}`; leave out one of them"
        )
    return layers


def _unknown(pieces: WordPieces, unknown: int | None) -> np.ndarray:
    """How many pieces of each text are ``[UNK]``."""
    before = np.concatenate([[0], np.cumsum(pieces.ids == unknown)])
    return np.diff(before[pieces.offsets])
