"""Rate and time left of work under way, from what is done and a clock."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from stores.shared.reporter import Progress

if TYPE_CHECKING:
    from embed import Done

Clock = Callable[[], float]


class StagePace:
    """Time left of a stage, from the share of it that is done; each stage starts the clock again.

    Attributes:
        left: seconds that the rest of the stage will take; None while that is not known.
        taken: seconds since the stage began.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._stage: tuple[str, str] | None = None
        self._began, self._first = clock(), 0.0
        self._last: tuple[float, float] = self._began, 0.0  # when the share was told, and the share
        self.left: float | None = None

    @property
    def taken(self) -> float:
        """Seconds since the stage began."""
        return self._clock() - self._began

    def update(self, progress: Progress) -> None:
        """Take in the newest state."""
        now, share, stage = self._clock(), progress.share or 0.0, (progress.task, progress.stage)
        if stage != self._stage:
            self._stage, self._began, self._first, self._last = stage, now, share, (now, share)
        elif share > self._last[1]:
            self._last = now, share
        at, share = self._last
        self.left = None
        if progress.share is not None and at > self._began and share > self._first:
            rest = (1 - share) * (at - self._began) / (share - self._first)
            self.left = max(0.0, rest - (now - at))


class Pace:
    """Rate and time left of encoding.

    The clock starts at the first report of work: what came before (loading the model, the first compilation, parts that
    were there already) says nothing of what is to come.

    Attributes:
        rate: tokens a second, or rows where tokens are not told; None while it is not known.
        unit: ``tokens`` or ``rows``.
        left: seconds that the rest will take; None while that is not known.
    """

    def __init__(self, clock: Clock = time.monotonic) -> None:
        self._clock = clock
        self._start: tuple[float, float, int] | None = None  # time, work and units when the clock was started
        self._encodes = False
        self.rate: float | None = None
        self.left: float | None = None
        self.unit = "rows"

    def update(self, done: Done) -> None:
        """Take in the newest state."""
        now, encodes, position = self._clock(), done.work > 0, done.share or 0.0
        work, rest = (done.work, done.rest) if encodes else (position, 1 - position)
        self.unit, units = ("tokens", done.tokens) if done.tokens else ("rows", done.rows)
        if self._start is None or encodes != self._encodes:
            self._start, self._encodes = (now, work, units), encodes
        before, first, some = self._start
        self.left = self.rate = None
        if now > before and work > first:
            self.left = rest * (now - before) / (work - first)
            self.rate = (units - some) / (now - before)


def duration(seconds: float) -> str:
    """Hours, minutes and seconds: ``0:07``, ``12:30``, ``1:02:03``."""
    whole = round(seconds)
    hours, minutes = whole // 3600, whole // 60 % 60
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"
