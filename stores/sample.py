"""Some rows of a store as a store of its own, drawn by lot: what a head learns from when all of them are too many."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from stores.reader import FeatureStore
from stores.select import Part, write_part
from stores.shared.errors import InputError
from stores.shared.outputs import check_output


def draw(store: FeatureStore, rows: int, *, stratified: bool = False, seed: int = 0) -> np.ndarray:
    """Numbers of rows, int64 ``[rows]`` ascending, drawn without putting back.

    Args:
        store: open.
        rows: how many.
        stratified: whether each class, or set of labels, gets its share of them, rounded, and one at least; rows
            without a label count as a class.
        seed: of the draw.

    Raises:
        InputError: if the store has fewer rows, or more classes than that.
    """
    if not 1 <= rows <= len(store):
        raise InputError(f"`rows={rows}`: {store.path} has {len(store):,} rows; give 1 to {len(store)}")
    lot = np.random.default_rng(seed)
    if not stratified:
        return np.sort(lot.choice(len(store), rows, replace=False))
    codes = np.asarray(store.codes)
    _, stratum, sizes = np.unique(codes, axis=0, return_inverse=True, return_counts=True)
    if len(sizes) > rows:
        raise InputError(f"`rows={rows}`: {store.path} has rows of {len(sizes):,} kinds of labels; give as many")
    order = np.argsort(stratum.ravel(), kind="stable")
    pieces = np.split(order, np.cumsum(sizes)[:-1])
    drawn = [lot.choice(piece, size, replace=False) for piece, size in zip(pieces, _shares(sizes, rows), strict=True)]
    return np.sort(np.concatenate(drawn))


def _shares(sizes: np.ndarray, rows: int) -> np.ndarray:
    """``rows`` by the largest remainder, one at least for each and no more than there are, int ``[k]``."""
    exact = sizes * (rows / sizes.sum())
    shares = np.clip(np.floor(exact).astype(np.int64), 1, sizes)
    while shares.sum() != rows:
        short = shares.sum() < rows
        open_ = shares < sizes if short else shares > 1
        wanting = np.where(open_, (exact - shares) * (1 if short else -1), -np.inf)
        most = np.argsort(-wanting, kind="stable")[: min(abs(rows - int(shares.sum())), int(open_.sum()))]
        shares[most] += 1 if short else -1
    return shares


def sample(
    store: FeatureStore, rows: int, out: str | Path, *, stratified: bool = False, seed: int = 0, command: str = ""
) -> FeatureStore:
    """The rows that ``draw`` gives, in their order, as the store ``out``, opened.

    Raises:
        InputError: see ``draw``; or if ``out`` is there.
        FailureError: if the store is damaged, or the machine refuses the write.
    """
    check_output(Path(out), overwrite=False)
    numbers = draw(store, rows, stratified=stratified, seed=seed)
    return write_part(store, Part.of(store, numbers, [], []), Path(out), command)
