"""What a transformer encoder consists of: its weights, and the few ways in which the published architectures differ.

Everything that is not named here is as in BERT (Devlin et al. 2018): word, position and type vectors are added and
normalised; each layer adds attention and then a feed-forward part to its input, and normalises after each.

======================  ===============================================================================
DistilBERT              no token types
ELECTRA, ALBERT         narrow embeddings, normalised and then projected; ALBERT uses a layer's weights again
RoBERTa, XLM-R, ...     positions count from the padding token's id on (``pad``)
MPNet                   that, no types, and a bias for each distance, the same in all layers (``distance_bias``)
DeBERTa-v2              scores between contents and distances (``disentangled``), projection before the norm
ModernBERT              rotary positions, local layers, gated feed-forward, norm before each part (``final_norm``)
======================  ===============================================================================
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

# of the forward passes in each precision: raise it whenever the same weights give other numbers in it
VERSIONS = {"float32": 2, "float16": 2, "bfloat16": 3}
ACTIVATIONS = ("gelu", "gelu_tanh", "quick_gelu", "relu", "relu2", "silu", "tanh", "sigmoid", "linear")


class Affine(NamedTuple):
    """``x @ weight.T + bias``, or ``x * weight + bias`` of a normalisation.

    Attributes:
        weight: ``[out, in]``, or ``[H]`` of a normalisation.
        bias: ``[out]``, or None.
    """

    weight: np.ndarray
    bias: np.ndarray | None = None


@dataclass(frozen=True, eq=False)
class Layer:
    """One layer; layers that share their weights (ALBERT) are one object.

    Attributes:
        query, key, value, output: the products of attention, ``[H, H]`` each.
        up, down: of the feed-forward part, ``[I, H]`` and ``[H, I]``; ``up`` is ``[2 I, H]`` where it is gated.
        attention_norm, output_norm: after attention and feed-forward, or before them (``final_norm``); None: none.
        theta: base of the rotary angles (Su et al. 2021, "RoFormer"); 0: no rotation.
        window: tokens that attention sees to each side; None: all.
        position_key, position_query: DeBERTa's, of each bucket of distances, ``[2 span, H]``.
    """

    query: Affine
    key: Affine
    value: Affine
    output: Affine
    up: Affine
    down: Affine
    attention_norm: Affine | None
    output_norm: Affine
    theta: float = 0.0
    window: int | None = None
    position_key: np.ndarray | None = None
    position_query: np.ndarray | None = None


@dataclass(frozen=True)
class Disentangled:
    """DeBERTa's buckets of distances (He et al. 2021, "DeBERTa", section 3.1; logarithmic in its second version).

    Attributes:
        buckets: of near and logarithmic distances to both sides; 0 or less: each distance is a bucket.
        farthest: the distance of the last bucket.
        span: buckets to each side.
        terms: how many of content-to-position and position-to-content are added to the scores.
    """

    buckets: int
    farthest: int
    span: int
    terms: int

    def rows(self, distance: np.ndarray) -> np.ndarray:
        """The row of the tables of buckets for distances query minus key, int64."""
        bucket = distance
        if self.buckets > 0 and self.farthest > 0:
            middle, far = self.buckets // 2, np.abs(distance)
            # logarithms in float32, as the reference has them: float64 gives another bucket at some distances
            ratio = np.maximum(far, middle).astype(np.float32) / np.float32(middle)
            steps = np.log(ratio) / np.log(np.float32((self.farthest - 1) / middle)) * (middle - 1)
            bucket = np.where(far <= middle, distance, np.sign(distance) * (np.ceil(steps) + middle))
        return np.clip(bucket + self.span, 0, 2 * self.span - 1).astype(np.int64)


@dataclass(frozen=True, eq=False)
class TransformerWeights:
    """Trained weights, in float32 or what NumPy converts to it.

    Attributes:
        words: ``[V, E]``, with ``E = H`` unless there is a projection.
        norm: of the embeddings.
        layers: the first to the last.
        heads: of attention in each layer.
        activation: one of ``ACTIVATIONS``; ``gelu`` is exact, ``gelu_tanh`` the approximation of Hendrycks and Gimpel
            2016, "Gaussian Error Linear Units", which Google's code uses.
        epsilon: added to the variance in layer normalisation.
        max_tokens: of a text, with special tokens.
        positions: ``[P, E]``; None: no absolute positions.
        first_type: ``[E]``, the vector of token type 0, which all tokens of a single text have; None: no types.
        pad: id of the padding token where positions count from it on: ``pad + 1``, ``pad + 2``, ...
        projection: of the embeddings to ``H`` columns; before their norm if ``project_first``.
        final_norm: of the last layer. Where it is, every layer normalises its input, and is gated: act(a) * b.
        distance_bias: MPNet's, ``[32, A]``, a number for each bucket of distances and head.
        disentangled: DeBERTa's buckets.
        pooler: of the first token, followed by tanh.
    """

    words: np.ndarray
    norm: Affine
    layers: tuple[Layer, ...]
    heads: int
    activation: str
    epsilon: float
    max_tokens: int
    positions: np.ndarray | None = None
    first_type: np.ndarray | None = None
    pad: int | None = None
    projection: Affine | None = None
    project_first: bool = False
    final_norm: Affine | None = None
    distance_bias: np.ndarray | None = None
    disentangled: Disentangled | None = None
    pooler: Affine | None = None

    @property
    def width(self) -> int:
        """Columns of a hidden state, ``H``."""
        return self.layers[0].output.weight.shape[0]

    @property
    def scale(self) -> float:
        """What every score is multiplied by: 1 / sqrt(columns of a head * terms of the score)."""
        terms = 1 + (self.disentangled.terms if self.disentangled else 0)
        return 1 / math.sqrt(self.width // self.heads * terms)

    def bias_by_distance(self) -> np.ndarray | None:
        """MPNet's bias for key minus query of ``1 - max_tokens`` to ``max_tokens - 1``: float32 ``[2 M - 1, A]``."""
        if self.distance_bias is None:
            return None
        distance = np.arange(1 - self.max_tokens, self.max_tokens)
        return np.asarray(self.distance_bias, np.float32)[_mpnet_buckets(distance)]

    def bucket_by_distance(self) -> np.ndarray | None:
        """DeBERTa's row for key minus query of ``1 - max_tokens`` to ``max_tokens - 1``: int64 ``[2 M - 1]``."""
        if self.disentangled is None:
            return None
        return self.disentangled.rows(-np.arange(1 - self.max_tokens, self.max_tokens))


def frequencies(theta: float, width: int) -> np.ndarray:
    """The rotary angle that one place adds in each pair of columns, theta^(-2 j / width): float32 ``[D / 2]``."""
    return (1 / theta ** (np.arange(0, width, 2, dtype=np.float32) / width)).astype(np.float32)


def _mpnet_buckets(distance: np.ndarray) -> np.ndarray:
    """Of key minus query (T5's rule): 16 for each side, the first 8 exact, then logarithmic up to 128."""
    far = np.abs(distance)
    large = 8 + (np.log(np.maximum(far, 1).astype(np.float32) / 8) / np.float32(math.log(16)) * 8).astype(int)
    return np.where(distance > 0, 16, 0) + np.where(far < 8, far, np.minimum(large, 15))
