"""The forward pass of transformer encoders in NumPy, for short jobs: importing TensorFlow takes longer than these.

The arithmetic is that of ``embed.networks.transformer``, equal to 1e-5. All tokens of a batch lie in one matrix
``[N, H]``, ordered by length, so that texts of one length are one contiguous block ``[n T, H]``: products see the whole
matrix, attention sees blocks, and there is no padding and no mask.

Letters of the shapes: ``n`` texts of one length, ``T`` tokens of each, ``N``, ``H``, ``A``, ``D``, ``M`` as there.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from embed.networks.transformer_weights import Affine, Layer, TransformerWeights, frequencies
from stores.shared.errors import InputError

SCORES = 1 << 22  # most scores of attention that are in memory at once
BLOCK = 1 << 17  # numbers that an elementwise function takes at once: what stays in a cache
Run = Callable[[np.ndarray, np.ndarray], list[np.ndarray]]


class NumpyNetwork:
    """As ``embed.networks.transformer.TransformerNetwork``, in float32 on a CPU; ``weights`` stay where they are."""

    on_gpu = False

    def __init__(self, weights: TransformerWeights) -> None:
        made: dict[int, Layer] = {id(layer): _float32_layer(layer) for layer in weights.layers}
        self._layers = [made[id(layer)] for layer in weights.layers]
        self._weights = weights
        self.depth, self.width, self.max_tokens = len(weights.layers), weights.width, weights.max_tokens
        self.vocabulary: int | None = len(weights.words)
        self._norm, self._activate = _float32(weights.norm), ACTIVATIONS[weights.activation]
        self._projection = _float32(weights.projection) if weights.projection else None
        self._final_norm = _float32(weights.final_norm) if weights.final_norm else None
        self._distance_bias, self._distance_rows = weights.bias_by_distance(), weights.bucket_by_distance()

    def compile(self, layers: Sequence[int], pooler: bool = False) -> Run:
        """See ``TransformerNetwork.compile``; the function takes texts in any order."""
        head = self._weights.pooler if pooler else None
        if pooler and head is None:
            raise InputError("`pooling='pooler'`: the weights have no pooler; take another pooling, such as mean")

        def run(ids: np.ndarray, lengths: np.ndarray) -> list[np.ndarray]:
            order = np.argsort(lengths, kind="stable")
            starts = (np.cumsum(lengths) - lengths)[order]
            lengths = lengths[order]
            place = np.arange(lengths.sum()) - np.repeat(np.cumsum(lengths) - lengths, lengths)
            token = np.repeat(starts, lengths) + place  # where each token of the ordered batch was
            states = self._states(ids[token], place, _blocks(lengths), layers)
            if head:
                first = np.cumsum(lengths) - lengths
                return [np.tanh(_dense(x[first], _float32(head)))[np.argsort(order)] for x in states]
            back = np.empty_like(token)
            back[token] = np.arange(len(token))
            return [x[back] for x in states]

        return run

    def _states(
        self, ids: np.ndarray, place: np.ndarray, blocks: list[tuple[int, int, int]], layers: Sequence[int]
    ) -> list[np.ndarray]:
        x = self._embed(ids, place, blocks)  # [N, H]
        states = {0: x}
        for i, layer in enumerate(self._layers[: max(layers)]):
            x = (self._norm_first if self._final_norm else self._norm_after)(x, layer, place, blocks)
            states[i + 1] = x
        if self._final_norm and self.depth in states:
            states[self.depth] = self._normalise(states[self.depth], self._final_norm)
        return [states[layer] for layer in layers]

    def _embed(self, ids: np.ndarray, place: np.ndarray, blocks: list[tuple[int, int, int]]) -> np.ndarray:
        weights, pad = self._weights, self._weights.pad
        x = weights.words[ids].astype(np.float32)  # [N, E]
        if weights.positions is not None:
            if pad is not None:  # pad + 1, pad + 2 ...; a padding token in the text gets pad and is not counted
                real = ids != pad
                count = [np.cumsum(real[a : a + n * t].reshape(n, t), 1).ravel() for a, n, t in blocks]
                place = np.concatenate(count) * real + pad
            x += weights.positions[place]
        if weights.first_type is not None:
            x += weights.first_type
        if self._projection and weights.project_first:
            x = _dense(x, self._projection)  # [N, E] to [N, H]
        x = self._normalise(x, self._norm)
        if self._projection and not weights.project_first:
            x = _dense(x, self._projection)  # [N, E] to [N, H]
        return x

    def _norm_after(self, x: np.ndarray, layer: Layer, place: np.ndarray, blocks: list) -> np.ndarray:
        """BERT's layer: x = norm(x + attention(x)); x = norm(x + down(act(up(x))))."""
        assert layer.attention_norm  # noqa: S101 (ModernBERT's first layer alone has none)
        x = self._normalise(x + _dense(self._attend(x, layer, place, blocks), layer.output), layer.attention_norm)
        inner = _in_blocks(self._activate, _dense(x, layer.up))  # [N, I]
        return self._normalise(x + _dense(inner, layer.down), layer.output_norm)

    def _norm_first(self, x: np.ndarray, layer: Layer, place: np.ndarray, blocks: list) -> np.ndarray:
        """ModernBERT's layer: x += attention(norm(x)); x += down(act(a) * b) with a, b the halves of up(norm(x))."""
        normal = self._normalise(x, layer.attention_norm) if layer.attention_norm else x  # layer 0 has none
        x = x + _dense(self._attend(normal, layer, place, blocks), layer.output)
        first, gate = np.split(_dense(self._normalise(x, layer.output_norm), layer.up), 2, 1)
        return x + _dense(_in_blocks(self._activate, np.ascontiguousarray(first)) * gate, layer.down)

    def _attend(self, x: np.ndarray, layer: Layer, place: np.ndarray, blocks: list) -> np.ndarray:
        """Every token's mix of the values of its text, softmax(scores) V: ``[N, H]`` to ``[N, H]``."""
        heads, width = self._weights.heads, self.width // self._weights.heads
        query, key, value = (
            _dense(x, part).reshape(-1, heads, width) for part in (layer.query, layer.key, layer.value)
        )
        if layer.theta:
            query, key = _rotate(query, place, layer.theta), _rotate(key, place, layer.theta)
        mixed = np.empty_like(query)  # [N, A, D]
        for start, texts, length in blocks:
            most = max(1, SCORES // (heads * length * length))  # texts whose scores fit
            for first in range(0, texts, most):
                here = slice(start + first * length, start + min(texts, first + most) * length)
                q, k, v = (
                    part[here].reshape(-1, length, heads, width).transpose(0, 2, 1, 3) for part in (query, key, value)
                )  # [n, A, T, D] each
                scores = self._scores(q, k, layer, length)  # [n, A, T, T], query by key
                scores -= scores.max(-1, keepdims=True)
                np.exp(scores, out=scores)
                scores /= scores.sum(-1, keepdims=True)
                mixed[here].reshape(-1, length, heads, width)[:] = (scores @ v).transpose(0, 2, 1, 3)
        return mixed.reshape(-1, self.width)

    def _scores(self, q: np.ndarray, k: np.ndarray, layer: Layer, length: int) -> np.ndarray:
        """(Q K' + terms of distances) * scale + bias of distances, ``[n, A, T, T]``."""
        distance = np.arange(length) - np.arange(length)[:, None]  # key minus query, [T, T]
        scores = q @ k.transpose(0, 1, 3, 2)
        if self._distance_rows is not None:
            row = np.broadcast_to(self._distance_rows[distance + self.max_tokens - 1], scores.shape)
            if layer.position_key is not None:  # content to position: Q PK'
                scores += np.take_along_axis(q @ self._by_head(layer.position_key), row, 3)
            if layer.position_query is not None:  # position to content: (K PQ')'
                found = np.take_along_axis(k @ self._by_head(layer.position_query), row.transpose(0, 1, 3, 2), 3)
                scores += found.transpose(0, 1, 3, 2)
        scores *= np.float32(self._weights.scale)
        if self._distance_bias is not None:
            scores += self._distance_bias[distance + self.max_tokens - 1].transpose(2, 0, 1)
        if layer.window is not None and length > layer.window + 1:
            scores += np.where(np.abs(distance) > layer.window, np.float32(-np.inf), np.float32(0))
        return scores

    def _by_head(self, table: np.ndarray) -> np.ndarray:
        """``[2 span, H]`` to ``[A, D, 2 span]``."""
        return table.reshape(len(table), self._weights.heads, -1).transpose(1, 2, 0)

    def _normalise(self, x: np.ndarray, norm: Affine) -> np.ndarray:
        return layer_norm(x, norm, self._weights.epsilon)


def layer_norm(x: np.ndarray, norm: Affine, epsilon: float) -> np.ndarray:
    """Layer normalisation (Ba et al. 2016): each row to mean 0 and variance 1, then scaled and shifted."""
    x = x - x.mean(-1, keepdims=True)
    x /= np.sqrt(np.mean(x * x, -1, keepdims=True) + np.float32(epsilon))
    x *= norm.weight
    if norm.bias is not None:
        x += norm.bias
    return x


def _float32(part: Affine) -> Affine:
    """In float32 at an aligned address; a matrix that a product would copy each time is copied once."""
    bias = None if part.bias is None else np.require(part.bias, np.float32, "A")
    return Affine(np.require(part.weight, np.float32, "A"), bias)


def _float32_layer(layer: Layer) -> Layer:
    parts: dict[str, Any] = {name: _float32(part) for name, part in vars(layer).items() if isinstance(part, Affine)}
    return replace(layer, **parts)


def _blocks(lengths: np.ndarray) -> list[tuple[int, int, int]]:
    """First token, texts and length of each block of the texts of one length; ``lengths`` ascend."""
    length, texts = np.unique(lengths, return_counts=True)
    starts = np.cumsum(length * texts) - length * texts
    return list(zip(starts.tolist(), texts.tolist(), length.tolist(), strict=True))


def _dense(x: np.ndarray, part: Affine) -> np.ndarray:
    """``x W' + b``: ``[N, in]`` to ``[N, out]``."""
    y = x @ part.weight.T
    if part.bias is not None:
        y += part.bias
    return y


def _rotate(rows: np.ndarray, place: np.ndarray, theta: float) -> np.ndarray:
    """Rows ``[N, A, D]`` turned by their places: halves a, b become a cos - b sin, b cos + a sin."""
    angle = place[:, None].astype(np.float32) * frequencies(theta, rows.shape[2])  # [N, D / 2]
    cos, sin = np.cos(angle)[:, None], np.sin(angle)[:, None]
    a, b = np.split(rows, 2, -1)
    return np.concatenate([a * cos - b * sin, b * cos + a * sin], -1)


def _in_blocks(function: Callable[[np.ndarray], np.ndarray], x: np.ndarray) -> np.ndarray:
    """An elementwise function in blocks that stay in the cache, written over ``x``."""
    rows = max(1, BLOCK // x.shape[1])
    for i in range(0, len(x), rows):
        x[i : i + rows] = function(x[i : i + rows])
    return x


def erf(x: np.ndarray) -> np.ndarray:
    """The error function, float32 with an error below 5e-7 (Abramowitz and Stegun, formula 7.1.26)."""
    size = np.abs(x)
    t = 1 / (1 + np.float32(0.3275911) * size)
    p = np.float32(1.061405429)
    for coefficient in (-1.453152027, 1.421413741, -0.284496736, 0.254829592):
        p = p * t + np.float32(coefficient)
    return np.copysign(1 - p * t * np.exp(-size * size), x)


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 0.5 * (1 + np.tanh(0.5 * x))


def _gelu_tanh(x: np.ndarray) -> np.ndarray:
    return 0.5 * x * (1 + np.tanh(np.float32(math.sqrt(2 / math.pi)) * (x + np.float32(0.044715) * x * x * x)))


ACTIVATIONS: dict[str, Callable[[np.ndarray], np.ndarray]] = {
    "gelu": lambda x: 0.5 * x * (1 + erf(x * np.float32(math.sqrt(0.5)))),
    "gelu_tanh": _gelu_tanh,
    "quick_gelu": lambda x: x * _sigmoid(np.float32(1.702) * x),
    "relu": lambda x: np.maximum(x, 0),
    "relu2": lambda x: np.maximum(x, 0) ** 2,
    "silu": lambda x: x * _sigmoid(x),
    "tanh": np.tanh,
    "sigmoid": _sigmoid,
    "linear": lambda x: x,
}
