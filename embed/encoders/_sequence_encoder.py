"""What the encoders have in common that run a transformer over token ids: ``bert`` and ``transformer``.

A text is cut into tokens, between special ones; what is too long is truncated or read in windows; sequences of like
length go through the network together; one vector a text is made of those of its tokens, or each token keeps its own.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from embed.batches import ranges
from embed.encoders._execution import (
    SHORT,
    Execution,
    Networks,
    OneNetwork,
    execution,
    part_size,
    usual_precision,
)
from embed.encoders._long_texts import Sequences, between, join, sequences
from embed.encoders._sentence_folder import SentenceFolder
from embed.encoders._sequence_options import CHOICES, check, layer_numbers, pooling_modes
from embed.encoders._sequence_pooling import pool
from embed.encoders.base import Encoder
from embed.machine import multiplies_bfloat16
from embed.tokenise import Tokenizer, Tokens
from stores.features import Features, PooledFeatures, TokenFeatures
from stores.shared.errors import InputError


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
            check(self.name, option, value, CHOICES[option])
        self.kind, self.long_text, self.device = output, long_text, device
        self.pooling = pooling_modes(self.name, output, pooling, self.folder.pooling or ("mean",))
        self._layer = layer_numbers(self.name, layer, self.pooling)
        if max_tokens is not None and max_tokens < 3:
            raise InputError(f"{self.name}: `max_tokens={max_tokens}` leaves no piece between special tokens; give 3")
        self.max_tokens = max_tokens
        self._asked, self.precision = precision, usual_precision(device) if precision == "auto" else precision
        self.part_rows, self.part_tokens = part_size(device, output == "pooled")
        self._executions: dict[bool, Execution] = {}

    def pinned(self) -> dict:
        """The precision that ``auto`` came to on this machine."""
        return {"precision": self.precision} if self._asked == "auto" else {}

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
            self.folder.check_width(self.name, networks.width, self.pooling, self.dims)
        if self.prompt and self._default_prompt:
            self.reporter.note(
                f"{self.name}: {self.prompt!r} stands before each text, as the model asks; `prompt=''` leaves it out"
            )
        self._skip = 0 if self.folder.include_prompt else tokenizer.prompt_length(self.prompt)
        return tokenizer, networks

    def shared_identity(self, **more: Any) -> dict[str, Any]:  # noqa: ANN401 (JSON)
        """The part of an identity that all such encoders have: what is done with tokens and states, resolved."""
        pooled = self.kind == "pooled"
        found: dict[str, Any] = {
            "encoder": self.name,
            **more,
            "output": self.kind,
            "pooling": "+".join(self.pooling) or None,
            "modules": [module.name for module in self.folder.modules] if pooled else [],
            "long_text": self.long_text,
            "prompt": self.prompt,
            "precision": self.precision,
        }
        if self.prompt and pooled:
            found["include_prompt"] = self.folder.include_prompt
        if self.dims and pooled:
            found["dims"] = self.dims
        return found

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
        return self.encode_prepared(self.prepare(texts))

    def prepare(self, texts: list[str]) -> Tokens:
        """The tokens of texts, without special ones."""
        tokenizer, networks = self._opened
        tokens = tokenizer([self.prompt + text for text in texts] if self.prompt else texts, "first" in self.pooling)
        self._check_ids(tokens, tokenizer, networks.vocabulary)
        return tokens

    def encode_prepared(self, prepared: Tokens) -> Features:
        """See ``encode``."""
        tokenizer, networks = self._opened
        tokens = prepared
        lengths = np.diff(tokens.offsets)
        most = self._most - self._special
        parts = sequences(lengths, most, "tail" if tokenizer.truncates_left else self.long_text)
        read = np.minimum(lengths, most) if self.long_text != "window" else lengths
        counts = np.stack([lengths, tokens.count(tokenizer.unknown), lengths - read], 1).astype(np.int32)
        short = networks.short and self.device in (None, "cpu") and parts.length.sum() < SHORT
        run = self._execution(short)
        with run.around():
            if self.kind == "pooled":
                return PooledFeatures(self._pooled(run, tokens, parts, read), counts)
            outputs, offsets = self._tokens(run, tokens, parts, read)
            return TokenFeatures(outputs, counts, offsets)

    def _check_ids(self, tokens: Tokens, tokenizer: Tokenizer, vocabulary: int | None) -> None:
        """TensorFlow on a GPU takes zeros for a word that it has not, in silence."""
        largest = int(tokens.ids.max(initial=0))
        if vocabulary is not None and largest >= vocabulary:
            raise InputError(
                f"{self.folder.network}: its tokenizer gives {tokenizer.token(largest)!r} the id {largest}, and its"
                f" weights have words 0 to {vocabulary - 1}; tokenizer and weights are of different models"
            )

    def _execution(self, short: bool) -> Execution:
        if short not in self._executions:
            networks, pooler = self._opened[1], self.pooling == ("pooler",)
            made = self._executions[short] = execution(networks, short, self._numbers, pooler, self.device)
            if not short and isinstance(networks, Networks):
                self._advise(made.on_gpu)
        return self._executions[short]

    def _advise(self, on_gpu: bool) -> None:
        """What another precision would gain on a processor that has it; measured with MiniLM, without and with AMX."""
        if self._asked == "float32" and not on_gpu and multiplies_bfloat16():
            self.reporter.note(
                f"{self.name}: this processor multiplies bfloat16 natively; `precision='auto'` would take it: 1.6 to 3"
                " times as fast, at a cosine error below 1e-4"
            )

    def _vectors(self, execution: Execution, tokens: Tokens, parts: Sequences) -> Iterator[tuple[np.ndarray, list]]:
        """The sequences of each batch, longest first, and their states layer by layer, or vectors by layer and mode."""
        tokenizer = self._opened[0]
        ids = tokens.ids[np.repeat(tokens.offsets[:-1][parts.text], parts.length) + parts.places()]
        starts = np.cumsum(parts.length) - parts.length
        first = np.concatenate([[True], parts.text[1:] != parts.text[:-1]])  # the prompt is in the first window

        def work(rows: np.ndarray) -> list:
            own = ids[ranges(starts[rows], parts.length[rows])]
            packed, inner, length = between(own, parts.length[rows], tokenizer.before, tokenizer.after)
            with execution.within():
                found = [np.asarray(values) for values in execution.run(packed, length.astype(np.int32))]
            if self.kind == "tokens":
                return [values[inner] for values in found]
            if self.pooling == ("pooler",):
                return [[values] for values in found]
            if self.pooling == ("last4",):
                return [pool(np.mean(found, 0), length, ("mean",), np.zeros_like(length))]
            skip = np.where(first[rows], self._skip, 0)
            return [pool(values, length, self.pooling, skip) for values in found]

        some = np.flatnonzero(parts.length + self._special)  # no state is there of no token: such a vector is zeros
        lengths = parts.length[some] + self._special
        for rows, found in execution.batches.run(lengths, lambda rows: work(some[rows]), self.reporter):
            yield some[rows], found

    def _pooled(
        self, execution: Execution, tokens: Tokens, parts: Sequences, read: np.ndarray
    ) -> dict[str, np.ndarray]:
        shape = (len(parts.text), self._opened[1].width)
        made = {name: [np.zeros(shape, np.float32) for _ in self.pooling] for name in self._names}
        for rows, found in self._vectors(execution, tokens, parts):
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
        self, execution: Execution, tokens: Tokens, parts: Sequences, read: np.ndarray
    ) -> tuple[dict[str, np.ndarray], np.ndarray]:
        """Of a token that two windows share, the vector is that of the window in which it is farther from the end."""
        offsets = np.concatenate([[0], np.cumsum(read)])
        outputs = {name: np.zeros((offsets[-1], self._opened[1].width), np.float32) for name in self._names}
        places = parts.places() if self.long_text == "window" else ranges(np.zeros_like(parts.length), parts.length)
        target = np.repeat(offsets[:-1][parts.text], parts.length) + places
        own = parts.own()
        starts = np.cumsum(parts.length) - parts.length
        for rows, found in self._vectors(execution, tokens, parts):
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
