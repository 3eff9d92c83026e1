"""Choices that need predictions of unseen rows, made inside the training rows: options, calibration, threshold."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.fitting.calibration import Calibration
from classify.fitting.options import FitOptions
from classify.fitting.threshold import choose, parse_rule
from classify.heads.base import FitTask
from classify.scoring.metrics import measure
from classify.splits.folds import holdout, stratified_kfold

STOPPING = 0.1  # share of the training rows that early stopping looks at


@dataclass(frozen=True)
class Choice:
    """What was chosen for one fold.

    Attributes:
        options: of the head.
        calibration: of its probabilities, None if not asked for.
        thresholds: float ``[1]``, or one a label; None if not asked for.
    """

    options: dict
    calibration: Calibration | None = None
    thresholds: list[float] | None = None


def inner_folds(
    fold: FitTask, y: np.ndarray, groups: np.ndarray, n_classes: int, training: FitOptions
) -> list[tuple[FitTask, np.ndarray]]:
    """Folds among the training rows of ``fold``, each with the rows that it is to predict."""
    names = [str(c) for c in range(n_classes)]
    option = f"the inner folds (--inner {training.inner})"
    found = []
    for number, (train, test) in enumerate(
        stratified_kfold(y[fold.rows], groups[fold.rows], training.inner, fold.seed, names, option)
    ):
        inner = replace(fold, rows=fold.rows[train], seed=fold.seed + 1000 * (number + 1), validation=None, report=())
        found.append((inner, fold.rows[test]))
    return found


def stopping_rows(fold: FitTask, y: np.ndarray, groups: np.ndarray) -> FitTask:
    """The fold with a tenth of its training rows set aside, to be watched for when to stop."""
    names = [str(c) for c in range(int(y.max()) + 1)]
    ((train, validation),) = holdout(y[fold.rows], groups[fold.rows], STOPPING, fold.seed, names)
    return replace(fold, rows=fold.rows[train], validation=fold.rows[validation])


def decide(
    candidates: Sequence[dict], probas: Sequence[np.ndarray], y: np.ndarray, positive: int, training: FitOptions
) -> Choice:
    """The choice for one fold.

    Args:
        candidates: options of the head.
        probas: for each of them the probabilities ``[m, C]`` of the training rows from models that had not seen them.
        y: their classes.
        positive: of two classes, the one that a threshold is about.
        training: what is asked for.
    """
    losses = [measure(y, proba, _most_probable(proba, y), positive)["log_loss"][0] for proba in probas]
    best = int(np.argmin(losses))
    proba, calibration = probas[best], None
    if training.calibrate != "none":
        calibration = Calibration.fit(training.calibrate, proba, y)
        proba = calibration.apply(proba)
    if training.threshold is None:
        return Choice(dict(candidates[best]), calibration)
    rule = parse_rule(training.threshold)
    if y.ndim == 2:
        thresholds = [choose(rule, proba[:, label], y[:, label]) for label in range(y.shape[1])]
    else:
        thresholds = [choose(rule, proba[:, positive], y == positive)]
    return Choice(dict(candidates[best]), calibration, thresholds)


def _most_probable(proba: np.ndarray, y: np.ndarray) -> np.ndarray:
    return (proba >= 0.5).astype(int) if y.ndim == 2 else proba.argmax(1)
