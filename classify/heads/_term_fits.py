"""Logistic regression on counted words: penalty and kind of word chosen on inner folds, and nothing fitted twice.

The baseline and a head on the same words want the same fits, so what has been fitted stays with the counted terms.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor
from hashlib import blake2b
from threading import Event
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import numpy as np

from classify.heads import _terms
from classify.heads._spared import once, share_cores
from classify.heads.base import InnerChoice, InnerFit
from classify.scoring.scored import log_loss, log_losses
from stores.shared.cores import threads

if TYPE_CHECKING:
    from scipy.sparse import csr_matrix

Made = TypeVar("Made")
Given = TypeVar("Given")
BEGIN = 2  # number of the penalty that the walk over these begins at
SURE, FEWEST = 5.0, 1000  # standard errors of a difference, and of how many rows at least, by which a race is lost
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


class Fitted(NamedTuple):
    """Weights ``[D, c]`` of merged terms, intercepts ``[c]``, and the idf ``[D]`` of the training rows."""

    weights: np.ndarray
    intercepts: np.ndarray
    idf: np.ndarray


def fit(
    terms: _terms.Terms, rows: np.ndarray, targets: np.ndarray, sample_weight: np.ndarray | None, penalty: float
) -> Fitted:
    """Fitted to ``rows [m]`` with 0/1 ``targets [m, c]``."""
    key = ("fit", penalty, _digest(rows, targets, *([] if sample_weight is None else [sample_weight])))

    def fitted() -> Fitted:
        x, idf = _trained(terms.x, rows)
        return Fitted(*_terms.fit_linear(x, targets, sample_weight, penalty, final=True), idf)

    return once(terms.done, key, fitted, lambda found: found.weights.size <= REMEMBERED)


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
    truth = [y[fit.held_out] for fit in fits]
    losses, best = [float("inf")] * len(candidates), None
    begin: float | None = None  # for the next kind of word at the best penalty of the kind before
    for kind, terms in counted.items():
        own = {penalty: i for i, (penalty, name) in enumerate(candidates) if name == kind}
        penalties = sorted(own)
        tried: dict[float, float] = {}
        start = penalties.index(begin) if begin in own else min(BEGIN, len(penalties) - 1)
        inner = _Inner(terms, y, n_classes, fits)
        while not stop.is_set() and (penalty := _terms.valley(tried, penalties, start)) is not None:
            found = _raced(inner.held_out(penalty), truth, best)
            tried[penalty] = found.loss
            if found.proba is not None:
                losses[own[penalty]] = found.loss
                best = found if best is None or found.loss < best.loss else best
        if stop.is_set():
            raise CancelledError
        begin = min(tried, key=tried.__getitem__)
    return InnerChoice(losses, np.empty(0) if best is None or best.proba is None else best.proba)


class _Tried(NamedTuple):
    """How a candidate did.

    Attributes:
        loss: mean log loss of the held-out rows; of one that was given up, that of the best and what it was behind.
        rows: float64 ``[m]``, the loss of each row that was looked at.
        proba: float64 ``[m, C]``, of all held-out rows; None if it was given up.
    """

    loss: float
    rows: np.ndarray
    proba: np.ndarray | None


def _raced(predicted: Iterable[np.ndarray], truth: Sequence[np.ndarray], best: _Tried | None) -> _Tried:
    """Fold after fold against the best until then, given up as soon as it is surely behind.

    A race (Maron & Moore 1994): of a candidate that is behind by ``SURE`` standard errors of the difference, the
    other folds need not be fitted to know that it is not the best.

    Args:
        predicted: probabilities of the held-out rows of each fold, fitted when they are asked for.
        truth: their classes.
        best: None for the first, which runs alone.
    """
    proba: list[np.ndarray] = []
    rows = np.empty(0)
    for number, found in enumerate(predicted):
        proba.append(found)
        rows = np.append(rows, log_losses(found, truth[number]).reshape(len(found), -1).mean(1))
        if best is not None and len(proba) < len(truth) and len(rows) >= FEWEST:
            behind = rows - best.rows[: len(rows)]
            if behind.mean() > SURE * behind.std() / np.sqrt(len(rows)):
                return _Tried(best.loss + float(behind.mean()), rows, None)
    whole = np.concatenate(proba)
    return _Tried(log_loss(whole, np.concatenate(truth)), rows, whole)


class _Inner:
    """The inner folds of one training set, on one kind of words."""

    def __init__(self, terms: _terms.Terms, y: np.ndarray, n_classes: int, fits: Sequence[InnerFit]) -> None:
        self._terms, self._y, self._n_classes, self._fits = terms, y, n_classes, fits
        self._at_once = terms.x.nnz * len(fits) <= HELD
        self._held: dict[int, tuple[csr_matrix, csr_matrix]] = {}

    def held_out(self, penalty: float) -> Iterator[np.ndarray]:
        """Probabilities of the held-out rows, fold after fold."""
        for number, (task, held_out) in enumerate(self._fits):
            train, test = self._texts(number)
            targets = _terms.one_column_each(self._y[task.rows], self._n_classes)
            both = (targets.min(0) != targets.max(0)).nonzero()[0]
            z = np.where(targets.mean(0) > 0.5, 40.0, -40.0) * np.ones((len(held_out), 1))
            if len(both):
                z[:, both] = _terms.logits(test, *_terms.fit_linear(train, targets[:, both], None, penalty, False))
            yield _terms.probabilities_of(z, self._y.ndim == 2)

    def _texts(self, number: int) -> tuple[csr_matrix, csr_matrix]:
        """TF-IDF of the training rows and the held-out rows of an inner fold."""
        if number not in self._held:
            if not self._at_once:
                self._held.clear()
            task, held_out = self._fits[number]
            train, idf = _trained(self._terms.x, task.rows)
            self._held[number] = train, _terms.weighted(self._terms.x[held_out], idf, copy=False)
        return self._held[number]


def _trained(x: csr_matrix, rows: np.ndarray) -> tuple[csr_matrix, np.ndarray]:
    """TF-IDF of training rows, and the idf of these."""
    train = x[rows]
    idf = _terms.inverse_frequency(train)
    return _terms.weighted(train, idf, copy=False), idf
