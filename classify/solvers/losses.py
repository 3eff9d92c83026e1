"""The losses that the solver sums: logistic for two classes, the cross-entropy of the softmax for more."""

from __future__ import annotations

import numpy as np


def logistic_loss(z: np.ndarray, y: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Sum of the losses of each problem, and their gradients by ``z``.

    Args:
        z: float32 ``[rows, j]``, a column a problem.
        y: int ``[rows, j]``, or ``[rows, 1]`` if all problems are about one label, 0 or 1.
        m: float32 ``[rows, j]``, how much each row counts.

    Returns:
        Float64 ``[j]``, float32 ``[rows, j]``.
    """
    # loss = log(1 + exp(-margin)), margin = y z with y in -1, 1: [rows, j]
    sign = (2 * (y > 0) - 1).astype(np.float32)
    margin = z * sign
    tail = np.exp(-np.abs(margin))  # never overflows
    loss = np.log1p(tail)
    loss += np.maximum(-margin, 0)
    wrong = np.exp(-np.maximum(margin, 0))  # 1 or, where the margin is positive, the tail: np.where takes longer
    tail += 1
    wrong /= tail  # the probability of the other class
    wrong *= m
    wrong *= -sign
    return np.einsum("ij,ij->j", loss, m, dtype=np.float64), wrong


def softmax_loss(z: np.ndarray, y: np.ndarray, m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """As ``logistic_loss``, of ``C`` columns of ``z [rows, j * C]`` a problem, and classes ``y [rows, 1]``."""
    # loss = log(sum_c exp(z_c)) - z_y, of [rows, j, C]; the largest z is taken out so that exp does not overflow
    gradient_shape = z.shape
    z = z.reshape(len(z), m.shape[1], -1)
    z = z - z.max(2, keepdims=True)
    proba = np.exp(z)
    total = proba.sum(2, keepdims=True)
    rows = np.arange(len(z))
    loss = np.log(total[:, :, 0]) - z[rows, :, y[:, 0]]
    proba /= total
    proba[rows, :, y[:, 0]] -= 1  # dloss/dz_c = p_c - (c is y)
    return np.einsum("ij,ij->j", loss, m, dtype=np.float64), (proba * m[:, :, None]).reshape(gradient_shape)
