"""What the encoders have in common that run a transformer over token ids: ``bert`` and ``transformer``.

A text is cut into tokens, between special ones; what is too long is truncated or read in windows; sequences of like
length go through the network together; one vector a text is made of those of its tokens, or each token keeps its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any, Protocol

import numpy as np

from embed.batches import Batches, ranges
from embed.encoders._long_texts import LONG_TEXT, Sequences, join, sequences
from embed.encoders._sentence_folder import SentenceFolder
from embed.encoders._sequence_pooling import ALONE, MODES, pool
from embed.encoders.base import Encoder
from embed.machine import cores, processor_features
from embed.networks.transformer_weights import TransformerWeights
from embed.tokenise import Tokens
from stores.features import Features, PooledFeatures, TokenFeatures
from stores.shared.errors import InputError
from stores.shared.suggest import listing
from stores.shared.tensorflow import on_device

CHOICES = {
    "output": ("pooled", "tokens"),
    "long_text": LONG_TEXT,
    "precision": ("float32", "bfloat16", "float16", "auto"),
}
SHORT = 2000  # tokens of a job that NumPy does sooner than TensorFlow is imported
BUDGET = 3072  # of a batch, in what ``_cost`` counts: what a CPU's caches hold, and no product is faster with more
SHORT_BUDGET = 512  # so that there is a batch for each core
GPU_BUDGET = 65536  # not measured
AT_ONCE = 2  # batches on a CPU: what one does in a single thread, and its waits, are filled by the other


class Tokenizer(Protocol):
    """What cuts texts: ``embed.tokenise.hugging_face.HuggingFaceTokenizer``, and those of ``bert``'s other forms."""

    before: list[int]
    after: list[int]
    unknown: int | None
    truncates_left: bool

    def __call__(self, texts: list[str], starts: bool = False) -> Tokens:
        """The tokens of texts."""

    def prompt_length(self, prompt: str) -> int:
        """How many tokens a pooling without prompts leaves out."""

    def token(self, number: int) -> str:
        """The token of an id, for messages."""


class Network(Protocol):
    """What makes hidden states of ids: ``TransformerNetwork``, ``NumpyNetwork``, and graphs of other engines."""

    depth: int
    width: int
    max_tokens: int
    vocabulary: int | None
    on_gpu: bool

    def compile(self, layers: list[int], pooler: bool = False) -> Callable[[np.ndarray, np.ndarray], list]:
        """See ``embed.networks.transformer.TransformerNetwork.compile``."""


@dataclass(frozen=True)
class Way:
    """How batches go through a network."""

    run: Callable[[np.ndarray, np.ndarray], list]
    batches: Batches
    around: Callable[[], AbstractContextManager] = nullcontext  # all batches
    within: Callable[[], AbstractContextManager] = nullcontext  # each batch, in a thread of its own


class Networks:
    """The network of some weights, made when it is needed: in NumPy for short jobs, else in TensorFlow.

    Args:
        weights: the weights.
        precision: of the matrix products; NumPy has float32 alone.
        made: the TensorFlow network, where there is one already.
    """

    def __init__(self, weights: TransformerWeights, precision: str, made: Network | None = None) -> None:
        self._weights, self._precision, self._made = weights, precision, made
        self.short = precision == "float32" and made is None
        self.depth, self.width, self.max_tokens = len(weights.layers), weights.width, weights.max_tokens
        self.vocabulary: int | None = len(weights.words)
        self.tensorflow = True

    def get(self, short: bool) -> Network:
        """The network; ``short``: whether it is in NumPy."""
        if short:
            from embed.networks.transformer_numpy import NumpyNetwork

            return NumpyNetwork(self._weights)
        from embed.networks.transformer import TransformerNetwork

        return self._made or TransformerNetwork(self._weights, self._precision)


class OneNetwork:
    """A network that there is in one form alone; ``tensorflow``: whether that is TensorFlow's."""

    short = False

    def __init__(self, network: Network, tensorflow: bool = True) -> None:
        self._network, self.tensorflow = network, tensorflow
        self.depth, self.width = network.depth, network.width
        self.max_tokens, self.vocabulary = network.max_tokens, network.vocabulary

    def get(self, short: bool) -> Network:
        """It."""
        return self._network


class SequenceEncoder(Encoder):
    """An encoder of which a subclass says what the model is, see ``open`` and ``identity``.

    Attributes:
        pooling: the modes that are joined, or one of ``ALONE``; of tokens ``("first",)`` or ``()``.
        precision: of the matrix products, with ``auto`` resolved.
        folder: what the model's folder says beside the network.
        prompt: what is put before every text.
        dims: columns that are kept of pooled vectors; None: all.
    """

    folder: SentenceFolder
    prompt: str = ""
    _default_prompt = False  # whether nobody asked for it
    dims: int | None = None

    def configure(
        self,
        output: str,
        pooling: str | None,
        layer: str,
        max_tokens: int | None,
        long_text: str,
        precision: str,
        device: str | None,
    ) -> None:
        """Check and keep the options that all such encoders have; ``folder`` is known already."""
        for option, value in (("output", output), ("long_text", long_text), ("precision", precision)):
            self.check(option, value, CHOICES[option])
        self.kind, self.long_text, self.device = output, long_text, device
        self.pooling = self._pooling(pooling)
        self._layer = _layers(self.name, layer, self.pooling)
        if max_tokens is not None and max_tokens < 3:
            raise InputError(f"{self.name}: `max_tokens={max_tokens}` leaves no piece between special tokens; give 3")
        self.max_tokens = max_tokens
        self._asked, self.precision = precision, usual_precision(device) if precision == "auto" else precision
        self.part_rows = 2048 if output == "pooled" else 256
        self._ways: dict[bool, Way] = {}

    def pinned(self) -> dict:
        """The precision that ``auto`` came to on this machine."""
        return {"precision": self.precision} if self._asked == "auto" else {}

    def check(self, option: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
        """``InputError`` if an option has a value that is not allowed."""
        if value not in allowed:
            choices = listing(value, filter(None, allowed))
            raise InputError(f"{self.name}: `{option}={value!r}` does not exist, choose one of: {choices}")

    def _pooling(self, pooling: str | None) -> tuple[str, ...]:
        if self.kind == "tokens":
            if pooling not in ("first", None):
                raise InputError(
                    f"{self.name}: `pooling={pooling!r}` does not exist for output tokens, choose one of: first"
                )
            return ("first",) if pooling else ()
        modes = tuple(pooling.split("+")) if pooling else self.folder.pooling or ("mean",)
        joined = set(modes) <= set(MODES) and len(set(modes)) == len(modes)
        if not joined and (len(modes) > 1 or modes[0] not in ALONE):
            raise InputError(
                f"{self.name}: `pooling={pooling!r}` does not exist for output pooled, choose one of:"
                f" {', '.join((*MODES, *ALONE))}; several of all but the last two are joined by +"
            )
        return modes

    @abstractmethod
    def open(self) -> tuple[Tokenizer, Networks | OneNetwork]:
        """The tokenizer and the networks of the model; called once, at the first text."""

    @abstractmethod
    def limit(self) -> int | None:
        """Tokens of a text that the model's files allow, special tokens included; None: as many as the network."""

    @cached_property
    def _opened(self) -> tuple[Tokenizer, Networks | OneNetwork]:
        tokenizer, networks = self.open()
        if self.max_tokens and self.max_tokens > networks.max_tokens:
            raise InputError(
                f"{self.name}: `max_tokens={self.max_tokens}`: the model has positions for {networks.max_tokens}; give"
                " less, or `long_text='window'`"
            )
        self._most = min(self.max_tokens or self.limit() or networks.max_tokens, networks.max_tokens)
        self._special = len(tokenizer.before) + len(tokenizer.after)
        if self._most <= self._special:
            raise InputError(f"{self.name}: a limit of {self._most} tokens leaves none between special tokens")
        self._numbers = self._resolved_layers(networks.depth)
        single = self.pooling == ("last4",) or len(self._numbers) == 1
        self._names = [self.kind] if single else [f"layer{number:02}" for number in self._numbers]
        if self.kind == "pooled":
            self._check_width(networks.width * len(self.pooling))
        if self.prompt and self._default_prompt:
            self.reporter.note(
                f"{self.name}: {self.prompt!r} stands before each text, as the model asks; `prompt=''` leaves it out"
            )
        self._skip = 0 if self.folder.include_prompt else tokenizer.prompt_length(self.prompt)
        return tokenizer, networks

    def _check_width(self, width: int) -> None:
        """``InputError`` if pooled vectors do not fit the folder's modules, or are narrower than ``dims``."""
        for module in self.folder.modules:
            if module.width not in (None, width):
                raise InputError(
                    f"{self.name}: the model's {module.name} takes {module.width} columns, and pooling"
                    f" {'+'.join(self.pooling)} gives {width}; leave out `pooling`"
                )
            width = module.makes or width
        if self.dims and self.dims > width:
            raise InputError(f"{self.name}: `dims={self.dims}`: the vectors have {width} columns; give fewer")

    def _resolved_layers(self, depth: int) -> list[int]:
        wanted = [-4, -3, -2, -1] if self.pooling == ("last4",) else self._layer
        numbers = [layer + depth + 1 if layer < 0 else layer for layer in wanted]
        if not all(0 <= number <= depth for number in numbers):
            shown = ",".join(map(str, wanted))
            raise InputError(f"{self.name}: `layer='{shown}'`: the model has layers 0 to {depth}")
        return numbers

    def encode(self, texts: list[str]) -> Features:
        """Float32: pooled ``[n, H]`` or tokens ``[sum T, H]``, without special tokens.

        Counts: tokens, of these unknown, of these cut off. A text without tokens has the vector of its special tokens.
        """
        tokenizer, networks = self._opened
        tokens = tokenizer([self.prompt + text for text in texts] if self.prompt else texts, "first" in self.pooling)
        self._check_ids(tokens, tokenizer, networks.vocabulary)
        lengths = np.diff(tokens.offsets)
        most = self._most - self._special
        parts = sequences(lengths, most, "tail" if tokenizer.truncates_left else self.long_text)
        read = np.minimum(lengths, most) if self.long_text != "window" else lengths
        counts = np.stack([lengths, _unknown(tokens, tokenizer.unknown), lengths - read], 1).astype(np.int32)
        short = networks.short and self.device in (None, "cpu") and parts.length.sum() < SHORT
        way = self._way(short)
        with way.around():
            if self.kind == "pooled":
                return PooledFeatures(self._pooled(way, tokens, parts, read), counts)
            outputs, offsets = self._tokens(way, tokens, parts, read)
            return TokenFeatures(outputs, counts, offsets)

    def _check_ids(self, tokens: Tokens, tokenizer: Tokenizer, vocabulary: int | None) -> None:
        """TensorFlow on a GPU takes zeros for a word that it has not, in silence."""
        largest = int(tokens.ids.max(initial=0))
        if vocabulary is not None and largest >= vocabulary:
            raise InputError(
                f"{self.folder.network}: its tokenizer gives {tokenizer.token(largest)!r} the id {largest}, and its"
                f" weights have words 0 to {vocabulary - 1}; tokenizer and weights are of different models"
            )

    def _way(self, short: bool) -> Way:
        if short not in self._ways:
            networks = self._opened[1]
            place = partial(on_device, self.device) if networks.tensorflow and not short else nullcontext
            with place():
                network = networks.get(short)
                run = network.compile(self._numbers, self.pooling == ("pooler",))
            if not short and isinstance(networks, Networks):
                self._advise(network)
            if short:
                from threadpoolctl import threadpool_limits

                # of small products on a busy machine, several threads wait for each other most of the time
                batches = Batches(SHORT_BUDGET, _cost, max(1, int(cores())))
                self._ways[short] = Way(run, batches, partial(threadpool_limits, 1, "blas"))
            else:
                at_once = 1 if network.on_gpu else getattr(network, "at_once", AT_ONCE)
                budget = GPU_BUDGET if network.on_gpu else getattr(network, "budget", BUDGET)
                self._ways[short] = Way(run, Batches(budget, _cost, at_once), place, place)
        return self._ways[short]

    def _advise(self, network: Network) -> None:
        """What another precision would gain on a processor that has it; measured with MiniLM on 300 SMS."""
        if self._asked == "float32" and not network.on_gpu and multiplies_bfloat16():
            self.reporter.note(
                f"{self.name}: this processor multiplies bfloat16 natively; `precision='auto'` would take it: about 1.6"
                " times as fast, at a cosine error below 1e-4"
            )

    def _vectors(self, way: Way, tokens: Tokens, parts: Sequences) -> Iterator[tuple[np.ndarray, list]]:
        """The sequences of each batch, longest first, and their states layer by layer, or vectors by layer and mode."""
        before, after = (np.array(ids, np.int32) for ids in (self._opened[0].before, self._opened[0].after))
        ids = tokens.ids[np.repeat(tokens.offsets[:-1][parts.text], parts.length) + parts.places()]
        starts = np.cumsum(parts.length) - parts.length
        first = np.concatenate([[True], parts.text[1:] != parts.text[:-1]])  # the prompt is in the first window

        def work(rows: np.ndarray) -> list:
            length = parts.length[rows] + self._special
            begins = np.cumsum(length) - length
            flat = np.empty(length.sum(), np.int32)
            inner = ranges(begins + len(before), parts.length[rows])
            flat[ranges(begins, np.full(len(rows), len(before)))] = np.tile(before, len(rows))
            flat[inner] = ids[ranges(starts[rows], parts.length[rows])]
            flat[ranges(begins + length - len(after), np.full(len(rows), len(after)))] = np.tile(after, len(rows))
            with way.within():
                found = [np.asarray(values) for values in way.run(flat, length.astype(np.int32))]
            if self.kind == "tokens":
                return [values[inner] for values in found]
            if self.pooling == ("pooler",):
                return [[values] for values in found]
            if self.pooling == ("last4",):
                return [pool(np.mean(found, 0), length, ("mean",), np.zeros_like(length))]
            skip = np.where(first[rows], self._skip, 0)
            return [pool(values, length, self.pooling, skip) for values in found]

        yield from way.batches.run(parts.length + self._special, work, self.reporter)

    def _pooled(self, way: Way, tokens: Tokens, parts: Sequences, read: np.ndarray) -> dict[str, np.ndarray]:
        shape = (len(parts.text), self._opened[1].width)
        made = {name: [np.zeros(shape, np.float32) for _ in self.pooling] for name in self._names}
        for rows, found in self._vectors(way, tokens, parts):
            for name, modes in zip(self._names, found, strict=True):
                for whole, values in zip(made[name], modes, strict=True):
                    whole[rows] = values
        weight, outputs = parts.length + self._special, {}
        for name, modes in made.items():
            joined = [join(v, parts, len(read), mode, weight) for v, mode in zip(modes, self.pooling, strict=True)]
            outputs[name] = self._finish(np.hstack(joined))
        return outputs

    def _finish(self, vectors: np.ndarray) -> np.ndarray:
        """What the folder does with pooled vectors, and their first columns."""
        for module in self.folder.modules:
            vectors = module.apply(vectors)
        return np.ascontiguousarray(vectors[:, : self.dims], np.float32)

    def _tokens(
        self, way: Way, tokens: Tokens, parts: Sequences, read: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of a token that two windows share, the vector is that of the window in which it is farther from the end."""
        offsets = np.concatenate([[0], np.cumsum(read)])
        outputs = {name: np.zeros((offsets[-1], self._opened[1].width), np.float32) for name in self._names}
        places = parts.places() if self.long_text == "window" else ranges(np.zeros_like(parts.length), parts.length)
        target = np.repeat(offsets[:-1][parts.text], parts.length) + places
        own = parts.own()
        starts = np.cumsum(parts.length) - parts.length
        for rows, found in self._vectors(way, tokens, parts):
            some = ranges(starts[rows], parts.length[rows])
            for name, values in zip(self._names, found, strict=True):
                outputs[name][target[some][own[some]]] = values[own[some]]
        if "first" not in self.pooling:
            return outputs, offsets
        if tokens.starts is None:
            raise InputError(
                f"{self.name}: `pooling='first'`: the preprocessor does not tell where words begin; leave it out"
            )
        kept = np.ones(offsets[-1], bool)
        kept[target] = tokens.starts[np.repeat(tokens.offsets[:-1][parts.text], parts.length) + parts.places()]
        before = np.concatenate([[0], np.cumsum(kept)])
        return {name: values[kept] for name, values in outputs.items()}, before[offsets]


def usual_precision(device: str | None) -> str:
    """What ``auto`` means: bfloat16 where the processor, or an NVIDIA GPU of ``device``, multiplies it natively."""
    on_gpu = (device or "").lower().startswith("gpu")
    return "bfloat16" if on_gpu or multiplies_bfloat16() else "float32"


def multiplies_bfloat16() -> bool:
    """Whether the processor has products of bfloat16."""
    features = processor_features() or {}
    return bool(features.get("avx512_bf16") or features.get("amx_bf16"))


def _cost(texts: int, longest: int) -> int:
    """Padded tokens, and the scores of attention: 2,048 tokens of 1 or 1,024 of 128 cost as much."""
    return texts * longest * (128 + longest) // 128


def _layers(name: str, layer: str, pooling: tuple[str, ...]) -> list[int]:
    try:
        layers = [int(number) for number in str(layer).split(",")]
    except ValueError:
        raise InputError(f"{name}: `layer={layer!r}` is no number; give it as -2, or several as -1,-2,-3,-4") from None
    if pooling in (("pooler",), ("last4",)) and layers != [-1]:
        raise InputError(
            f"{name}: `pooling={pooling[0]!r}` is of the last layers, not of `layer={layer!r}`; leave out one of them"
        )
    return layers


def _unknown(tokens: Tokens, unknown: int | None) -> np.ndarray:
    """How many tokens of each text are the unknown one."""
    before = np.concatenate([[0], np.cumsum(tokens.ids == unknown)])
    return np.diff(before[tokens.offsets])


def identity_of(encoder: SequenceEncoder, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
    """The part of an identity that all such encoders have: what is done with tokens and states, resolved."""
    pooled = encoder.kind == "pooled"
    found: dict[str, Any] = {
        "encoder": encoder.name,
        **more,
        "output": encoder.kind,
        "pooling": "+".join(encoder.pooling) or None,
        "modules": [module.name for module in encoder.folder.modules] if pooled else [],
        "long_text": encoder.long_text,
        "prompt": encoder.prompt,
        "precision": encoder.precision,
    }
    if encoder.prompt and pooled:
        found["include_prompt"] = encoder.folder.include_prompt
    if encoder.dims and pooled:
        found["dims"] = encoder.dims
    return found
