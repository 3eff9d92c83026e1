"""Attention over texts of different lengths (Vaswani et al. 2017, section 3.2), in TensorFlow.

Tokens come and go in one ragged matrix, text after text; for the scores they are padded to the longest text of the
batch. Scores of long texts are made for some queries at a time, so that memory grows with the length and not with its
square. How architectures differ in their scores is in ``embed.networks.transformer_weights``; letters of the shapes are
those of ``embed.networks.transformer``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from embed.networks.transformer_weights import TransformerWeights, frequencies

Tensor = Any  # a tf.Tensor; TensorFlow is not imported for its name
FAR = -1e9  # added to the score of a key that a query must not see


class Attention:
    """Every token's mix of the values of its text, for all layers of a network.

    Args:
        tf: TensorFlow.
        weights: of the network.
        dtype: of the products.

    Attributes:
        query_scale: what the caller multiplies queries by.
    """

    def __init__(self, tf: Any, weights: TransformerWeights, dtype: Any) -> None:  # noqa: ANN401
        self._tf, self._dtype, self._scale, self.query_scale = tf, dtype, weights.scale, 1.0
        self._score_dtype = tf.float32
        if dtype == tf.bfloat16 and weights.disentangled is None and weights.distance_bias is None:
            # products come rounded to bfloat16, and where nothing but a mask is added, scores stay so: softmax computes
            # in float32 inside. That spares two casts of [B, A, T, T] a layer. Half of the scale, which bfloat16 holds
            # exactly, stays here, since product, scale and mask are then one operation
            self._score_dtype, self._scale, self.query_scale = tf.bfloat16, 0.5, 2 * weights.scale
        self._heads, self._width = weights.heads, weights.width // weights.heads
        self._middle = weights.max_tokens - 1  # of tables by key minus query
        bias, rows = weights.bias_by_distance(), weights.bucket_by_distance()
        self._distance_bias = None if bias is None else tf.constant(np.asarray(bias, np.float32))
        self._distance_rows: Any = None if rows is None else tf.constant(rows, tf.int32)

    def __call__(self, rows: Tensor, layer: dict[str, Any], batch: Ragged) -> Tensor:
        """softmax(scores) V: queries, keys and values side by side, ``[N, 3 H]``, to ``[N, H]``."""
        tf = self._tf
        rows = tf.reshape(rows, [-1, 3 * self._heads, self._width])
        if layer["theta"]:
            rows = self._rotate(rows, layer["theta"], batch)
        query, key, value = batch.pad(tf.reshape(rows, [-1, self._width]))  # [B, A, T, D] each
        if batch.at_once is None:
            mixed = self._mix(query, key, value, layer, batch, 0)
        else:
            mixed = self._mix_in_blocks(query, key, value, layer, batch)
        return tf.reshape(batch.unpad(mixed), [-1, self._heads * self._width])

    def _mix_in_blocks(self, query: Tensor, key: Tensor, value: Tensor, layer: dict[str, Any], batch: Ragged) -> Tensor:
        """``_mix`` of ``batch.at_once`` queries at a time, one block after the other."""
        tf, rows = self._tf, batch.at_once
        blocks = -(-batch.longest // rows)
        made = tf.TensorArray(self._dtype, blocks, infer_shape=False, element_shape=[None, None, None, self._width])

        def add(i: Tensor, made: Tensor) -> tuple[Tensor, Tensor]:
            mixed = self._mix(query[:, :, i * rows : (i + 1) * rows], key, value, layer, batch, i * rows)
            return i + 1, made.write(i, tf.transpose(mixed, [2, 0, 1, 3]))

        _, made = tf.while_loop(lambda i, _: i < blocks, add, (0, made), parallel_iterations=1)
        return tf.transpose(made.concat(), [1, 2, 0, 3])

    def _mix(
        self, query: Tensor, key: Tensor, value: Tensor, layer: dict[str, Any], batch: Ragged, start: Tensor | int
    ) -> Tensor:
        """What each query takes from the values.

        Args:
            query: ``[B, A, R, D]``, those from ``start`` on.
            key, value: ``[B, A, T, D]``.
            layer: the layer.
            batch: the batch.
            start: place of the first query.

        Returns:
            ``[B, A, R, D]``.
        """
        tf = self._tf
        # [B, A, R, T], query by key
        scores = tf.cast(tf.matmul(query, key, transpose_b=True), self._score_dtype)
        if "position_key" in layer:  # content to position: Q PK'
            scores += self._by_distance(query, layer["position_key"], -start, batch.longest, reverse=False)
        if "position_query" in layer:  # position to content: (K PQ')'
            found = self._by_distance(key, layer["position_query"], start, tf.shape(query)[2], reverse=True)
            scores += tf.transpose(found, [0, 1, 3, 2])
        scores = scores * tf.constant(self._scale, self._score_dtype) + tf.cast(batch.bias, self._score_dtype)
        if self._distance_bias is not None:
            near = tf.gather(self._distance_bias, batch.distance(start, query) + self._middle)  # [R, T, A]
            scores += tf.transpose(near, [2, 0, 1])
        if layer["window"] is not None:
            far = tf.abs(batch.distance(start, query)) > layer["window"]
            scores += tf.cast(tf.where(far, FAR, 0.0), self._score_dtype)
        return tf.matmul(tf.cast(tf.nn.softmax(scores), self._dtype), value)

    def _rotate(self, rows: Tensor, theta: float, batch: Ragged) -> Tensor:
        """Queries and keys turned by their places: halves a, b become a cos - b sin, b cos + a sin; ``[N, 3 A, D]``."""
        tf, turned = self._tf, 2 * self._heads  # the values stay
        angle = tf.cast(batch.place, tf.float32)[:, None] * frequencies(theta, self._width)  # [N, D / 2]
        cos, sin = tf.cos(angle)[:, None], tf.sin(angle)[:, None]
        a, b = tf.split(self._float(rows[:, :turned]), 2, -1)
        both = tf.cast(tf.concat([a * cos - b * sin, b * cos + a * sin], -1), self._dtype)
        return tf.concat([both, rows[:, turned:]], 1)

    def _by_distance(self, x: Tensor, table: Tensor, first: Tensor | int, others: Tensor, reverse: bool) -> Tensor:
        """DeBERTa's product of each row with the table's row for its distance to each other row.

        Args:
            x: ``[B, A, R, D]``, queries, or keys with ``reverse``.
            table: ``[A, 2 span, D]``, position keys, or position queries with ``reverse``.
            first: place of the first other row minus that of the first row of ``x``.
            others: ``S``, number of the other rows.
            reverse: whether rows of ``x`` are the keys.

        Returns:
            Float32 ``[B, A, R, S]``: row of ``x`` by the other.
        """
        tf, middle, rows = self._tf, self._middle, self._tf.shape(x)[2]
        low, high = first - rows + 1, first + others - 1  # of the place of the other row minus that of a row of x
        if reverse:
            low, high = -high, -low
        index = self._distance_rows[middle + low : middle + high + 1]  # [R + S - 1], of key minus query
        near = tf.gather(table, index[::-1] if reverse else index, axis=1)  # [A, R + S - 1, D]
        products = self._float(tf.matmul(x, near[None], transpose_b=True))  # [B, A, R, R + S - 1]
        # entry [i, j] belongs to the other row i + j - (R - 1): cut the first R - 1 numbers of the flat matrix off, and
        # rows of R + S - 2 numbers begin with those of the other rows 0 to S - 1 (Dai et al. 2019, appendix B)
        flat = tf.reshape(products, [-1, self._heads, rows * (rows + others - 1)])[:, :, rows - 1 :]
        flat = flat[:, :, : rows * (rows + others - 2)]
        return tf.reshape(flat, [-1, self._heads, rows, rows + others - 2])[..., :others]

    def _float(self, x: Tensor) -> Tensor:
        return self._tf.cast(x, self._tf.float32)


class Ragged:
    """Where the tokens of a batch lie in the ragged matrix and in the padded one.

    Args:
        tf: TensorFlow.
        lengths: int32 ``[B]``, tokens of each text.
        heads: ``A``.
        at_once: see below.
        text, longest: the text of each token, int32 ``[N]``, and ``T``, where these are known before: then every shape
            is, and a compiler can make use of it.

    Attributes:
        longest: ``T``, at least 2.
        place: int32 ``[N]``, of each token in its text.
        at_once: queries of a text whose scores are held at a time; None: all.
        bias: float32 ``[B, 1, 1, T]``, 0 at tokens and very negative at padding: added to the scores.
    """

    def __init__(
        self,
        tf: Any,  # noqa: ANN401
        lengths: Tensor,
        heads: int,
        at_once: Tensor | None = None,
        text: Tensor | None = None,
        longest: int | None = None,
    ) -> None:
        self._tf, self.at_once = tf, at_once
        self.longest: Any = tf.maximum(2, tf.reduce_max(lengths)) if longest is None else longest
        longest = self.longest
        self._starts = starts = tf.cumsum(lengths, exclusive=True)
        self._text = text = tf.repeat(tf.range(tf.size(lengths)), lengths) if text is None else text
        self.place = tf.range(tf.size(text)) - tf.gather(starts, text)
        mask = tf.sequence_mask(lengths, longest)
        self.bias = tf.where(mask, 0.0, FAR)[:, None, None, :]
        token = tf.where(mask, starts[:, None] + tf.range(longest)[None, :], 0)  # padding reads a token, unheeded
        head = tf.range(heads)
        # row of the vector of each head, [B, A, T] of the ragged query, key and value, and [N, A] of the padded mix
        self._to_padded = token[:, None, :] * (3 * heads) + head[None, :, None]
        self._to_ragged = (text[:, None] * heads + head[None, :]) * longest + self.place[:, None]
        self._heads = heads

    def distance(self, start: Tensor | int, query: Tensor) -> Tensor:
        """Key minus query, int32 ``[R, T]``; ``query``: ``[B, A, R, D]`` of the places from ``start`` on."""
        tf = self._tf
        return tf.range(self.longest)[None, :] - (start + tf.range(tf.shape(query)[2]))[:, None]

    def count(self, counted: Tensor) -> Tensor:
        """How many of the tokens of a text up to each, itself included, are counted: bool ``[N]`` to int32 ``[N]``."""
        tf = self._tf
        ends = tf.cumsum(tf.cast(counted, tf.int32))
        before = tf.concat([[0], ends], 0)
        return ends - tf.gather(tf.gather(before, self._starts), self._text)

    def pad(self, rows: Tensor) -> list[Tensor]:
        """``[N * 3 * A, D]`` to three of ``[B, A, T, D]``."""
        return [self._tf.gather(rows, self._to_padded + part * self._heads) for part in range(3)]

    def unpad(self, padded: Tensor) -> Tensor:
        """``[B, A, T, D]`` to ``[N, A, D]``."""
        return self._tf.gather(self._tf.reshape(padded, [-1, padded.shape[-1]]), self._to_ragged)
