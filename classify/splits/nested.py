"""Choices that need predictions of unseen rows, made inside the training rows: options, calibration, threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

import numpy as np

from classify.fitting.calibration import Calibration
from classify.fitting.options import FitOptions
from classify.fitting.threshold import choose, parse_rule
from classify.heads.base import FitTask, InnerChoice, InnerFit
from classify.scoring.metrics import METRICS
from classify.scoring.scored import Scored
from classify.splits.folds import shrunk, stratified_kfold
from stores.shared.errors import InputError

STOPPING = 0.1  # share of the training rows that early stopping looks at


class InnerScores(NamedTuple):
    """Out-of-fold probabilities of one training part.

    Attributes:
        rows: int64 ``[m]``, fold after fold.
        proba: float64 ``[m, C]``.
        learned: mean number of rows that a model has learned from.
        folds: how many.
    """

    rows: np.ndarray
    proba: np.ndarray
    learned: float
    folds: int


@dataclass(frozen=True)
class Choice:
    """What was chosen for one fold.

    Attributes:
        options: of the head.
        calibration: of its probabilities, None if not asked for.
        thresholds: float ``[1]``, or one a label; None if not asked for.
        missed: the best bound of the goal of each threshold for which none reaches it.
        losses: mean log loss on the inner folds for each candidate, infinite where it was not tried, or given up.
        by_probability: without a threshold, whether the class is the most probable one after calibration, not the
            head's own choice.
        inner: what the inner folds predicted with these options, before calibration; not saved.
    """

    options: dict
    calibration: Calibration | None = None
    thresholds: list[float] | None = None
    losses: list[float] = field(default_factory=list)
    missed: list[float] = field(default_factory=list)
    by_probability: bool = False
    inner: InnerScores | None = field(default=None, repr=False, compare=False)


def inner_folds(
    fold: FitTask, y: np.ndarray, groups: np.ndarray, key: np.ndarray, n_classes: int, training: FitOptions
) -> list[InnerFit]:
    """Folds among the training rows of ``fold``, each with the rows that it is to predict."""
    names = [str(c) for c in range(n_classes)]
    asked, k = f"the inner folds (`inner={training.inner}`)", training.inner
    found = []
    for number, (train, test) in enumerate(
        stratified_kfold(y[fold.rows], groups[fold.rows], k, fold.seed, names, key[fold.rows], asked)
    ):
        name = ", ".join(filter(None, (fold.name, f"inner fold {number + 1} of {k}")))
        inner = replace(
            fold, rows=fold.rows[train], seed=fold.seed + 1000 * (number + 1), validation=None, report=(), name=name
        )
        found.append(InnerFit(inner, fold.rows[test]))
    return found


def stopping_rows(fold: FitTask, y: np.ndarray, groups: np.ndarray, key: np.ndarray) -> FitTask:
    """The fold with a tenth of its training rows set aside, whose loss says when to stop (``patience``).

    Classes with fewer than ten different texts may be missing among them; a class keeps at least one training row.
    """
    own = fold.rows
    train = shrunk(own, y, groups, 1 - STOPPING, fold.seed, key)
    validation = np.setdiff1d(own, train)
    if not len(validation):  # few rows of each class: the last by the order of the keys
        order = np.argsort(key[own], kind="stable")
        last = groups[own] == groups[own[order[-1]]]
        validation, train = own[last], own[~last]
    if not len(train):
        raise InputError("early stopping (patience) needs two different training texts at least; set patience=0")
    return replace(fold, rows=train, validation=validation)


def decide(
    candidates: Sequence[dict], inner: InnerChoice, y: np.ndarray, positive: int, training: FitOptions
) -> Choice:
    """The choice for one training set.

    Args:
        candidates: options of the head.
        inner: their losses on the inner folds, and the probabilities of the best.
        y: the classes of the rows of these probabilities.
        positive: of two classes, the one that a threshold is about.
        training: what is asked for.
    """
    best = int(np.argmin(inner.losses))
    proba, calibration, by_probability = inner.proba, None, False
    if training.calibrate != "none":
        calibration = Calibration.fit(training.calibrate, proba, y)
        proba = calibration.apply(proba)
        better = _macro_f1(proba, y, positive) >= _macro_f1(inner.proba, y, positive)
        by_probability = not calibration.increasing or (better and not training.weighs_alike)
    options, losses = dict(candidates[best]), list(inner.losses)
    if training.threshold is None:
        return Choice(options, calibration, None, losses, by_probability=by_probability)
    rule = parse_rule(training.threshold)
    if y.ndim == 2:
        chosen = [choose(rule, proba[:, label], y[:, label]) for label in range(y.shape[1])]
    else:
        chosen = [choose(rule, proba[:, positive], y == positive)]
    missed = [threshold.missed for threshold in chosen if threshold.missed is not None]
    return Choice(options, calibration, [threshold.value for threshold in chosen], losses, missed)


def _macro_f1(proba: np.ndarray, y: np.ndarray, positive: int) -> float:
    """Of the classes that are most probable, or the labels from 0.5 on."""
    decided = (proba >= 0.5).astype(int) if y.ndim == 2 else proba.argmax(1)
    once = np.zeros(len(y), int), np.ones((1, len(y)))
    return float(METRICS["f1_macro"].values(Scored(y, proba, decided, positive, *once))[0])


def at_the_edge(candidates: Sequence[dict], chosen: dict) -> str:
    """The option whose chosen value is the smallest or largest that was tried, of three or more numbers; else empty."""
    for option, value in chosen.items():
        tried = sorted({c[option] for c in candidates if isinstance(c[option], int | float)})
        if len(tried) > 2 and value in (tried[0], tried[-1]):
            return option
    return ""
