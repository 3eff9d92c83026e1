"""How long is left, and what a head will take by what it took before."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from stores.shared.errors import InputError

_PART = re.compile(r"(\d+(?:\.\d+)?)(h|m|s)?")
_SECONDS = {"h": 3600.0, "m": 60.0, "s": 1.0, "": 1.0}


def parse_budget(text: str) -> float:
    """Seconds of ``90s``, ``10m``, ``1h30m`` or a number of seconds.

    Raises:
        InputError: for anything else, or nothing.
    """
    parts = _PART.findall(text)
    seconds = sum(float(number) * _SECONDS[unit] for number, unit in parts)
    if "".join(number + unit for number, unit in parts) != text or not seconds > 0:
        raise InputError(f"`budget={text!r}`: give a time such as 10m, 90s or 1h30m")
    return seconds


@dataclass
class Budget:
    """What is left of a time, if there is a limit.

    Attributes:
        seconds: the limit; None: there is none.
        clock: seconds.
        trained: by head and kind of features, seconds of training for a row and column.
    """

    seconds: float | None = None
    clock: Callable[[], float] = time.monotonic
    trained: dict[tuple[str, str], float] = field(default_factory=dict)
    _start: float = field(init=False, default=0.0)

    def __post_init__(self) -> None:
        self._start = self.clock()

    @property
    def left(self) -> float:
        """Seconds; infinite without a limit."""
        return float("inf") if self.seconds is None else self.seconds - (self.clock() - self._start)

    def note(self, head: str, kind: str, size: int, seconds: float) -> None:
        """That a head took so long for features of ``size`` numbers; the slowest counts."""
        known = self.trained.get((head, kind), 0.0)
        self.trained[head, kind] = max(known, seconds / max(size, 1))

    def training(self, head: str, kind: str, size: int) -> float | None:
        """What it will take, in seconds; None before it was trained for the first time."""
        rate = self.trained.get((head, kind))
        return None if rate is None else rate * size

    def forbids(self, seconds: float | None) -> bool:
        """Whether work of so many seconds is not to be begun; what is not known is, until nothing is left."""
        return self.left <= 0 if seconds is None else seconds > self.left
