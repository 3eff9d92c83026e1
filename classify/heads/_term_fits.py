"""Logistic regression on counted words: penalty and kind of word chosen on inner folds, and nothing fitted twice.

The baseline and a head on the same words want the same fits, so what has been fitted stays with the counted terms.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from functools import lru_cache
from hashlib import blake2b
from threading import Event
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from classify.heads import _terms
from classify.heads._spared import once, share_cores
from classify.heads.base import InnerChoice, InnerFit
from classify.scoring.scored import log_loss
from stores.shared.cores import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Made = TypeVar("Made")
Given = TypeVar("Given")
BEGIN = 2  # number of the penalty that the walk over these begins at
HELD = 1 << 24  # entries of weighted texts up to which those of all inner folds are held at once
REMEMBERED = 1 << 22  # numbers up to which a result is remembered


def choose(
    counted: Mapping[str, _terms.Terms],
    y: np.ndarray,
    n_classes: int,
    fits: Sequence[InnerFit],
    candidates: Sequence[tuple[float, str]],
    stop: Event | None = None,
) -> InnerChoice:
    """The best candidate on the inner folds of one training set, walking downhill over the penalties.

    Args:
        counted: kind of word -> the terms of all texts.
        y: int ``[n]``, classes; or 0/1 ``[n, L]``.
        n_classes: C.
        fits: the inner folds.
        candidates: penalty and kind of word of each.
        stop: set when nobody waits for it any more.
    """
    key = ("choose", tuple(candidates), n_classes, *(_digest(f.task.rows, f.held_out, y) for f in fits))
    first = next(iter(counted.values()))
    return once(
        first.done,
        key,
        lambda: _walked(counted, y, n_classes, fits, candidates, stop or Event()),
        lambda found: found.proba.size <= REMEMBERED,
    )


def fit(
    terms: _terms.Terms, rows: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None, penalty: float
) -> tuple[np.ndarray, np.ndarray]:
    """Weights ``[D, c]`` of the merged terms and intercepts ``[c]`` of ``rows [m]`` with 0/1 ``targets [m, c]``."""
    key = ("fit", penalty, _digest(rows, targets, *([] if sample_weight is None else [sample_weight])))

    def fitted() -> tuple[np.ndarray, np.ndarray]:
        x = _terms.weighted(terms.x[rows], _terms.inverse_frequency(terms.x, rows))
        return _terms.fit_linear(x, targets, sample_weight, penalty, final=True)

    return once(terms.done, key, fitted, lambda found: found[0].size <= REMEMBERED)


def beside_each_other(work: Callable[[Given, Event], Made], items: Sequence[Given]) -> list[Made]:
    """What ``work`` makes of each item, in order: it mostly waits for the solver, of which each core has one.

    ``work`` is given what is set when it is to stop: where an item failed, or the user has interrupted.
    """
    stop, workers = Event(), min(threads(), len(items))
    with ThreadPoolExecutor(threads(), initializer=share_cores, initargs=(workers,)) as pool:
        try:
            return list(pool.map(lambda item: work(item, stop), items))
        finally:
            stop.set()


def _digest(*arrays: np.ndarray) -> bytes:
    found = blake2b(digest_size=16)
    for array in arrays:
        found.update(f"{array.dtype.str}{array.shape}".encode())
        found.update(array.tobytes())
    return found.digest()


def _walked(
    counted: Mapping[str, _terms.Terms],
    y: np.ndarray,
    n_classes: int,
    fits: Sequence[InnerFit],
    candidates: Sequence[tuple[float, str]],
    stop: Event,
) -> InnerChoice:
    truth = y[np.concatenate([fit.held_out for fit in fits])]
    losses, best = [float("inf")] * len(candidates), (float("inf"), np.empty(0))
    begin: float | None = None  # for the next kind of word at the best penalty of the kind before
    for kind, terms in counted.items():
        own = {penalty: i for i, (penalty, name) in enumerate(candidates) if name == kind}
        penalties = sorted(own)
        tried: dict[float, float] = {}
        start = penalties.index(begin) if begin in own else min(BEGIN, len(penalties) - 1)
        inner = _Inner(terms, y, n_classes, fits)
        while not stop.is_set() and (penalty := _terms.valley(tried, penalties, start)) is not None:
            proba = inner.held_out(penalty)
            tried[penalty] = losses[own[penalty]] = log_loss(proba, truth)
            if tried[penalty] < best[0]:
                best = tried[penalty], proba
        if stop.is_set():
            raise CancelledError
        begin = min(tried, key=tried.__getitem__)
    return InnerChoice(losses, best[1])


class _Inner:
    """The inner folds of one training set, on one kind of words."""

    def __init__(self, terms: _terms.Terms, y: np.ndarray, n_classes: int, fits: Sequence[InnerFit]) -> None:
        self._terms, self._y, self._n_classes, self._fits = terms, y, n_classes, fits
        few = terms.x.nnz * len(fits) <= HELD
        self._texts = lru_cache(maxsize=len(fits) if few else 1)(self._weighted)

    def held_out(self, penalty: float) -> np.ndarray:
        """Probabilities of the held-out rows, fold after fold."""
        found = []
        for number, (task, held_out) in enumerate(self._fits):
            train, test = self._texts(number)
            targets = _terms.one_column_each(self._y[task.rows], self._n_classes)
            both = (targets.min(0) != targets.max(0)).nonzero()[0]
            z = np.where(targets.mean(0) > 0.5, 40.0, -40.0) * np.ones((len(held_out), 1))
            if len(both):
                z[:, both] = _terms.logits(test, *_terms.fit_linear(train, targets[:, both], None, penalty, False))
            found.append(_terms.probabilities_of(z, self._y.ndim == 2))
        return np.concatenate(found)

    def _weighted(self, number: int) -> tuple[csr_matrix, csr_matrix]:
        """TF-IDF of the training rows and the held-out rows of an inner fold."""
        task, held_out = self._fits[number]
        idf = _terms.inverse_frequency(self._terms.x, task.rows)
        return _terms.weighted(self._terms.x[task.rows], idf), _terms.weighted(self._terms.x[held_out], idf)
