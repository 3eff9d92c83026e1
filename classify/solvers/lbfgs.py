"""L-BFGS for many problems at once (Nocedal, Wright 2006, "Numerical Optimization", algorithm 7.5), in lockstep."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

MEMORY = 10  # steps that are remembered
TOLERANCE = 2e-8  # of the objective, expected to be gained by another step


def minimise(
    function: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
    start: np.ndarray,
    max_iter: int,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """L-BFGS for ``J`` convex problems in lockstep; those at their optimum are left alone.

    A step is expected to gain half its slope times its length: what a parabola of this slope would gain.

    Args:
        function: from points ``[j, ...]`` and the numbers of their problems to values ``[j]`` and gradients as points.
        start: ``[J, ...]``.
        max_iter: the most steps.

    Returns:
        the points, their values, and the steps taken.
    """
    point, steps = start.copy(), np.zeros(len(start), int)
    going = np.arange(len(start))
    value, gradient = function(point, going)
    memory: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # steps, changes of gradient, 1 / their product
    for _ in range(max_iter):
        direction = -_times_inverse_hessian(gradient[going], [tuple(a[going] for a in entry) for entry in memory])
        down = _dot(gradient[going], direction)
        left = -down / 2 > TOLERANCE * np.abs(value[going])
        going, direction, down = going[left], direction[left], down[left]
        if not len(going):
            break
        new, new_value, new_gradient, moved = _search(function, point[going], value[going], direction, down, going)
        s, t = np.zeros_like(point), np.zeros_like(point)
        s[going], t[going] = new - point[going], new_gradient - gradient[going]
        product = _dot(s, t)
        rho = np.divide(1, product, out=np.zeros(len(start)), where=product > 1e-12 * _dot(t, t))
        memory = [*memory, (s, t, rho)][-MEMORY:]
        point[going], value[going], gradient[going] = new, new_value, new_gradient
        steps[going] += 1
        going = going[moved]
    return point, value, steps


def _search(
    function: Callable, point: np.ndarray, value: np.ndarray, direction: np.ndarray, down: np.ndarray, going: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Points along ``direction`` that are low enough, their values and gradients, and which problems could still move.

    A point will do if its value is low or, near the optimum, where values in float32 cannot tell, if the gradient says
    so: the "approximate Wolfe" condition of Hager, Zhang 2005, SIAM J. Optim. 16(1), equation 4.1. Only problems whose
    point will not do are looked at again, where the gradients at both ends of the step say the lowest point is.
    """
    step, open_ = np.ones(len(going)), np.arange(len(going))
    new, new_value, new_gradient = point.copy(), value.copy(), np.zeros_like(point)
    for _ in range(20):
        new[open_] = point[open_] + step[open_, None, None] * direction[open_]
        new_value[open_], new_gradient[open_] = function(new[open_], going[open_])
        end = _dot(new_gradient[open_], direction[open_])
        low = new_value[open_] <= value[open_] + 1e-4 * step[open_] * down[open_]
        near = new_value[open_] <= value[open_] + 1e-6 * np.abs(value[open_])
        again = ~(low | (near & (end <= -0.8 * down[open_])))
        lowest = np.divide(down[open_], down[open_] - end, out=np.full(len(open_), 0.5), where=end > down[open_])
        open_ = open_[again]
        if not len(open_):
            break
        step[open_] *= np.clip(lowest[again], 0.1, 0.5)
    stuck = np.isin(np.arange(len(going)), open_)
    new[stuck], new_value[stuck] = point[stuck], value[stuck]
    return new, new_value, new_gradient, ~stuck


def _times_inverse_hessian(gradient: np.ndarray, memory: list) -> np.ndarray:
    """The two-loop recursion of L-BFGS, for each problem by itself."""
    q, factors = gradient.copy(), []
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
