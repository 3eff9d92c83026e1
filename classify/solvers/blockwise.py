"""Passes over the rows of a matrix that may be larger than the memory: in blocks, shared out to the cores."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from itertools import pairwise
from typing import TypeVar

import numpy as np

from stores.shared.cores import one_thread_a_product, threads

Result = TypeVar("Result")
BLOCK = 512  # rows at a time: they stay in the cache for the second product
FEW = 64  # rows that are done before the libraries of products are looked through
FEW_ROWS = 1000  # below, to start threads costs more than all of the work
SHARES = 8, 64  # of the rows, for the cores, at least and at most; see ``shares``
SHARE_ROWS, SHARE_CELLS = 1024, 1 << 23  # rows of a share at least, and numbers that all shares give at most
SMALL = 10**6  # multiplications up to which OpenBLAS multiplies without a copy of what is multiplied
PIECE = 40  # rows of such a product, at least


def moments(x: np.ndarray, sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Weighted means and variances of the columns, for many weightings in one pass.

    Args:
        x: float ``[n, D]``.
        sample_weight: float ``[n, J]``, how much each row counts.

    Returns:
        means and variances (of the population), float64 ``[J, D]``; 0 for a weighting of no rows.
    """
    total, sums, squares, shift = class_sums(x, sample_weight, np.zeros(len(x), int), 1)
    return moments_of(total[:, 0], sums[:, 0], squares[:, 0], shift)


def moments_of(
    total: np.ndarray, sums: np.ndarray, squares: np.ndarray, shift: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Means and variances ``[..., D]`` from what ``class_sums`` gives; 0 where nothing was summed."""
    total = total[..., None]
    share = np.divide(1, total, out=np.zeros(total.shape), where=total > 0)
    mean = sums * share
    return np.where(total > 0, mean + shift, 0), np.maximum(squares * share - mean**2, 0)


def class_sums(
    x: np.ndarray, sample_weight: np.ndarray, y: np.ndarray, n_classes: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Weighted sums over the rows of each class, for many weightings in one pass.

    The rows that count alike in all weightings, and are of one class, are a cell. In cross-validation a cell is a class
    of a fold: then each row is added to one cell, and a weighting is the sum of its cells, however many.
    Where nearly every row counts in its own way, as after sampling, there is a product with the weights instead.

    Args:
        x: float ``[n, D]``.
        sample_weight: float ``[n, J]``, how much each row counts.
        y: int ``[n]``, classes 0 ... C - 1.
        n_classes: C.

    Returns:
        totals of the weights ``[J, C]``; sums and sums of squares ``[J, C, D]`` of ``x - shift``; shift ``[D]``.
    """
    shift = some_rows(x, sample_weight, 2 * BLOCK).mean(0, dtype=np.float64)  # near the means: squares do not cancel
    alike, first = _alike(sample_weight)
    if len(first) <= _max_kinds(sample_weight):
        cells = alike * n_classes + y
        totals = np.bincount(cells, minlength=len(first) * n_classes).astype(np.float64)
        sums = np.concatenate([totals[:, None], *_cell_sums(x, cells, len(totals), shift)], axis=1)
        sums = np.tensordot(sample_weight[first].T.astype(np.float64), sums.reshape(len(first), n_classes, -1), 1)
        return sums[:, :, 0], sums[:, :, 1 : 1 + len(shift)], sums[:, :, 1 + len(shift) :], shift
    own = (sample_weight[:, :, None] * (y[:, None] == np.arange(n_classes))[:, None]).reshape(len(y), -1)
    shape = (sample_weight.shape[1], n_classes)
    sums, squares = (part.reshape(*shape, -1) for part in _weighted_sums(x, own, shift))
    return own.sum(0, dtype=np.float64).reshape(shape), sums, squares, shift


def _max_kinds(sample_weight: np.ndarray) -> int:
    """Up to how many kinds of rows it pays to sum each by itself."""
    return max(4 * sample_weight.shape[1], min(len(sample_weight) // 64, 1024))


def _alike(sample_weight: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Number of the kind of each row, equal for equal rows of ``sample_weight``, and the first row of each kind."""
    key = sample_weight @ np.random.default_rng(0).random(sample_weight.shape[1])
    _, first, alike = np.unique(key, return_index=True, return_inverse=True)
    if (
        len(first) <= _max_kinds(sample_weight) and (sample_weight != sample_weight[first][alike]).any()
    ):  # two kinds with one key
        _, first, alike = np.unique(sample_weight, axis=0, return_index=True, return_inverse=True)
    return alike.ravel(), first


def _cell_sums(x: np.ndarray, cells: np.ndarray, n_cells: int, shift: np.ndarray) -> np.ndarray:
    """Sums and sums of squares of ``x - shift`` over the rows of each cell, ``[2, n_cells, D]``."""

    def share(rows: range) -> tuple[np.ndarray]:
        found, room = np.zeros((2, n_cells, x.shape[1])), np.empty((min(BLOCK, len(rows)), x.shape[1]))
        for part in blocks(rows):
            order = np.argsort(cells[part], kind="stable")
            present, starts = np.unique(cells[part][order], return_index=True)
            block = np.subtract(x[part][order], shift, out=room[: len(order)])
            for cell, start, end in zip(present, starts, [*starts[1:], len(order)], strict=True):
                own = block[start:end]
                found[0, cell] += own.sum(0)
                found[1, cell] += np.square(own, out=own).sum(0)
        return (found,)

    return summed(share, len(x), 2 * n_cells * x.shape[1])[0]


def _weighted_sums(x: np.ndarray, sample_weight: np.ndarray, shift: np.ndarray) -> np.ndarray:
    """Sums and sums of squares of ``x - shift``, times each column of ``sample_weight``, ``[2, J, D]``."""

    def share(rows: range) -> tuple[np.ndarray]:
        found = np.zeros((2, sample_weight.shape[1], x.shape[1]))
        for part in blocks(rows):
            block, m = x[part] - shift, np.ascontiguousarray(sample_weight[part].T, np.float64)
            found[0] += m @ block
            found[1] += m @ np.square(block, out=block)
        return (found,)

    with one_thread_a_product():
        return summed(share, len(x), 2 * sample_weight.shape[1] * x.shape[1])[0]


def some_rows(x: np.ndarray, sample_weight: np.ndarray, most: int) -> np.ndarray:
    """At most ``most`` rows, float32, spread evenly over those that count in some problem."""
    return np.asarray(x[spread_rows(sample_weight, most)], np.float32)


def spread_rows(sample_weight: np.ndarray, most: int) -> np.ndarray:
    """Numbers of the rows that ``some_rows`` gives."""
    used = np.flatnonzero(sample_weight.any(1))
    return used[:: max(1, -(-len(used) // most))]


def by_blocks(work: Callable[[np.ndarray], np.ndarray], x: np.ndarray, rows: np.ndarray | None = None) -> np.ndarray:
    """What ``work`` makes of the blocks of ``x``, or of its ``rows`` (int ``[m]``), on all cores, end to end."""
    n = len(x) if rows is None else len(rows)
    if 0 < n <= FEW:
        return work(x if rows is None else x[rows])

    def share(some: range) -> list[np.ndarray]:
        return [work(x[part] if rows is None else x[rows[part]]) for part in blocks(some)]

    with one_thread_a_product():
        found = list(shared_out(share, n))
    return np.concatenate([part for parts in found for part in parts])


def blocks(rows: range, size: int = BLOCK) -> list[slice]:
    """Slices of ``size`` rows."""
    return [slice(start, min(start + size, rows.stop)) for start in range(rows.start, rows.stop, size)]


def pieces(rows: int, dimension: int, columns: int) -> list[slice]:
    """Pieces of a block, for products ``[rows, dimension] @ [dimension, columns]`` and back: small ones, if they pay.

    With few columns to copy the block costs as much as to multiply it, and a small product does without.
    """
    size = SMALL // (dimension * columns)
    if size < PIECE:
        return [slice(rows)]
    step = -(-rows // max(1, -(-rows // size)))  # pieces of like size
    return [slice(start, min(start + step, rows)) for start in range(0, rows, step)]


def shares(n: int, cells: int = 1) -> int:
    """Into how many stretches ``n`` rows are shared out, if each gives so many numbers.

    Where these are summed, the sum depends on their stretches in its last digits; so it must not depend on the cores.
    """
    low, high = SHARES
    return max(low, min(high, n // SHARE_ROWS, SHARE_CELLS // max(cells, 1)))


def shared_out(work: Callable[[range], Result], n: int, cells: int = 1) -> Iterator[Result]:
    """What ``work`` makes of each stretch of ``n`` rows, see ``shares``, in order, on all cores."""
    count = shares(n, cells)
    edges = [n * i // count for i in range(count + 1)]
    if n < FEW_ROWS:
        yield from map(work, [range(a, b) for a, b in pairwise(edges)])
        return
    yield from _pool(threads(), os.getpid()).map(work, [range(a, b) for a, b in pairwise(edges)])


@cache
def _pool(count: int, process: int) -> ThreadPoolExecutor:
    """One for all passes of this process: a solver makes hundreds, and threads cost as much as a short one.

    A forked process has none of the threads, so it has a pool of its own, by its number ``process``. ``work`` must not
    share out anything itself: threads that wait for each other would do so for ever.
    """
    return ThreadPoolExecutor(count, "rows")


def summed(work: Callable[[range], tuple[np.ndarray, ...]], n: int, cells: int) -> tuple[np.ndarray, ...]:
    """The sums over all stretches of what ``work`` makes of each: new arrays, ``cells`` numbers in all."""
    parts = shared_out(work, n, cells)
    total = next(parts)
    for part in parts:
        for sum_, more in zip(total, part, strict=True):
            sum_ += more
    return total
