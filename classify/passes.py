"""Passes over the rows of a matrix that may be larger than the memory: in blocks, shared out to the cores."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from itertools import pairwise
from typing import TypeVar

import numpy as np

Result = TypeVar("Result")
BLOCK = 512  # rows at a time: they stay in the cache for the second product
SHARES = 8  # of the rows, for the cores; fixed, so that sums are the same on every machine


def moments(x: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means and variances of the columns, for many weightings in one pass.

    Args:
        x: float ``[n, D]``.
        counts: float ``[n, J]``, how often each row counts.

    Returns:
        means and variances (of the population), float64 ``[J, D]``; 0 for a weighting of no rows.
    """
    shift = some_rows(x, counts, 2 * BLOCK).mean(0, dtype=np.float64)  # near the means: squares do not cancel

    def share(rows: range) -> np.ndarray:
        found = np.zeros((2, counts.shape[1], x.shape[1]))
        for start in range(rows.start, rows.stop, BLOCK):
            part = slice(start, min(start + BLOCK, rows.stop))
            block, m = x[part] - shift, np.ascontiguousarray(counts[part].T, np.float64)
            found[0] += m @ block
            found[1] += m @ np.square(block, out=block)
        return found

    with one_thread_a_product():
        sums, squares = sum(shared_out(share, len(x)))
    total = np.maximum(counts.sum(0, dtype=np.float64), 1e-300)[:, None]
    mean = sums / total
    return np.where(total > 1e-299, mean + shift, 0), np.maximum(squares / total - mean**2, 0)


def some_rows(x: np.ndarray, counts: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` rows, float32, spread evenly over those that count in some problem."""
    used = np.flatnonzero(counts.any(1))
    return np.asarray(x[used[:: max(1, len(used) // most)]], np.float32)


def shared_out(work: Callable[[range], Result], n: int) -> list[Result]:
    """What ``work`` makes of ``SHARES`` stretches of ``n`` rows, in order, on all cores."""
    edges = [n * i // SHARES for i in range(SHARES + 1)]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        return list(pool.map(work, [range(a, b) for a, b in pairwise(edges)]))


def one_thread_a_product() -> AbstractContextManager:
    """Each core multiplies by itself, on rows of its own.

    Products that cores share wait for the slowest of them hundreds of times a second, which on a machine that has
    other work to do takes ten times as long.
    """
    from threadpoolctl import threadpool_limits

    return threadpool_limits(1, "blas")
