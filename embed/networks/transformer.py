"""The forward pass of transformer encoders for inference, in TensorFlow (Vaswani et al. 2017, section 3).

All tokens of a batch lie in one matrix ``[N, H]``, text after text, so no matrix product sees a padded token; only
attention (``embed.networks.attention``), which is a few per cent of the work, runs over texts padded to the longest of
their batch. How architectures differ is in ``embed.networks.transformer_weights``; the same arithmetic in NumPy is in
``embed.networks.transformer_numpy``.

Letters of the shapes: ``B`` texts, ``N`` tokens of all of them, ``T`` tokens of the longest, ``H`` width,
``A`` heads of ``D = H / A`` each, ``I`` width of the feed-forward part, ``M`` most tokens of a text.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from embed.networks.attention import Attention, Ragged
from embed.networks.buckets import bucket_of
from embed.networks.transformer_weights import Affine, Layer, TransformerWeights
from stores.shared.errors import InputError
from stores.shared.tensorflow import load_tensorflow

Tensor = Any  # a tf.Tensor; TensorFlow is not imported for its name
# most bytes of kernels in bfloat16 that are constants of the graph: oneDNN then lays them out for AMX once, not at each
# product, which takes half the time; TensorFlow keeps some ten copies, so large models do without
IN_GRAPH = 1 << 28
SCORES = 1 << 28  # most bytes of scores of a batch that one operation makes on a CPU


class TransformerNetwork:
    """From token ids to hidden states, on the device where it is made.

    Args:
        weights: see ``TransformerWeights``.
        precision: ``float32``, ``bfloat16`` or ``float16`` of the matrix products; normalisation, softmax, rotation
            and sums are float32 in any case.

    Attributes:
        depth, width, vocabulary: layers, ``H``, and rows of the word embeddings.
        max_tokens: of a text, with special tokens.
        on_gpu: whether its weights lie on a GPU; full batches then come in a few shapes and are compiled for each, see
            ``embed.networks.buckets``.
        compiled: the function of the last ``compile`` that is.
    """

    def __init__(self, weights: TransformerWeights, precision: str = "float32") -> None:
        self._tf = tf = load_tensorflow()
        self._dtype = tf.as_dtype(precision)
        self._weights = weights
        self.depth, self.width, self.max_tokens = len(weights.layers), weights.width, weights.max_tokens
        self._words = self._float32(weights.words)
        self.vocabulary: int | None = self._words.shape[0]
        self.on_gpu = "GPU" in self._words.device
        self._kernels_in_graph = precision == "bfloat16" and not self.on_gpu and _kernels(weights) <= IN_GRAPH
        self._positions = None if weights.positions is None else self._float32(weights.positions)
        self._first_type = None if weights.first_type is None else self._float32(weights.first_type)
        self._norm = self._norm_of(weights.norm)
        self._projection = self._dense_of(weights.projection) if weights.projection else None
        self._final_norm = self._norm_of(weights.final_norm) if weights.final_norm else None
        self._attention = Attention(tf, weights, self._dtype)
        made = {id(layer): self._layer_of(layer) for layer in weights.layers}  # a shared layer is one set of constants
        self._layers = [made[id(layer)] for layer in weights.layers]
        self.compiled: Any = None
        self._pooler: Any = self._dense_of(weights.pooler) if weights.pooler else None

    def _float32(self, values: np.ndarray) -> Tensor:
        return self._tf.constant(np.asarray(values, np.float32))

    def _norm_of(self, norm: Affine) -> tuple[Tensor, Tensor | None]:
        return self._float32(norm.weight), None if norm.bias is None else self._float32(norm.bias)

    def _dense_of(self, *parts: Affine) -> tuple[Tensor, Tensor | None]:
        """Kernel ``[in, out]`` and bias ``[out]``; those of several parts side by side."""
        kernel = np.concatenate([np.asarray(part.weight, np.float32).T for part in parts], 1)
        biases = [part.bias for part in parts if part.bias is not None]
        bias = self._tf.cast(self._float32(np.concatenate(biases)), self._dtype) if biases else None
        kernel = self._tf.cast(self._float32(kernel), self._dtype)
        return kernel.numpy() if self._kernels_in_graph else kernel, bias

    def _layer_of(self, layer: Layer) -> dict[str, Any]:
        scale = np.float32(self._attention.query_scale)
        query = Affine(layer.query.weight * scale, None if layer.query.bias is None else layer.query.bias * scale)
        made = {
            "query_key_value": self._dense_of(query, layer.key, layer.value),
            "attention": self._dense_of(layer.output),
            "attention_norm": self._norm_of(layer.attention_norm) if layer.attention_norm else None,
            "up": self._dense_of(layer.up),
            "down": self._dense_of(layer.down),
            "output_norm": self._norm_of(layer.output_norm),
            "theta": layer.theta,
            "window": layer.window,
        }
        for name, table in (("position_key", layer.position_key), ("position_query", layer.position_query)):
            if table is not None:  # [2 span, H] to [A, 2 span, D]
                heads = self._tf.reshape(self._float32(table), [len(table), self._weights.heads, -1])
                made[name] = self._tf.cast(self._tf.transpose(heads, [1, 0, 2]), self._dtype)
        return made

    def compile(self, layers: Sequence[int], pooler: bool = False) -> Callable[[Tensor, Tensor], list[Tensor]]:
        """A function from a batch to hidden states; layers above those asked for are not computed.

        Args:
            layers: 0 (the embeddings) to ``depth``, one or more.
            pooler: whether one vector a text is wanted instead, that of the pooler.

        Raises:
            InputError: the weights have no pooler.

        Returns:
            A function of ids int32 ``[N]`` and lengths int32 ``[B]`` (none is 0, their sum is ``N``) that gives
            float32 ``[N, H]`` for each layer, or ``[B, H]`` of the pooler.
        """
        tf = self._tf
        if pooler and self._pooler is None:
            raise InputError("`pooling='pooler'`: the weights have no pooler; take another pooling, such as mean")
        some = tf.TensorSpec([None], tf.int32)

        @tf.function(input_signature=[some, some], autograph=False)
        def whole(ids: Tensor, lengths: Tensor) -> list[Tensor]:
            states = self._states(ids, lengths, layers, None)
            return [self._pool(x, lengths) for x in states] if pooler else states

        @tf.function(input_signature=[some, some, tf.TensorSpec([], tf.int32)], autograph=False)
        def in_blocks(ids: Tensor, lengths: Tensor, at_once: Tensor) -> list[Tensor]:
            states = self._states(ids, lengths, layers, at_once)
            return [self._pool(x, lengths) for x in states] if pooler else states

        @tf.function(jit_compile=True, autograph=False)
        def in_shape(ids: Tensor, lengths: Tensor, text: Tensor, longest: int) -> list[Tensor]:
            batch = Ragged(tf, lengths, self._weights.heads, text=text, longest=longest)
            states = self._states_of(ids, batch, layers)
            return [self._pool(x, lengths) for x in states] if pooler else states

        def on_gpu(ids: np.ndarray, lengths: np.ndarray) -> list[Tensor]:
            bucket = bucket_of(len(ids), len(lengths), int(np.max(lengths)), self.max_tokens)
            if bucket is None:
                return whole(ids, lengths)
            made = in_shape(*map(tf.constant, bucket.fill(ids, lengths)), bucket.longest)
            return [values[: len(lengths) if pooler else len(ids)] for values in made]

        def run(ids: np.ndarray, lengths: np.ndarray) -> list[Tensor]:
            longest = int(np.max(lengths))
            at_once = max(1, SCORES // (4 * self._weights.heads * len(lengths) * longest))
            return whole(ids, lengths) if at_once >= longest else in_blocks(ids, lengths, at_once)

        self.compiled = in_shape
        return on_gpu if self.on_gpu else run

    def _pool(self, x: Tensor, lengths: Tensor) -> Tensor:
        first = self._tf.gather(x, self._tf.cumsum(lengths, exclusive=True))  # [B, H], of the first token of each text
        return self._float(self._tf.tanh(self._dense(first, self._pooler)))

    def _states(self, ids: Tensor, lengths: Tensor, layers: Sequence[int], at_once: Tensor | None) -> list[Tensor]:
        return self._states_of(ids, Ragged(self._tf, lengths, self._weights.heads, at_once), layers)

    def _states_of(self, ids: Tensor, batch: Ragged, layers: Sequence[int]) -> list[Tensor]:
        x = self._embed(ids, batch)  # [N, H]
        states = {0: x}
        made = {id(layer): self._in_graph(layer) for layer in self._layers[: max(layers)]}
        for i, layer in enumerate(self._layers[: max(layers)]):
            layer = made[id(layer)]
            x = (self._norm_first if self._final_norm else self._norm_after)(x, layer, batch)
            states[i + 1] = x
        if self._final_norm and self.depth in states:
            states[self.depth] = self._normalise(states[self.depth], self._final_norm)
        return [states[layer] for layer in layers]

    def _in_graph(self, layer: dict[str, Any]) -> dict[str, Any]:
        """A layer with kernels that are constants of the graph, where they are to be."""
        if not self._kernels_in_graph:
            return layer
        dense = {name: layer[name] for name in ("query_key_value", "attention", "up", "down")}
        return layer | {name: (self._tf.constant(kernel), bias) for name, (kernel, bias) in dense.items()}

    def _embed(self, ids: Tensor, batch: Ragged) -> Tensor:
        """Word + position + type 0, normalised: ids ``[N]`` to ``[N, H]``."""
        tf, pad = self._tf, self._weights.pad
        x = tf.gather(self._words, ids)  # [N, E]
        if self._positions is not None:
            place = batch.place  # 0, 1, 2 ... in each text
            if pad is not None:  # pad + 1, pad + 2 ...; a padding token in the text gets pad and is not counted
                place = batch.count(ids != pad) * tf.cast(ids != pad, tf.int32) + pad
            x += tf.gather(self._positions, place)
        if self._first_type is not None:
            x += self._first_type
        if self._projection and self._weights.project_first:
            x = self._float(self._dense(x, self._projection))  # [N, E] to [N, H]
        x = self._normalise(x, self._norm)
        if self._projection and not self._weights.project_first:
            x = self._float(self._dense(x, self._projection))  # [N, E] to [N, H]
        return x

    def _norm_after(self, x: Tensor, layer: dict[str, Any], batch: Ragged) -> Tensor:
        """BERT's layer: x = norm(x + attention(x)); x = norm(x + down(act(up(x))))."""
        mixed = self._attention(self._dense(x, layer["query_key_value"]), layer, batch)  # [N, H]
        x = self._normalise(x + self._float(self._dense(mixed, layer["attention"])), layer["attention_norm"])
        inner = self._activate(self._dense(x, layer["up"]))  # [N, I]
        return self._normalise(x + self._float(self._dense(inner, layer["down"])), layer["output_norm"])

    def _norm_first(self, x: Tensor, layer: dict[str, Any], batch: Ragged) -> Tensor:
        """ModernBERT's layer: x += attention(norm(x)); x += down(act(a) * b) with a, b the halves of up(norm(x))."""
        normal = self._normalise(x, layer["attention_norm"]) if layer["attention_norm"] else x  # layer 0 has none
        mixed = self._attention(self._dense(normal, layer["query_key_value"]), layer, batch)  # [N, H]
        x += self._float(self._dense(mixed, layer["attention"]))
        first, gate = self._tf.split(self._dense(self._normalise(x, layer["output_norm"]), layer["up"]), 2, 1)
        return x + self._float(self._dense(self._activate(first) * gate, layer["down"]))

    def _dense(self, x: Tensor, kernel_and_bias: tuple[Tensor, Tensor | None]) -> Tensor:
        """``x W' + b``: ``[N, in]`` to ``[N, out]``."""
        kernel, bias = kernel_and_bias
        y = self._tf.matmul(self._tf.cast(x, self._dtype), kernel)
        return y if bias is None else self._tf.nn.bias_add(y, bias)

    def _float(self, x: Tensor) -> Tensor:
        return self._tf.cast(x, self._tf.float32)

    def _normalise(self, x: Tensor, gamma_and_beta: tuple[Tensor, Tensor | None]) -> Tensor:
        """Layer normalisation (Ba et al. 2016): each row to mean 0 and variance 1, then scaled and shifted."""
        tf = self._tf
        gamma, beta = gamma_and_beta
        epsilon, columns = self._weights.epsilon, x.shape[1]
        if self.on_gpu:  # whose batch normalisation refuses so small an epsilon
            centred = x - tf.reduce_mean(x, -1, keepdims=True)
            variance = tf.reduce_mean(tf.square(centred), -1, keepdims=True)
            normal = centred * tf.math.rsqrt(variance + epsilon)
        else:  # batch normalisation with the tokens as channels: one pass instead of six
            rows = tf.shape(x)[0]
            none = tf.zeros([0])
            normal = tf.raw_ops.FusedBatchNormV3(
                x=tf.reshape(x, [1, rows, columns, 1]), scale=tf.ones([rows]), offset=tf.zeros([rows]), mean=none,
                variance=none, epsilon=epsilon, data_format="NCHW", is_training=True,
            ).y  # fmt: skip
            normal = tf.reshape(normal, [rows, columns])
        return normal * gamma if beta is None else normal * gamma + beta

    def _activate(self, x: Tensor) -> Tensor:
        tf = self._tf
        return {
            "gelu": tf.nn.gelu,
            "gelu_tanh": lambda x: tf.nn.gelu(x, approximate=True),
            "quick_gelu": lambda x: x * tf.sigmoid(1.702 * x),
            "relu": tf.nn.relu,
            "relu2": lambda x: tf.square(tf.nn.relu(x)),
            "silu": lambda x: x * tf.sigmoid(x),
            "tanh": tf.tanh,
            "sigmoid": tf.sigmoid,
            "linear": lambda x: x,
        }[self._weights.activation](x)


def _kernels(weights: TransformerWeights) -> int:
    """Bytes of the matrices of all layers in bfloat16; a shared layer counts once."""
    layers = {id(layer): layer for layer in weights.layers}.values()
    parts = [
        part for layer in layers for part in (layer.query, layer.key, layer.value, layer.output, layer.up, layer.down)
    ]
    return sum(2 * part.weight.size for part in parts)
