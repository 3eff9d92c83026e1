"""L-BFGS for many problems at once (Nocedal, Wright 2006, "Numerical Optimization", algorithm 7.5), in lockstep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MEMORY = 10  # steps that are remembered
TOLERANCE = 1e-8  # of the objective, expected to be gained by another step


def minimise(
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L-BFGS for ``J`` problems in lockstep; those at their optimum are left alone.

    The coordinates are such that the Hessian is near 1, so half the squared slope is about what is left to gain.

    Args:
        function: from points ``[j, ...]`` and the numbers of their problems to values ``[j]`` and slopes ``[j, ...]``.
        start: ``[J, ...]``.
        max_iter: the most steps.

    Returns:
        the points, their values, and the steps taken.
    """
    point, steps = start.copy(), np.zeros(len(start), int)
    going = np.arange(len(start))
    value, slope = function(point, going)
    memory: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # steps, changes of slope, 1 / their product
    for _ in range(max_iter):
        going = going[_dot(slope[going], slope[going]) / 2 > TOLERANCE * np.abs(value[going])]
        if not len(going):
            break
        direction = -_times_inverse_hessian(slope[going], [tuple(a[going] for a in entry) for entry in memory])
        down = _dot(slope[going], direction)
        new, new_value, new_slope, moved = _backtrack(function, point, value, direction, down, going)
        s, t = np.zeros_like(point), np.zeros_like(point)
        s[going], t[going] = new - point[going], new_slope - slope[going]
        product = _dot(s, t)
        rho = np.divide(1, product, out=np.zeros(len(start)), where=product > 1e-12 * _dot(t, t))
        memory = [*memory, (s, t, rho)][-MEMORY:]
        point[going], value[going], slope[going] = new, new_value, new_slope
        steps[going] += 1
        going = going[moved]
    return point, value, steps


def _backtrack(
    function: Callable, point: np.ndarray, value: np.ndarray, direction: np.ndarray, down: np.ndarray, going: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points along ``direction`` that are low enough, their values and slopes, and which problems could still move."""
    step = np.ones(len(going))
    for _ in range(20):
        new = point[going] + step[:, None, None] * direction
        new_value, new_slope = function(new, going)
        noise = 1e-9 * np.abs(value[going])  # float32 products, summed
        high = new_value > value[going] + 1e-4 * step * down + noise
        if not high.any():
            break
        step = np.where(high, step / 2, step)
    new[high] = point[going][high]
    return new, np.where(high, value[going], new_value), new_slope, ~high


def _times_inverse_hessian(slope: np.ndarray, memory: list) -> np.ndarray:
    """The two-loop recursion of L-BFGS, for each problem by itself."""
    q, factors = slope.copy(), []
    for s, t, rho in reversed(memory):
        factors.append(rho * _dot(s, q))
        q -= factors[-1][:, None, None] * t
    if memory:
        s, t, rho = memory[-1]
        scale = np.divide(1, rho * _dot(t, t), out=np.ones(len(q)), where=rho > 0)
        q *= scale[:, None, None]
    for (s, t, rho), factor in zip(memory, reversed(factors), strict=True):
        q += (factor - rho * _dot(t, q))[:, None, None] * s
    return q


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner product of each problem, ``[j]``."""
    return np.einsum("jdc,jdc->j", a, b)
