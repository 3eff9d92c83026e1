"""From numbers to places on the paper: the ends of an axis, its round numbers, and how wide a text is."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from stores.shared.chart import Axis, Bars, Intervals, Line, Panel

MARGIN = 0.05  # of the range of the marks, on either side
STEPS = (1.0, 2.0, 2.5, 5.0, 10.0)
NARROW, WIDE = frozenset("iljftr.,:;'|!()[]{}I \"-"), frozenset("mwMWQO@%")


@dataclass(frozen=True)
class Scale:
    """Numbers of the data from ``low`` to ``high`` lie from ``start`` to ``end`` in points."""

    low: float
    high: float
    start: float
    end: float
    log: bool = False

    def __call__(self, values: object) -> np.ndarray:
        """Places; what is infinite lies at the edge."""
        found = np.asarray(values, np.float64)
        found = np.where(np.isinf(found), np.where(found > 0, self.high, self.low), found)
        low, high = self.low, self.high
        if self.log:
            found = np.log(np.maximum(found, np.finfo(float).tiny))
            low, high = math.log(low), math.log(high)
        return self.start + (found - low) / (high - low) * (self.end - self.start)

    def holds(self, values: object) -> bool:
        """Whether all of them lie between the ends."""
        found = np.asarray(values, np.float64)
        found = found[np.isfinite(found)]
        return not len(found) or bool((self.low <= found.min()) & (found.max() <= self.high))


def scale_of(axis: Axis, panel: Panel, start: float, end: float) -> Scale:
    """The scale of one of the panel's axes."""
    low, high = _ends(axis, panel)
    return Scale(low, high, *((end, start) if axis.falling else (start, end)), log=axis.log)


def _ends(axis: Axis, panel: Panel) -> tuple[float, float]:
    parts = [np.asarray(values, np.float64).ravel() for values in _places(panel, axis is panel.x)]
    found = np.concatenate([np.empty(0), *parts])
    found = found[np.isfinite(found) & ((found > 0) | (not axis.log))]
    low, high = (float(found.min()), float(found.max())) if len(found) else (0.0, 1.0)
    low, high = (low, high) if high > low else (low - 0.5, high + 0.5)
    margin = 0.0 if axis.log else MARGIN * (high - low)
    bars = any(isinstance(mark, Bars) for mark in panel.marks)  # they stand on the axis
    low = low if bars and low == 0 else low - margin
    high = high if bars and high == 0 else high + margin
    return low if axis.low is None else axis.low, high if axis.high is None else axis.high


def _places(panel: Panel, across: bool) -> Iterator[object]:
    """The numbers of the marks along one of the axes."""
    for mark in panel.marks:
        if isinstance(mark, Line | Bars):
            yield mark.x if across else mark.y
        elif isinstance(mark, Intervals):
            yield from (mark.low, mark.high) if mark.across == across else (mark.at,)


def ticks_of(axis: Axis, scale: Scale, apart: float) -> Sequence[tuple[float, str]]:
    """Place and text of each tick; round numbers are at least ``apart`` points from each other."""
    if axis.ticks is not None:
        return axis.ticks
    if axis.log:
        first, last = math.ceil(math.log10(scale.low)), math.floor(math.log10(scale.high))
        every = max(1, math.ceil((last - first + 1) * apart / abs(scale.end - scale.start)))
        found, digits = [10.0**i for i in range(first, last + 1, every)], 0
    else:
        step = _step(scale, apart, axis.whole)
        first, last = math.ceil(scale.low / step - 1e-9), math.floor(scale.high / step + 1e-9)
        found = [i * step for i in range(first, last + 1)]
        digits = next(d for d in range(12) if abs(round(step, d) - step) < 1e-9 * step or d == 11)
    return [(value, axis.form(value) if axis.form else f"{value:,.{digits}f}") for value in found]


def _step(scale: Scale, apart: float, whole: bool) -> float:
    """The smallest round step whose ticks are far enough apart."""
    least = (scale.high - scale.low) * apart / abs(scale.end - scale.start)
    power = 10.0 ** math.floor(math.log10(least))
    step = next(step for step in (s * power for s in STEPS) if step >= least * (1 - 1e-9))
    return float(math.ceil(step)) if whole else step


def text_width(text: str, size: float) -> float:
    """About how wide a line of text is, in points: the fonts of those who look at it differ."""
    each = (0.36 if c in NARROW else 0.92 if c in WIDE else 0.7 if c.isupper() else 0.62 if ord(c) < 0x2E80 else 1.0
            for c in text)  # fmt: skip
    return size * sum(each)
