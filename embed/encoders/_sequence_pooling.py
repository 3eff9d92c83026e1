"""From the hidden states of a text's tokens to one vector: the ways of sentence-transformers, and two of BERT's.

With h_1 .. h_n the states of a text, special tokens included:

========================  =====================================================
``mean``                  sum / n
``max``                   the largest number of each column
``cls``                   h_1
``lasttoken``             h_n
``weightedmean``          sum of i h_i / sum of i
``mean_sqrt_len_tokens``  sum / sqrt(n)
``pooler``                what the pooler makes of h_1; the network does it
``last4``                 the mean of all tokens in the last four layers
========================  =====================================================

Several that are joined by ``+`` stand side by side.
"""

from __future__ import annotations

import numpy as np

MODES = ("mean", "max", "cls", "lasttoken", "weightedmean", "mean_sqrt_len_tokens")
ALONE = ("pooler", "last4")  # not joined with others


def pool(states: np.ndarray, lengths: np.ndarray, modes: tuple[str, ...], skip: np.ndarray) -> list[np.ndarray]:
    """The vectors of texts, one array a mode.

    Args:
        states: float32 ``[N, H]``, text after text.
        lengths: int ``[B]``, tokens of each text, none 0; their sum is ``N``.
        modes: some of ``MODES``.
        skip: int ``[B]``, first tokens of each text that are left out (a prompt); at least one stays, and the weights
            of the others keep their places.

    Returns:
        Float32 ``[B, H]`` for each mode.
    """
    first = np.minimum(skip, lengths - 1)
    starts, ends = np.cumsum(lengths) - lengths + first, np.cumsum(lengths)
    found = {}
    if "cls" in modes:
        found["cls"] = states[starts]
    if "lasttoken" in modes:
        found["lasttoken"] = states[ends - 1]
    rest = [mode for mode in modes if mode not in found]
    if rest:
        found |= {mode: np.empty((len(lengths), states.shape[1]), np.float32) for mode in rest}
        # texts of one length that stand side by side are one block [texts, tokens, H]
        kind = np.stack([lengths, first])
        edges = np.flatnonzero(np.any(kind[:, 1:] != kind[:, :-1], 0)) + 1
        for a, b in zip([0, *edges], [*edges, len(lengths)], strict=True):
            block = states[ends[a] - lengths[a] : ends[b - 1]].reshape(b - a, lengths[a], -1)[:, first[a] :]
            for mode in rest:
                found[mode][a:b] = _pool(block, mode, int(first[a]))
    return [found[mode] for mode in modes]


def _pool(block: np.ndarray, mode: str, first: int) -> np.ndarray:
    """``[n, T, H]`` to ``[n, H]``; ``first``: tokens that were left out."""
    tokens = block.shape[1]
    if mode == "max":
        return block.max(1)
    if mode == "weightedmean":
        weights = np.arange(first + 1, first + tokens + 1, dtype=np.float32)
        return np.einsum("nth,t->nh", block, weights) / weights.sum()
    return block.sum(1) / np.float32(tokens if mode == "mean" else np.sqrt(tokens))
