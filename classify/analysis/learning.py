"""Scores with more and more training rows -> a power law, and what a thousand more labelled rows would bring.

The error, 1 - score, is taken to fall as ``a + b n^-c`` (Hestness et al. 2017, "Deep learning scaling is predictable,
empirically"), with no floor ``a`` where there are fewer than four sizes. It is a guess beyond what was measured: it
holds for more rows of the same kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from classify.metrics_json import Estimate, RunMetrics

MORE = 1000  # labelled rows
DRAWS = 1000
WITH_FLOOR = 4  # sizes from which on a floor is fitted
STEEPEST, STEPS = 2.0, 80  # c is one of so many values up to this one
METRIC = "f1_macro"
Z = 1.96


@dataclass(frozen=True)
class Point:
    """A score with its 95 % interval, of models of ``rows`` training rows."""

    rows: float
    value: float
    low: float
    high: float


@dataclass(frozen=True)
class LearningFit:
    """A power law through at least two points.

    Attributes:
        points: by their rows.
        more: rows that the gain is about.
        metric: that the points are of.
    """

    points: list[Point]
    more: int = MORE
    metric: str = METRIC

    @property
    def rows(self) -> float:
        """Training rows of the largest models."""
        return self.points[-1].rows

    @property
    def law(self) -> str:
        """The law in symbols, with its fitted numbers."""
        a, b, c = (float(values[0]) for values in self.fitted)
        floor = f"{1 - a:.3f}" if len(self.points) >= WITH_FLOOR else "1"
        return f"{floor} - {b:.3g} / rows^{c:.2f}"

    @cached_property
    def fitted(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """``a``, ``b`` and ``c``, ``[1 + DRAWS]`` each: of the points as they are, and as they might have been."""
        value = np.array([p.value for p in self.points])
        sd = np.array([p.high - p.low for p in self.points]) / (2 * Z)
        noise = np.random.default_rng(0).normal(size=(DRAWS, len(value)))
        drawn = np.vstack([value, value + noise * sd])
        return fit_power_law(np.array([p.rows for p in self.points]), 1 - drawn, len(value) >= WITH_FLOOR)

    def at(self, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """The score at each number of rows, and its 95 % interval, ``[n]`` each."""
        a, b, c = (values[:, None] for values in self.fitted)
        score = 1 - (a + b * np.asarray(rows, float)[None] ** -c)
        low, high = np.quantile(score[1:], [0.025, 0.975], axis=0)
        return score[0], low, high

    @cached_property
    def gain(self) -> tuple[float, float, float]:
        """What ``more`` rows would add to the score, with its 95 % interval."""
        _, b, c = self.fitted
        gained = b * (self.rows**-c - (self.rows + self.more) ** -c)
        low, high = np.quantile(gained[1:], [0.025, 0.975])
        return float(gained[0]), float(low), float(high)

    def sentence(self, title: str) -> str:
        """What more rows would bring, in words."""
        value, low, high = self.gain
        return f"{self.more:,} more labelled rows would bring about {value:+.3f} {title} [{low:+.3f}, {high:+.3f}]"


def learning_fit(metrics: RunMetrics) -> LearningFit | None:
    """The power law through the learning curve of a run and its own score; None if there is no curve."""
    if not metrics.learning_curve:
        return None
    whole = float(np.mean([fold.train_rows for fold in metrics.folds]))
    found = [_point(point.train_rows, point.overall.get(METRIC)) for point in metrics.learning_curve if point.share < 1]
    found.append(_point(whole, metrics.overall.get(METRIC)))
    points = sorted((point for point in found if point is not None), key=lambda point: point.rows)
    return LearningFit(points) if len({point.rows for point in points}) > 1 else None


def fit_power_law(rows: np.ndarray, error: np.ndarray, floor: bool) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """``a``, ``b``, ``c`` >= 0 of least squares of ``a + b rows^-c``, ``[B]`` each.

    For each of some exponents the rest is a straight line, whose best is known; the best of all is taken.

    Args:
        rows: ``[n]``.
        error: ``[B, n]``.
        floor: whether ``a`` is fitted; else it is 0.
    """
    best = np.full(len(error), np.inf)
    a, b, c = np.zeros((3, len(error)))
    for exponent in np.linspace(0, STEEPEST, STEPS + 1):
        x = rows**-exponent
        lines = [(np.zeros(len(error)), np.maximum(error @ x / (x @ x), 0))]  # through the origin
        if floor and exponent > 0:
            centred = x - x.mean()
            slope = np.maximum(error @ centred / (centred @ centred), 0)
            level = error.mean(1) - slope * x.mean()
            lines += [(np.where(level > 0, level, 0.0), np.where(level > 0, slope, lines[0][1]))]
        for height, slope in lines:
            squares = ((height[:, None] + slope[:, None] * x - error) ** 2).sum(1)
            better = squares < best - 1e-15
            best = np.where(better, squares, best)
            a, b, c = np.where(better, [height, slope, np.full(len(error), exponent)], [a, b, c])
    return a, b, c


def _point(rows: float, score: Estimate | None) -> Point | None:
    if score is None or score.value is None or score.low is None or score.high is None:
        return None
    return Point(rows, score.value, score.low, score.high)
