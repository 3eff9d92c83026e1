"""How batches go through a network: in NumPy for short jobs, else in TensorFlow or by another engine's graph."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import numpy as np

from embed.batches import Batches, TokenBatches
from embed.machine import multiplies_bfloat16, on_gpu
from embed.networks.buckets import TOKENS, most_texts
from embed.networks.transformer_weights import TransformerWeights
from stores.shared.cores import cores, one_thread_a_product, threads
from stores.shared.tensorflow import on_device

SHORT = 2000  # tokens of a job that NumPy does sooner than TensorFlow is imported
BUDGET = 3072  # of a batch, in what ``_cost`` counts: what a CPU's caches hold, and no product is faster with more
SHORT_BUDGET = 512  # so that there is a batch for each core
AT_ONCE = 2  # batches on a CPU: what one does in a single thread, and its waits, are filled by the other
GPU_AT_ONCE = 3  # one is cut together, one computed, one copied back; not measured


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
class Execution:
    """A network that was made, and the batches that go through it."""

    run: Callable[[np.ndarray, np.ndarray], list]
    batches: Batches
    around: Callable[[], AbstractContextManager] = nullcontext  # all batches
    within: Callable[[], AbstractContextManager] = nullcontext  # each batch, in a thread of its own
    on_gpu: bool = False


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


def execution(
    networks: Networks | OneNetwork, short: bool, layers: list[int], pooler: bool, device: str | None
) -> Execution:
    """How batches go through the network, which is made here.

    Args:
        networks: the network in its forms.
        short: whether the job is short, and the network in NumPy.
        layers, pooler: see ``Network.compile``.
        device: where TensorFlow computes.
    """
    place = partial(on_device, device) if networks.tensorflow and not short else nullcontext
    with place():
        network = networks.get(short)
        run = network.compile(layers, pooler)
    if short:
        batches = Batches(SHORT_BUDGET, _cost, max(1, int(cores())))
        return Execution(run, batches, one_thread_a_product)
    if network.on_gpu:
        batches = TokenBatches(TOKENS, most_texts, GPU_AT_ONCE)
    else:
        at_once = min(threads(), getattr(network, "at_once", AT_ONCE))
        batches = Batches(getattr(network, "budget", BUDGET), _cost, at_once)
    return Execution(run, batches, place, place, network.on_gpu)


def part_size(device: str | None, pooled: bool, of_cpu: tuple[int, int] = (2048, 256)) -> tuple[int, int | None]:
    """Rows and tokens of a part: many batches where a GPU computes, so that it seldom waits for the last of a part.

    Args:
        device: where TensorFlow computes; None: its choice.
        pooled: whether a text gives one vector, or one a token.
        of_cpu: rows on a processor, of vectors of texts and of tokens.
    """
    if on_gpu(device):
        return (1 << 16, 32 * TOKENS) if pooled else (1 << 13, 2 * TOKENS)
    return of_cpu[0] if pooled else of_cpu[1], None


def usual_precision(device: str | None) -> str:
    """What ``auto`` means: bfloat16 where the processor, or an NVIDIA GPU of ``device``, multiplies it natively."""
    return "bfloat16" if (device or "").lower().startswith("gpu") or multiplies_bfloat16() else "float32"


def _cost(texts: int, longest: int) -> int:
    """Padded tokens, and the scores of attention: 2,048 tokens of 1 or 1,024 of 128 cost as much."""
    return texts * longest * (128 + longest) // 128
