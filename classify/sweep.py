"""Logistic regression for many folds and penalties at once: one pass over the rows serves them all.

The problems share their rows and differ in how often each row counts (never, for a test row) and in the penalty. Their
weight vectors are columns of one matrix, so each step of the solver reads the features once, for two matrix products.
Each problem has one optimum (it is strictly convex but for the intercept), the one of scikit-learn's
``LogisticRegression`` behind a ``StandardScaler``:

    minimise  C * sum_i m_i * loss(y_i, z_i @ w + b) + |w|^2 / 2,   z = (x - mean) / sd over the rows with m > 0

where the loss is the logistic loss for two classes, of one column of weights, else the cross-entropy of the softmax, of
a column a class. The solver is L-BFGS, in lockstep, in coordinates in which the loss is nearly round: those
of the Cholesky factor of its Hessian at zero, estimated on some of all rows. They shorten the way and have no say in
where it ends.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classify.lbfgs import minimise
from classify.passes import BLOCK, moments, one_thread_a_product, shared_out, some_rows

HESSIAN_ROWS = 4  # times the dimension
KEPT_BYTES = 1 << 30  # of standardised features; more are standardised anew in each pass


@dataclass(frozen=True)
class Solution:
    """The optima of ``J`` problems.

    Attributes:
        weights: float64 ``[J, D, c]``, for the features as they are (not standardised); c = 1 for two classes, else C.
        intercepts: float64 ``[J, c]``.
        objectives: float64 ``[J]``, what was minimised.
        steps: int ``[J]``, how many the solver took.
    """

    weights: np.ndarray
    intercepts: np.ndarray
    objectives: np.ndarray
    steps: np.ndarray


def fit_logistic(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, penalties: np.ndarray, n_classes: int, max_iter: int
) -> Solution:
    """Solve ``J`` problems over the same rows.

    Args:
        x: float ``[n, D]``, an array or a memory map; read in blocks, never changed.
        y: int ``[n]``, classes 0 ... C - 1, of all of which each problem has rows.
        counts: float ``[n, J]``, how often each row counts in each problem.
        penalties: float ``[J]``, the C of scikit-learn: inverse strength of the L2 penalty.
        n_classes: C.
        max_iter: the most steps.
    """
    with one_thread_a_product():
        return _solve(x, y, counts, penalties, n_classes, max_iter)


def _solve(
    x: np.ndarray, y: np.ndarray, counts: np.ndarray, penalties: np.ndarray, n_classes: int, max_iter: int
) -> Solution:
    problem = _Problem(x, y, counts, np.asarray(penalties, np.float64), n_classes)
    start = np.zeros((counts.shape[1], x.shape[1] + 1, problem.columns))
    found, values, steps = minimise(problem.value_and_slope, start, max_iter)
    return Solution(*problem.as_they_are(found), values, steps)


class _Problem:
    """The objective of all problems in the solver's coordinates ``u [J, D + 1, c]``, the last row the intercept.

    Standardised weights are ``w = L^-T u``, where ``L L^T`` is the Hessian at zero of the mean penalty's problem.
    """

    def __init__(self, x: np.ndarray, y: np.ndarray, counts: np.ndarray, penalties: np.ndarray, n_classes: int) -> None:
        self.x, self.y, self.penalties = x, y, penalties
        self.counts = np.ascontiguousarray(counts, np.float32)
        self.columns = 1 if n_classes == 2 else n_classes
        means, variances = moments(x, counts)
        variances[variances <= 1e-12 * means**2] = 0  # a column that does not vary
        self._shift, self._unit = means.mean(0), np.sqrt(variances.mean(0))
        self._unit[self._unit == 0] = 1
        self.mean, self.scale = (means - self._shift) / self._unit, np.sqrt(variances) / self._unit
        self.scale[self.scale == 0] = 1
        self._kept = self._block(slice(None)) if x.size * 4 <= KEPT_BYTES else None
        self._factor, self._root = self._hessian_roots()

    def _hessian_roots(self) -> tuple[np.ndarray, float]:
        """Of the Hessian at zero the lower Cholesky factor ``[D, D]`` for the weights, the root for the intercept."""
        z = some_rows(self.x, self.counts, HESSIAN_ROWS * self.x.shape[1])
        z = ((z - self._shift) / self._unit).astype(np.float32)
        share = 1 / 4 if self.columns == 1 else (self.columns - 1) / self.columns**2
        weight = share * self.counts.sum(0, dtype=np.float64).mean() * np.median(self.penalties)
        products = shared_out(lambda rows: z[rows.start : rows.stop].T @ z[rows.start : rows.stop], len(z))
        gram = sum(products).astype(np.float64) * (weight / len(z))
        gram[np.diag_indices_from(gram)] += 1
        return np.linalg.cholesky(gram), weight**0.5

    def standardised(self, u: np.ndarray) -> np.ndarray:
        """Weights for standardised features ``[J, D, c]``."""
        from scipy.linalg import solve_triangular

        flat = u[:, :-1].transpose(1, 0, 2).reshape(u.shape[1] - 1, -1)
        solved = solve_triangular(self._factor, flat, lower=True, trans="T", check_finite=False)
        return solved.reshape(-1, u.shape[0], u.shape[2]).transpose(1, 0, 2)

    def as_they_are(self, u: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Weights ``[J, D, c]`` and intercepts ``[J, c]`` for the features as they are."""
        weights = self.standardised(u) / self.scale[:, :, None]
        intercepts = u[:, -1] / self._root - np.einsum("jd,jdc->jc", self.mean, weights)
        weights /= self._unit[:, None]
        return weights, intercepts - np.einsum("d,jdc->jc", self._shift, weights)

    def value_and_slope(self, u: np.ndarray, which: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Objectives ``[j]`` and slopes ``[j, D + 1, c]`` of the problems ``which`` at ``u [j, D + 1, c]``."""
        from scipy.linalg import solve_triangular

        w = self.standardised(u)
        weights = w / self.scale[which][:, :, None]
        intercepts = u[:, -1] / self._root - np.einsum("jd,jdc->jc", self.mean[which], weights)
        loss, slope, slope_intercept = self._pass(weights, intercepts, which)
        slope = (slope - self.mean[which][:, :, None] * slope_intercept[:, None]) / self.scale[which][:, :, None]
        c = self.penalties[which]
        slope = c[:, None, None] * slope + w
        flat = slope.transpose(1, 0, 2).reshape(slope.shape[1], -1)
        flat = solve_triangular(self._factor, flat, lower=True, check_finite=False)
        slope = flat.reshape(-1, *u.shape[::2]).transpose(1, 0, 2)
        value = c * loss + (w**2).sum((1, 2)) / 2
        return value, np.concatenate([slope, (c[:, None] * slope_intercept / self._root)[:, None]], 1)

    def _pass(
        self, weights: np.ndarray, intercepts: np.ndarray, which: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """One pass over the rows: losses ``[j]``, and their slopes by weight ``[j, D, c]`` and intercept ``[j, c]``."""
        j, dimension, c = weights.shape
        v = np.ascontiguousarray(weights.transpose(1, 0, 2).reshape(dimension, j * c), np.float32)
        b = intercepts.reshape(j * c).astype(np.float32)

        def share(rows: range) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
            loss, slope, slope_intercept = np.zeros(j), np.zeros((dimension, j * c)), np.zeros(j * c)
            for start in range(rows.start, rows.stop, BLOCK):
                part = slice(start, min(start + BLOCK, rows.stop))
                block = self._block(part) if self._kept is None else self._kept[part]
                values, residual = self._losses(block @ v + b, self.y[part], self.counts[part][:, which])
                loss += values
                slope += block.T @ residual
                slope_intercept += residual.sum(0, dtype=np.float64)
            return loss, slope, slope_intercept

        loss, slope, slope_intercept = (sum(parts) for parts in zip(*shared_out(share, len(self.x)), strict=True))
        return loss, slope.reshape(dimension, j, c).transpose(1, 0, 2), slope_intercept.reshape(j, c)

    def _block(self, rows: slice) -> np.ndarray:
        """Rows of the features, float32, standardised by what all problems share: so their products are precise."""
        found = np.empty(self.x[rows].shape, np.float32)
        for start in range(0, len(found), BLOCK):
            part = slice(start, start + BLOCK)
            found[part] = (self.x[rows][part] - self._shift) / self._unit
        return found

    def _losses(self, z: np.ndarray, y: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Sum of the losses of each problem, float64 ``[j]``, and their slopes by ``z [rows, j * c]``."""
        if self.columns == 1:
            sign = (2 * y - 1).astype(np.float32)[:, None]
            margin = z * sign
            tail = np.exp(-np.abs(margin))
            loss = np.log1p(tail) + np.maximum(-margin, 0)
            wrong = np.where(margin > 0, tail, 1) / (1 + tail)  # the probability of the other class
            return np.einsum("ij,ij->j", loss, m, dtype=np.float64), -sign * wrong * m
        z = z.reshape(len(z), -1, self.columns)
        z = z - z.max(2, keepdims=True)
        proba = np.exp(z)
        total = proba.sum(2, keepdims=True)
        rows = np.arange(len(z))
        loss = np.log(total[:, :, 0]) - z[rows, :, y]
        proba /= total
        proba[rows, :, y] -= 1
        return np.einsum("ij,ij->j", loss, m, dtype=np.float64), (proba * m[:, :, None]).reshape(len(z), -1)
