"""How far probabilities are from coming true."""

from __future__ import annotations

import numpy as np

from classify.scoring.cell_sums import CellSums
from classify.scoring.scored import EPS, Scored

BINS = 10  # of equal width


def expected_error(scored: Scored) -> np.ndarray:
    """Expected calibration error, ``[B]``: mean distance of share and probability over bins, by their rows.

    Two classes: of the probability of the positive one. More: of the probability of the class decided for and whether
    that is right (Guo et al. 2017, "On Calibration of Modern Neural Networks", equation 3). Labels: the mean over them.
    """
    errors = [np.abs(bins(scored.weights)).sum(1) / scored.total for bins in scored.once(_bins)]
    return np.mean(errors, axis=0)


def _bins(scored: Scored) -> list[CellSums]:
    """The rows by bin, for each probability that is compared; what is summed is truth minus probability."""
    if scored.problem == "binary":
        proba, truth = scored.proba[:, [scored.positive]], scored.truth[:, [scored.positive]]
    elif scored.problem == "multi-class":
        proba = np.take_along_axis(scored.proba, scored.predicted[:, None], 1)
        truth = (scored.y == scored.predicted)[:, None]
    else:
        proba, truth = scored.proba, scored.truth
    # the sum of hit - p over a bin is its rows times (share - mean probability)
    return [
        CellSums(np.minimum((p * BINS).astype(int), BINS - 1), BINS, hit - p)
        for p, hit in zip(proba.T, truth.T, strict=True)
    ]


def recalibration(scored: Scored) -> np.ndarray:
    """Slope and intercept of the logistic regression of the truth on the logit of the probability, ``[B, 2]``.

    Cox 1958, "Two Further Applications of a Model for Binary Regression". Slope 1 and intercept 0 are right; a slope
    below 1 is an over-confident head. NaN where the rows are of one class or the logits separate them.
    """
    p = np.clip(scored.proba[:, scored.positive], EPS, 1 - EPS)
    x = np.stack([np.log(p) - np.log1p(-p), np.ones(len(p))], axis=1)
    y = scored.truth[:, scored.positive]
    return np.array([_logistic(x, y, weight) for weight in scored.weights])


def _logistic(x: np.ndarray, y: np.ndarray, weight: np.ndarray) -> np.ndarray:
    """Newton's method for two coefficients, without a penalty."""
    found = np.zeros(2)
    for _ in range(50):
        p = 1 / (1 + np.exp(-np.clip(x @ found, -700, 700)))
        gradient = x.T @ (weight * (p - y))
        hessian = (x * (weight * p * (1 - p))[:, None]).T @ x
        if not np.linalg.det(hessian) > 1e-9:
            return np.full(2, np.nan)
        step = np.linalg.solve(hessian, gradient)
        found -= np.clip(step, -5, 5)
        if np.abs(step).max() < 1e-9:
            return found
    return np.full(2, np.nan)


def worse_than_frequencies(head: str, loss: float, chance: float) -> str:
    """What is said of a head whose log loss is larger than that of the class frequencies."""
    return (
        f"the probabilities of head {head} are worse than the class frequencies alone: log loss {loss:.3f} against "
        f"{chance:.3f}; its ranking may be good all the same"
    )
