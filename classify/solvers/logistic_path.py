"""The penalty of logistic regression chosen inside each training set, for the price of a few untuned sweeps.

``K`` training sets each choose C from a path of values by the log loss of their inner folds. What makes it cheap:

- inner fits of all training sets and penalties are columns of one matrix (``classify.solvers.logistic``), so that
  moments, scaling and Cholesky factors are made once, and one pass over the rows serves all that still move;
- the first values of C, with the strongest penalties, are solved in lockstep. A weaker penalty is tried only by the
  training sets whose held-out loss at the last value was the lowest or hardly above it, from the solution there: but
  for such ripples the loss over log C has one valley, and the far side, where the rows are nearly separated, would
  cost more steps than all the rest;
- inner fits end at a loose tolerance. The choice is the same as at 1e-6 of the objective; at 1e-3 it is not.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from classify.solvers.blockwise import by_blocks
from classify.solvers.lbfgs import Objective, minimise
from classify.solvers.logistic import Problems, Task
from stores.shared.cores import one_thread_a_product

FIRST = 4  # values of C that every training set tries
FLAT = 0.02  # share of the lowest loss up to which a loss may lie above it and the next value is tried all the same
LOOSE = 1e-4  # of the objective
CELLS = 1 << 25  # logits held at a time


@dataclass(frozen=True)
class Inner:
    """An inner fold.

    Attributes:
        owner: number of the training set that it belongs to.
        fold: number of its column of ``sample_weight``.
        held_out: int ``[m]``, rows of the training set that it is not fitted on.
    """

    owner: int
    fold: int
    held_out: np.ndarray


@dataclass(frozen=True)
class Path:
    """What the inner folds say.

    Attributes:
        best: int ``[K]``, number of the value of C with the lowest held-out loss.
        losses: float64 ``[K, values of C]``, mean log loss of the held-out rows; infinite where it was not tried.
        logits: for each training set a list of the logits ``[m, c]`` of its inner folds' held-out rows at ``best``.
    """

    best: np.ndarray
    losses: np.ndarray
    logits: list[list[np.ndarray]]


def penalty_path(
    x: np.ndarray,
    y: np.ndarray,
    sample_weight: np.ndarray,
    inner: Sequence[Inner],
    penalties: Sequence[float],
    n_classes: int,
    max_iter: int,
) -> Path:
    """Held-out losses of inner folds over a path of penalties.

    Args:
        x: float ``[n, D]``.
        y: int ``[n]``, classes 0 ... C - 1; or 0/1 ``[n, L]``, where all labels share the C of a training set.
        sample_weight: float ``[n, F]``, how much each row counts in each inner fold; each has rows of all classes.
        inner: the inner folds.
        penalties: values of C, rising.
        n_classes: C; 2 if y has columns.
        max_iter: the most steps of a fit.
    """
    labels = 1 if y.ndim == 1 else y.shape[1]
    owner = np.repeat([part.owner for part in inner], labels)  # of each problem of one value of C
    sets, width = owner.max() + 1, len(inner) * labels
    tasks = [Task(part.fold, c, label) for c in penalties for part in inner for label in range(labels)]
    losses, open_ = np.full((sets, len(penalties)), np.inf), np.ones(sets, bool)
    held = np.bincount([part.owner for part in inner], [len(part.held_out) for part in inner], sets) * labels
    logits: dict[tuple[int, int], np.ndarray] = {}  # (value of C, problem) -> [m, c]
    with one_thread_a_product():
        problems = Problems(x, y, sample_weight, tasks, n_classes)
        u = problems.start()
        for number in range(min(FIRST, len(penalties)) - 1, len(penalties)):
            some = np.flatnonzero(open_[owner])
            steps = range(number + 1) if number < FIRST else [number]
            which = np.concatenate([step * width + some for step in steps])
            if number >= FIRST:
                u[which] = problems.moved(u[which - width], which - width, which)
            u[which] = minimise(_of(problems, which), u[which], max_iter, LOOSE).point
            found = _held_out(x, *problems.as_they_are(u[which], which), [inner[i % width // labels] for i in which])
            for i, z in zip(which.tolist(), found, strict=True):
                logits[i // width, i % width] = z
            for step in steps:
                each = [_loss(logits[step, i], _truth(y, inner[i // labels], i % labels)) for i in some.tolist()]
                sums = np.bincount(owner[some], each, sets)
                losses[open_, step] = sums[open_] / held[open_]
            open_ &= losses[:, number] <= (1 + FLAT) * losses.min(1)
            if not open_.any():
                break
    best = losses.argmin(1)
    kept: list[list[np.ndarray]] = [[] for _ in range(sets)]
    for i, part in enumerate(inner):
        own = [logits[best[part.owner], i * labels + label] for label in range(labels)]
        kept[part.owner].append(own[0] if y.ndim == 1 else np.hstack(own))
    return Path(best, losses, kept)


def _of(problems: Problems, which: np.ndarray) -> Objective:
    return lambda u, j: problems.value_and_gradient(u, which[j])


def _held_out(x: np.ndarray, weights: np.ndarray, intercepts: np.ndarray, parts: list[Inner]) -> list[np.ndarray]:
    """Logits ``[m, c]`` of the held-out rows of each problem; all problems in one product a block of them."""
    found: list[np.ndarray] = []
    j, dimension, c = weights.shape
    step = max(1, CELLS // (len(x) * c))
    for start in range(0, j, step):
        some = weights[start : start + step]
        flat = np.ascontiguousarray(some.transpose(1, 0, 2).reshape(dimension, -1), np.float32)  # [D, some c]
        z = by_blocks(_times(flat), x).reshape(len(x), len(some), c)
        for k in range(len(some)):
            found.append(z[parts[start + k].held_out, k] + intercepts[start + k])
    return found


def _times(matrix: np.ndarray) -> Callable[[np.ndarray], np.ndarray]:
    return lambda block: block @ matrix


def _truth(y: np.ndarray, part: Inner, label: int) -> np.ndarray:
    return y[part.held_out] if y.ndim == 1 else y[part.held_out, label]


def _loss(z: np.ndarray, y: np.ndarray) -> float:
    """Sum of the log losses of logits ``[m, c]``."""
    if z.shape[1] == 1:
        return float(np.logaddexp(0, np.where(y > 0, -z[:, 0], z[:, 0])).sum())
    z = z - z.max(1, keepdims=True)
    return float((np.log(np.exp(z).sum(1)) - z[np.arange(len(z)), y]).sum())
