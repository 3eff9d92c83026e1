"""How far a run is, so that the time it still takes can be told.

The unit is the share of the table, by bytes where these are known. A part counts with its share, and of this only what
is encoded: texts that are known already cost next to nothing. Inside a part, texts of like length go together and the
longest go first, so that rows tell nothing; there the cost of the batches counts, as ``embed.batches`` has it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class Done:
    """What is done of a run.

    Attributes:
        rows: of the parts that are finished.
        most_rows: how many rows there are at most.
        tokens: encoded so far; 0 with encoders that do not tell.
        position: share of the table that is behind, 0 to 1.
        work: share of the table that was encoded in this run.
        rest: likewise, what is still to be encoded if the rest of the table is like the part at hand.
    """

    rows: int
    most_rows: int
    tokens: int
    position: float
    work: float
    rest: float


class Meter:
    """Counts what is done and tells it after each batch and part.

    Args:
        most_rows: that the table has.
        tell: called with the state.
    """

    def __init__(self, most_rows: int = 0, tell: Callable[[Done], None] = lambda done: None) -> None:
        self._most_rows, self._tell = most_rows, tell
        self._rows = self._tokens = 0
        self._behind = self._work = 0.0  # share of the table, and of it encoded, in finished parts
        self._size = self._fresh = self._within = 0.0  # of the part at hand: its share, what is new of it, and done
        self._characters = 0

    @contextmanager
    def part(self, end: float, texts: list[str]) -> Iterator[None]:
        """Within the block, the part of these cleaned texts is made; ``end``: share of the table up to there."""
        self._size = max(0.0, end - self._behind)
        self._characters, self._fresh, self._within = sum(map(len, texts)), 0.0, 0.0
        token = _METER.set(self)
        try:
            yield
        finally:
            _METER.reset(token)
        size, self._size, self._within = self._size, 0.0, 0.0
        self._add(size, len(texts), self._fresh)

    def made(self, stretch: tuple[float, float], rows: int, fresh: float) -> None:
        """A part is complete that was not made here: which stretch of the table it is, and how much of it was new."""
        self._add(max(0.0, stretch[1] - stretch[0]), rows, fresh)

    def begin(self, texts: list[str]) -> None:
        """These texts of the part are new."""
        self._fresh = sum(map(len, texts)) / max(self._characters, 1)

    def batch(self, share: float, tokens: int) -> None:
        """A batch of so many tokens is done, and ``share`` of the part's arithmetic."""
        self._within, self._tokens = share, self._tokens + tokens
        self._report()

    def _add(self, size: float, rows: int, fresh: float) -> None:
        self._behind, self._work, self._rows = self._behind + size, self._work + size * fresh, self._rows + rows
        self._fresh = fresh
        self._report()

    def _report(self) -> None:
        here = self._size * self._within
        rest = (1 - self._behind - here) * self._fresh
        work = self._work + here * self._fresh
        self._tell(Done(self._rows, self._most_rows, self._tokens, self._behind + here, work, rest))


_METER: ContextVar[Meter | None] = ContextVar("meter", default=None)


def meter_at_work() -> Meter | None:
    """The meter of the part that is being made here, if there is one; encoders need not know of it."""
    return _METER.get()
