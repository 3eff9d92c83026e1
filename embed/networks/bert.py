"""BERT's forward pass for inference (Devlin et al. 2018, "BERT", section 3; Vaswani et al. 2017, section 3).

All tokens of a batch lie in one matrix ``[N, H]``, text after text, so no matrix product sees a padded token; only
attention, which is a few per cent of the work, runs over texts padded to the longest of their batch.

Letters of the shapes: ``B`` texts, ``N`` tokens of all of them, ``T`` tokens of the longest, ``H`` width,
``A`` heads of ``D = H / A`` each, ``L`` layers.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from stores.shared.errors import InputError
from stores.shared.tensorflow import load_tensorflow

VERSION = 1  # raise it whenever the same weights give other numbers
POOLINGS = ("mean", "cls", "max", "pooler")
Tensor = Any  # a tf.Tensor; TensorFlow is not imported for its name


@dataclass(frozen=True)
class BertWeights:
    """Trained weights.

    Attributes:
        arrays: by the names of Google's checkpoints without ``bert/``: ``embeddings/word_embeddings [V, H]``,
            ``encoder/layer_0/attention/self/query/kernel [H, H]``, ... The pooler may be missing.
        heads: of attention in each layer.
        activation: ``gelu`` (exact), ``gelu_tanh`` (the approximation of Hendrycks and Gimpel 2016, "Gaussian Error
            Linear Units", which Google's code uses) or ``relu``.
        epsilon: added to the variance in layer normalisation.
    """

    arrays: Mapping[str, np.ndarray]
    heads: int
    activation: str = "gelu"
    epsilon: float = 1e-12


class BertNetwork:
    """The encoder of BERT, from token ids to hidden states or one vector a text, on the device where it is made.

    Args:
        weights: see ``BertWeights``.
        precision: ``float32``, ``bfloat16`` or ``float16`` of the matrix products; normalisation, softmax and sums
            are float32 in any case.

    Attributes:
        depth, width, vocabulary: ``L``, ``H`` and ``V``.
        positions: tokens of the longest text that the position table allows.
    """

    def __init__(self, weights: BertWeights, precision: str = "float32") -> None:
        self._tf = load_tensorflow()
        self._dtype = self._tf.as_dtype(precision)
        self._heads, self._activation, self._epsilon = weights.heads, weights.activation, weights.epsilon
        arrays = weights.arrays
        self._words = self._float32(arrays["embeddings/word_embeddings"])
        # a text is alone in its input, so all of its tokens are of type 0
        first = arrays["embeddings/position_embeddings"] + arrays["embeddings/token_type_embeddings"][0]
        self._positions = self._float32(first)
        self.on_gpu = "GPU" in self._words.device
        self.vocabulary, self.width = self._words.shape
        self.positions = len(first)
        self.depth = len({name.split("/")[1] for name in arrays if name.startswith("encoder/")})
        self._norm = self._norm_of(arrays, "embeddings/LayerNorm")
        self._layers = [self._layer_of(arrays, f"encoder/layer_{i}") for i in range(self.depth)]
        self._pooler = self._dense_of(arrays, "pooler/dense") if "pooler/dense/kernel" in arrays else None

    def _float32(self, values: np.ndarray) -> Tensor:
        return self._tf.constant(np.asarray(values, np.float32))

    def _norm_of(self, arrays: Mapping[str, np.ndarray], name: str) -> tuple[Tensor, Tensor]:
        return self._float32(arrays[f"{name}/gamma"]), self._float32(arrays[f"{name}/beta"])

    def _dense_of(self, arrays: Mapping[str, np.ndarray], *names: str) -> tuple[Tensor, Tensor]:
        """Kernel ``[in, out]`` and bias ``[out]``; those of several names side by side."""
        kernel = np.concatenate([arrays[f"{name}/kernel"] for name in names], 1)
        bias = np.concatenate([arrays[f"{name}/bias"] for name in names])
        return tuple(self._tf.cast(self._float32(values), self._dtype) for values in (kernel, bias))

    def _layer_of(self, arrays: Mapping[str, np.ndarray], name: str) -> dict[str, tuple[Tensor, Tensor]]:
        attention = f"{name}/attention"
        return {
            "query_key_value": self._dense_of(arrays, *(f"{attention}/self/{n}" for n in ("query", "key", "value"))),
            "attention": self._dense_of(arrays, f"{attention}/output/dense"),
            "attention_norm": self._norm_of(arrays, f"{attention}/output/LayerNorm"),
            "intermediate": self._dense_of(arrays, f"{name}/intermediate/dense"),
            "output": self._dense_of(arrays, f"{name}/output/dense"),
            "output_norm": self._norm_of(arrays, f"{name}/output/LayerNorm"),
        }

    def compile(self, layers: Sequence[int], pooling: str | None) -> Callable[[Tensor, Tensor], list[Tensor]]:
        """A function from a batch to the features that are asked for; layers above them are not computed.

        Args:
            layers: 0 (the embeddings) to ``depth``, one or more.
            pooling: one of ``POOLINGS``, or None for one vector a token.

        Raises:
            InputError: the weights have no pooler.

        Returns:
            A function of ids int32 ``[N]`` and lengths int32 ``[B]`` (none is 0, their sum is ``N``) that gives
            float32 ``[B, H]`` for each layer, or ``[N, H]`` without pooling.
        """
        tf = self._tf
        if pooling == "pooler" and self._pooler is None:
            raise InputError("`pooling='pooler'`: the weights have no pooler; take another pooling, such as mean")
        specs = [tf.TensorSpec([None], tf.int32), tf.TensorSpec([None], tf.int32)]

        @tf.function(input_signature=specs, autograph=False)
        def run(ids: Tensor, lengths: Tensor) -> list[Tensor]:
            states = self._states(ids, lengths, layers)
            return [self._pool(x, lengths, pooling) if pooling else x for x in states]

        return run

    def _states(self, ids: Tensor, lengths: Tensor, layers: Sequence[int]) -> list[Tensor]:
        tf = self._tf
        batch = _Ragged(tf, lengths, self._heads)
        x = self._normalise(tf.gather(self._words, ids) + tf.gather(self._positions, batch.place), self._norm)
        states = {0: x}
        for i, layer in enumerate(self._layers[: max(layers)]):
            mixed = self._attend(self._dense(x, layer["query_key_value"]), batch)
            x = self._normalise(x + self._float(self._dense(mixed, layer["attention"])), layer["attention_norm"])
            inner = self._activate(self._dense(x, layer["intermediate"]))
            x = self._normalise(x + self._float(self._dense(inner, layer["output"])), layer["output_norm"])
            states[i + 1] = x
        return [states[layer] for layer in layers]

    def _attend(self, query_key_value: Tensor, batch: _Ragged) -> Tensor:
        """Every token's mix of the values of its text: ``[N, 3 H]`` to ``[N, H]``."""
        tf = self._tf
        size = self.width // self._heads
        query, key, value = batch.pad(tf.reshape(query_key_value, [-1, size]))  # [B, A, T, D] each
        scores = self._float(tf.matmul(query, key, transpose_b=True)) * float(size**-0.5) + batch.bias
        mixed = tf.matmul(tf.cast(tf.nn.softmax(scores), self._dtype), value)
        return tf.reshape(batch.unpad(mixed), [-1, self.width])

    def _dense(self, x: Tensor, kernel_and_bias: tuple[Tensor, Tensor]) -> Tensor:
        kernel, bias = kernel_and_bias
        return self._tf.nn.bias_add(self._tf.matmul(self._tf.cast(x, self._dtype), kernel), bias)

    def _float(self, x: Tensor) -> Tensor:
        return self._tf.cast(x, self._tf.float32)

    def _normalise(self, x: Tensor, gamma_and_beta: tuple[Tensor, Tensor]) -> Tensor:
        """Layer normalisation (Ba et al. 2016): each row to mean 0 and variance 1, then scaled and shifted."""
        tf = self._tf
        gamma, beta = gamma_and_beta
        if self.on_gpu:  # whose batch normalisation refuses so small an epsilon
            centred = x - tf.reduce_mean(x, -1, keepdims=True)
            variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
            return centred * tf.math.rsqrt(variance + self._epsilon) * gamma + beta
        # batch normalisation with the tokens as channels: one pass instead of six
        rows = tf.shape(x)[0]
        none = tf.zeros([0])
        normal = tf.raw_ops.FusedBatchNormV3(
            x=tf.reshape(x, [1, rows, self.width, 1]), scale=tf.ones([rows]), offset=tf.zeros([rows]), mean=none,
            variance=none, epsilon=self._epsilon, data_format="NCHW", is_training=True,
        ).y  # fmt: skip
        return tf.reshape(normal, [rows, self.width]) * gamma + beta

    def _activate(self, x: Tensor) -> Tensor:
        if self._activation == "relu":
            return self._tf.nn.relu(x)
        return self._tf.nn.gelu(x, approximate=self._activation == "gelu_tanh")

    def _pool(self, x: Tensor, lengths: Tensor, pooling: str) -> Tensor:
        """One vector a text from those of its tokens: ``[N, H]`` to ``[B, H]``."""
        tf = self._tf
        if pooling in ("cls", "pooler"):
            first = tf.gather(x, tf.cumsum(lengths, exclusive=True))
            return first if pooling == "cls" else self._float(tf.tanh(self._dense(first, self._pooler)))
        text = tf.repeat(tf.range(tf.size(lengths)), lengths)
        if pooling == "max":
            return tf.math.segment_max(x, text)
        return tf.math.segment_sum(x, text) / tf.cast(lengths, tf.float32)[:, None]


class _Ragged:
    """Where the tokens of a batch lie in the ragged matrix and in the padded one.

    Attributes:
        place: int32 ``[N]``, of each token in its text.
        bias: float32 ``[B, 1, 1, T]``, 0 at tokens and very negative at padding: added to the scores.
    """

    def __init__(self, tf: Any, lengths: Tensor, heads: int) -> None:  # noqa: ANN401
        self._tf = tf
        texts, longest = tf.size(lengths), tf.reduce_max(lengths)
        starts = tf.cumsum(lengths, exclusive=True)
        text = tf.repeat(tf.range(texts), lengths)
        self.place = tf.range(tf.size(text)) - tf.gather(starts, text)
        mask = tf.sequence_mask(lengths, longest)
        self.bias = tf.where(mask, 0.0, -1e9)[:, None, None, :]
        token = tf.where(mask, starts[:, None] + tf.range(longest)[None, :], 0)  # padding reads a token, unheeded
        head = tf.range(heads)
        # row of the vector of each head, [B, A, T] of the ragged query, key and value, and [N, A] of the padded mix
        self._to_padded = token[:, None, :] * (3 * heads) + head[None, :, None]
        self._to_ragged = (text[:, None] * heads + head[None, :]) * longest + self.place[:, None]
        self._heads = heads

    def pad(self, rows: Tensor) -> list[Tensor]:
        """``[N * 3 * A, D]`` to three of ``[B, A, T, D]``."""
        return [self._tf.gather(rows, self._to_padded + part * self._heads) for part in range(3)]

    def unpad(self, padded: Tensor) -> Tensor:
        """``[B, A, T, D]`` to ``[N, A, D]``."""
        return self._tf.gather(self._tf.reshape(padded, [-1, padded.shape[-1]]), self._to_ragged)
