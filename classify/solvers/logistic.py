"""Logistic regression for many folds, penalties and labels at once: one pass over the rows serves them all.

The problems share their rows and differ in how much each row counts (nothing, for a test row), in the penalty, and in
the label that they are about. Their weight vectors are columns of one matrix, so each step of the solver reads the
features once, for two matrix products. Each problem has one optimum (it is strictly convex but for the intercept), the
one of scikit-learn's ``LogisticRegression`` behind a ``StandardScaler``:

    minimise  C * sum_i m_i * loss(y_i, z_i @ w + b) + |w|^2 / 2,   z = (x - mean) / sd over the rows, weighted by m

where the loss is the logistic loss for two classes, of one column of weights, else the cross-entropy of the softmax, of
a column a class. The solver is L-BFGS, in lockstep, in coordinates in which the loss is nearly round: those
of the Cholesky factor of its Hessian where it starts, estimated on some of all rows. They shorten the way and have no
say in where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classify.solvers.blockwise import BLOCK, PIECE, blocks, moments, pieces, spread_rows, summed
from classify.solvers.lbfgs import minimise
from classify.solvers.losses import logistic_loss, softmax_loss
from classify.solvers.scaled import Scaled
from stores.shared.cores import one_thread_a_product

HESSIAN_ROWS = 4, 12  # times the dimension, at least and at most
CONSTANT = 1e-20  # of the squared mean: a smaller variance is rounding, since float32 values differ by 6e-8 at least
CACHE = 1 << 18  # numbers of a block of features (1 MiB), so that the second product finds them in the cache
SMALL = 64  # columns of a triangular matrix that is inverted as any other


@dataclass(frozen=True)
class Solution:
    """The optima of ``J`` problems.

    Attributes:
        weights: float64 ``[J, D, c]``, for the features as they are (not standardised); c = 1 for two classes, else C.
        intercepts: float64 ``[J, c]``.
        objectives: float64 ``[J]``, what was minimised.
        steps: int ``[J]``, how many the solver took.
        stuck: bool ``[J]``, whether it ended before the optimum because no step lowered the objective.
        constant: int ``[J]``, how many columns have one value in all rows that count, and so no weight.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    objectives: np.ndarray
    steps: np.ndarray
    stuck: np.ndarray
    constant: np.ndarray


@dataclass(frozen=True)
class Task:
    """One of the problems.

    Attributes:
        fold: number of its column of ``sample_weight``.
        penalty: the C of scikit-learn, inverse strength of the L2 penalty.
        label: number of its column of ``y``, if y has columns.
    """

    fold: int
    penalty: float = 1.0
    label: int = 0


def fit_logistic(
    x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray, tasks: list[Task], n_classes: int, max_iter: int
) -> Solution:
    """Solve problems over the same rows.

    Args:
        x: float ``[n, D]``, an array or a memory map; read in blocks, never changed.
        y: int ``[n]``, classes 0 ... C - 1, of all of which each problem has rows; or 0/1 ``[n, L]``.
        sample_weight: float ``[n, F]``, how much each row counts in each fold.
        tasks: the problems.
        n_classes: C; 2 if y has columns.
        max_iter: the most steps.
    """
    with one_thread_a_product():
        problems = Problems(x, y, sample_weight, tasks, n_classes)
        found = minimise(problems.value_and_gradient, problems.start(), max_iter)
        weights, intercepts = problems.as_they_are(found.point, np.arange(len(tasks)))
        return Solution(weights, intercepts, found.value, found.steps, found.stuck, problems.constant_columns)


class Problems:
    """The objective of all problems in the solver's coordinates ``u [J, D + 1, c]``, the last row the intercept.

    Standardised weights are ``w = L^-T u``, where ``L L^T`` is about the Hessian where the solver starts.
    """

    def __init__(
        self, x: np.ndarray, y: np.ndarray, sample_weight: np.ndarray, tasks: list[Task], n_classes: int
    ) -> None:
        self.x, self.columns = x, 1 if n_classes == 2 else n_classes
        self.y = y[:, None] if y.ndim == 1 else y
        self.sample_weight = np.ascontiguousarray(sample_weight, np.float32)
        self.fold, self.label = np.array([task.fold for task in tasks]), np.array([task.label for task in tasks])
        self.penalties = np.array([task.penalty for task in tasks], np.float64)
        means, variances = moments(x, sample_weight)
        variances[variances <= CONSTANT * means**2] = 0  # a column that does not vary has no weight
        self._scaled = Scaled(x, means, variances)
        self.mean = ((means - self._scaled.shift) / self._scaled.unit)[self.fold]
        per_sd = np.divide(self._scaled.unit, np.sqrt(variances), out=np.zeros(means.shape), where=variances > 0)
        self.per_sd = per_sd[self.fold]
        self.constant_columns = (variances == 0).sum(1)[self.fold]
        self._prior = self._shares(n_classes)
        self._precondition(means.mean(0), variances.mean(0))

    def _shares(self, n_classes: int) -> np.ndarray:
        """Share of each class among the rows of each problem, ``[J, C]``."""
        if self.columns == 1:
            ones = self.sample_weight.T.astype(np.float64) @ self.y
            p = (ones / self.sample_weight.sum(0, dtype=np.float64)[:, None])[self.fold, self.label]
            found = np.stack([1 - p, p], axis=1)
        else:
            found = self.sample_weight.T.astype(np.float64) @ np.eye(n_classes)[self.y[:, 0]]
            found = (found / found.sum(1, keepdims=True))[self.fold]
        return np.clip(found, 1e-6, 1)

    def _precondition(self, mean: np.ndarray, variance: np.ndarray) -> None:
        """Of the Hessian at the start: lower Cholesky factors ``[D, D]`` for the weights, roots for the intercepts.

        To multiply by their inverses is as good as to solve, as any preconditioner near to the Hessian serves, and does
        without SciPy's linear algebra, which takes a quarter of a second to import.

        Problems whose Hessians differ by less than a factor of 2 share a factor.
        """
        n, dimension = self.x.shape
        low, high = (times * dimension for times in HESSIAN_ROWS)
        most = 64 * n * len(self.fold) * self.columns // dimension  # as long as some five passes
        some = spread_rows(self.sample_weight, min(high, max(low, most)))
        per_sd = np.divide(1, np.sqrt(variance), out=np.zeros(len(mean)), where=variance > 0).astype(np.float32)

        def share(rows: range) -> tuple[np.ndarray]:
            z = np.asarray(self.x[some[rows.start : rows.stop]], np.float32)
            z -= mean.astype(np.float32)
            z *= per_sd
            return (z.T @ z,)

        gram = summed(share, len(some), dimension**2)[0].astype(np.float64) / len(some)
        spread = (self._prior * (1 - self._prior)).mean(1)
        strength = self.penalties * self.sample_weight.sum(0, dtype=np.float64)[self.fold] * spread
        self._root = np.sqrt(strength)
        self._factors: list[np.ndarray] = []
        self._inverses: list[np.ndarray] = []
        self._factor_of, rest = np.empty(len(strength), int), np.argsort(strength, kind="stable")
        while len(rest):
            near = strength[rest] <= 2 * strength[rest[0]]
            self._factor_of[rest[near]] = len(self._factors)
            hessian = gram * np.exp(np.log(strength[rest[near]]).mean())
            hessian[np.diag_indices_from(hessian)] += 1
            self._factors.append(np.linalg.cholesky(hessian))
            self._inverses.append(_inverse(self._factors[-1]))
            rest = rest[~near]

    def start(self) -> np.ndarray:
        """No weights, and intercepts that give the share of each class."""
        found = np.zeros((len(self.fold), self.x.shape[1] + 1, self.columns))
        log = np.log(self._prior)
        found[:, -1] = log[:, 1:] - log[:, :1] if self.columns == 1 else log - log.mean(1, keepdims=True)
        found[:, -1] *= self._root[:, None]
        return found

    def _solve(self, values: np.ndarray, which: np.ndarray, trans: str) -> np.ndarray:
        """``L^-1`` (``trans`` N) or ``L^-T`` (T) times ``values [j, D, c]`` of the problems ``which``."""
        found = np.empty(values.shape)
        for number, inverse in enumerate(self._inverses):
            mine = self._factor_of[which] == number
            if mine.any():
                flat = values[mine].transpose(1, 0, 2).reshape(len(inverse), -1)
                flat = (inverse.T if trans == "T" else inverse) @ flat
                found[mine] = flat.reshape(len(inverse), -1, values.shape[2]).transpose(1, 0, 2)
        return found

    def as_they_are(self, u: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights ``[j, D, c]`` and intercepts ``[j, c]``, for the features as they are, of the problems ``which``."""
        weights, intercepts = self._in_passes(u, self._solve(u[:, :-1], which, "T"), which)
        weights /= self._scaled.unit[:, None]
        return weights, intercepts - np.einsum("d,jdc->jc", self._scaled.shift, weights)

    def at(self, weights: np.ndarray, intercepts: np.ndarray) -> np.ndarray:
        """Inverse of ``as_they_are``, for all problems."""
        every = np.arange(len(weights))
        in_passes = weights * self._scaled.unit[:, None]
        b = intercepts + np.einsum("d,jdc->jc", self._scaled.shift, weights)
        b += np.einsum("jd,jdc->jc", self.mean, in_passes)
        per_sd = self.per_sd[:, :, None]
        w = np.divide(in_passes, per_sd, out=np.zeros_like(in_passes), where=per_sd > 0)
        found = np.empty((len(w), w.shape[1] + 1, w.shape[2]))
        for number, factor in enumerate(self._factors):
            mine = every[self._factor_of == number]
            found[mine, :-1] = np.einsum("ed,jec->jdc", factor, w[mine])  # u = L^T w
        found[:, -1] = b * self._root[:, None]
        return found

    def moved(self, u: np.ndarray, source: np.ndarray, target: np.ndarray) -> np.ndarray:
        """The points of the problems ``source`` in the coordinates of the problems ``target``, for a warm start."""
        w = self._solve(u[:, :-1], source, "T")  # standardised weights are what the two have in common
        found = np.empty_like(u)
        for number, factor in enumerate(self._factors):
            mine = self._factor_of[target] == number
            found[mine, :-1] = np.einsum("ed,jec->jdc", factor, w[mine])  # u = L^T w
        found[:, -1] = u[:, -1] * (self._root[target] / self._root[source])[:, None]
        return found

    def _in_passes(self, u: np.ndarray, w: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights and intercepts for the features as the passes see them, of standardised weights ``w``."""
        weights = w * self.per_sd[which][:, :, None]
        b = u[:, -1] / self._root[which][:, None]
        return weights, b - np.einsum("jd,jdc->jc", self.mean[which], weights)

    def value_and_gradient(self, u: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Objectives ``[j]`` and gradients ``[j, D + 1, c]`` of the problems ``which`` at ``u [j, D + 1, c]``."""
        w = self._solve(u[:, :-1], which, "T")  # w = L^-T u: [j, D, c]
        loss, gradient, gradient_intercept = self._pass(*self._in_passes(u, w, which), which)
        # dz/dw = (x - mean) / sd: the pass has summed over x as it is, so the mean is taken out of the sum here
        gradient = (gradient - self.mean[which][:, :, None] * gradient_intercept[:, None]) * self.per_sd[which][
            :, :, None
        ]
        c = self.penalties[which]
        # by u: L^-1 (C dloss/dw + w), the second term from |w|^2 / 2
        gradient = self._solve(c[:, None, None] * gradient + w, which, "N")
        gradient_intercept = (c / self._root[which])[:, None] * gradient_intercept
        return c * loss + (w**2).sum((1, 2)) / 2, np.concatenate([gradient, gradient_intercept[:, None]], 1)

    def _pass(
        self, weights: np.ndarray, intercepts: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One pass over the rows: losses ``[j]``, gradients by weight ``[j, D, c]``, by intercept ``[j, c]``."""
        j, dimension, c = weights.shape
        v = np.ascontiguousarray(weights.transpose(1, 0, 2).reshape(dimension, j * c), np.float32)  # [D, j c]
        b = intercepts.reshape(j * c).astype(np.float32)
        fold, label = self.fold[which], self.label[which]
        loss_of = logistic_loss if self.columns == 1 else softmax_loss
        size = max(PIECE, min(BLOCK, CACHE // dimension))
        at_start = not v.any()  # where there are no weights yet, there is nothing to multiply

        def share(rows: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            loss, gradient, gradient_intercept = np.zeros(j), np.zeros((j * c, dimension)), np.zeros(j * c)
            for part in blocks(rows, size):
                block = self._scaled.block(part)
                some = pieces(len(block), dimension, j * c)
                z = np.zeros((len(block), j * c), np.float32)
                if not at_start:
                    for piece in some:
                        np.matmul(block[piece], v, out=z[piece])  # [rows, j c]
                z += b
                y = self.y[part] if self.y.shape[1] == 1 else self.y[part][:, label]
                values, residual = loss_of(z, y, self.sample_weight[part][:, fold])
                loss += values
                for piece in some:
                    gradient += residual[piece].T @ block[piece]  # [j c, D], the second product
                gradient_intercept += residual.sum(0, dtype=np.float64)
            return loss, gradient, gradient_intercept

        loss, gradient, gradient_intercept = summed(share, len(self.x), j * c * dimension)
        return loss, gradient.reshape(j, c, dimension).transpose(0, 2, 1), gradient_intercept.reshape(j, c)


def _inverse(lower: np.ndarray) -> np.ndarray:
    """Of a lower triangular matrix ``[D, D]``: ``[[A, 0], [B, C]]^-1 = [[A^-1, 0], [-C^-1 B A^-1, C^-1]]``."""
    if len(lower) <= SMALL:
        return np.linalg.inv(lower)
    half, found = len(lower) // 2, np.zeros(lower.shape)
    found[:half, :half] = first = _inverse(lower[:half, :half])
    found[half:, half:] = second = _inverse(lower[half:, half:])
    found[half:, :half] = -second @ (lower[half:, :half] @ first)
    return found
