"""L-BFGS for many problems at once (Nocedal, Wright 2006, "Numerical Optimization", algorithm 7.5), in lockstep."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np

MEMORY = 10  # steps that are remembered
TOLERANCE = 2e-8  # of the objective, expected to be gained by another step
TRIES = 20  # step lengths of one line search
STUCK = 1e-6  # of the objective, still expected to be gained where a line search finds no lower point

# from points [j, ...] and the numbers of their problems to values [j] and gradients as points
Objective = Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]]


class Minimum(NamedTuple):
    """Where ``J`` problems ended.

    Attributes:
        point: ``[J, ...]``.
        value: float ``[J]``, the objectives there.
        steps: int ``[J]``, how many were taken.
        stuck: bool ``[J]``, whether the line search found no lower point although one was to be expected.
    """

    point: np.ndarray
    value: np.ndarray
    steps: np.ndarray
    stuck: np.ndarray


def minimise(function: Objective, start: np.ndarray, max_iter: int, tolerance: float = TOLERANCE) -> Minimum:
    """L-BFGS for ``J`` convex problems in lockstep; those at their optimum are left alone.

    A step is expected to gain half its slope times its length: what a parabola of this slope would gain.

    Args:
        function: values and gradients.
        start: ``[J, ...]``.
        max_iter: the most steps.
        tolerance: share of the objective below which the expected gain of a step ends a problem.
    """
    point, steps, stuck = start.copy(), np.zeros(len(start), int), np.zeros(len(start), bool)
    going = np.arange(len(start))  # numbers of the problems that still move
    value, gradient = function(point, going)
    memory: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []  # s [J, ...], t [J, ...], rho [J] of the last steps
    for _ in range(max_iter):
        # p = -H g, with H the inverse Hessian that the remembered steps suggest: [j, ...]
        direction = -_times_inverse_hessian(gradient[going], [tuple(a[going] for a in entry) for entry in memory])
        slope = _dot(gradient[going], direction)  # g . p, how fast the objective falls along p: [j]
        # the parabola through the value with this slope gains -g.p / 2 at its lowest point
        left = -slope / 2 > tolerance * np.abs(value[going])
        going, direction, slope = going[left], direction[left], slope[left]
        if not len(going):
            break
        found = _search(function, point[going], value[going], direction, slope, going)
        s, t = np.zeros_like(point), np.zeros_like(point)
        s[going] = found.point - point[going]  # the step
        t[going] = found.gradient - gradient[going]  # how the gradient changed over it
        product = _dot(s, t)
        # rho = 1 / (s . t); a step along which the curvature is not positive teaches nothing and is left out
        rho = np.divide(1, product, out=np.zeros(len(start)), where=product > 1e-12 * _dot(t, t))
        memory = [*memory, (s, t, rho)][-MEMORY:]
        point[going], value[going], gradient[going] = found.point, found.value, found.gradient
        steps[going] += 1
        stuck[going] = ~found.moved & (-slope / 2 > STUCK * np.abs(value[going]))
        going = going[found.moved]
    return Minimum(point, value, steps, stuck)


class _Found(NamedTuple):
    """Points along the directions, ``[j, ...]``, and whether they are lower than where the search began."""

    point: np.ndarray
    value: np.ndarray
    gradient: np.ndarray
    moved: np.ndarray


def _search(
    function: Objective,
    point: np.ndarray,
    value: np.ndarray,
    direction: np.ndarray,
    slope: np.ndarray,
    going: np.ndarray,
) -> _Found:
    """Points along ``direction`` that are low enough.

    A point will do if its value is low or, near the optimum, where values in float32 cannot tell, if the gradient says
    so: the "approximate Wolfe" condition of Hager, Zhang 2005, SIAM J. Optim. 16(1), equation 4.1. Only problems whose
    point will not do are looked at again, where the gradients at both ends of the step say the lowest point is.
    """
    step, open_ = np.ones(len(going)), np.arange(len(going))
    new, new_value, new_gradient = point.copy(), value.copy(), np.zeros_like(point)
    for _ in range(TRIES):
        # x + a p, for the problems that have no point yet
        new[open_] = point[open_] + step[open_, None, None] * direction[open_]
        new_value[open_], new_gradient[open_] = function(new[open_], going[open_])
        end = _dot(new_gradient[open_], direction[open_])  # slope at the end of the step: [open]
        low = new_value[open_] <= value[open_] + 1e-4 * step[open_] * slope[open_]  # Armijo's condition
        near = new_value[open_] <= value[open_] + 1e-6 * np.abs(value[open_])
        again = ~(low | (near & (end <= -0.8 * slope[open_])))
        # the slope is taken to rise in a straight line from one end to the other: where it is 0 is the lowest point
        lowest = np.divide(slope[open_], slope[open_] - end, out=np.full(len(open_), 0.5), where=end > slope[open_])
        open_ = open_[again]
        if not len(open_):
            break
        step[open_] *= np.clip(lowest[again], 0.1, 0.5)
    moved = ~np.isin(np.arange(len(going)), open_)
    new[~moved], new_value[~moved] = point[~moved], value[~moved]
    return _Found(new, new_value, new_gradient, moved)


def _times_inverse_hessian(gradient: np.ndarray, memory: list) -> np.ndarray:
    """The two-loop recursion of L-BFGS (algorithm 7.4), for each problem by itself: ``H g [j, ...]``."""
    q, alphas = gradient.copy(), []
    for s, t, rho in reversed(memory):  # from the newest step to the oldest
        alphas.append(rho * _dot(s, q))
        q -= alphas[-1][:, None, None] * t
    if memory:
        s, t, rho = memory[-1]
        # H0 = (s . t) / (t . t) of the newest step, the scale of the Hessian along it (equation 7.20)
        scale = np.divide(1, rho * _dot(t, t), out=np.ones(len(q)), where=rho > 0)
        q *= scale[:, None, None]
    for (s, t, rho), alpha in zip(memory, reversed(alphas), strict=True):  # and back to the newest
        beta = rho * _dot(t, q)
        q += (alpha - beta)[:, None, None] * s
    return q


def _dot(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Inner product of each problem, ``[j]``."""
    return np.einsum("jdc,jdc->j", a, b)
