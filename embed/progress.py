"""How far a run is, so that the time it still takes can be told.

The unit is the share of the table, by bytes where these are known. A part counts with its share, and of this only what
is encoded: texts that are known already cost next to nothing. Inside a part, texts of like length go together and the
longest go first, so that rows tell nothing; there the cost of the batches counts, as ``embed.batches`` has it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from stores.shared.reporter import Progress, Reporter


@dataclass(frozen=True, kw_only=True)
class Done(Progress):
    """What is done of a run; ``share`` is that of the table.

    Attributes:
        rows: that have their features.
        most_rows: how many rows there are at most.
        tokens: encoded so far; 0 with encoders that do not tell.
        work: share of the table that was encoded in this run.
        rest: likewise, what is still to be encoded if the rest of the table is like the part at hand.
    """

    task: str = "encoding"
    rows: int = 0
    most_rows: int = 0
    tokens: int = 0
    work: float = 0.0
    rest: float = 0.0

    @property
    def told(self) -> str:
        """As ``Progress.told``: the rows."""
        return f"{self.rows:,} of at most {self.most_rows:,} rows"


class Meter(Reporter):
    """Counts what is done and reports it after each batch and part; an encoder at work reports to it.

    Args:
        reporter: told of the state, and what else is said.
        most_rows: that the table has.
    """

    def __init__(self, reporter: Reporter, most_rows: int = 0) -> None:
        super().__init__()
        self._to, self._most_rows = reporter, most_rows
        self._rows = self._tokens = 0
        self._behind = self._work = 0.0  # share of the table, and of it encoded, in finished parts
        self._size = self._fresh = self._within = 0.0  # of the part at hand: its share, what is new of it, and done
        self._characters = self._texts = self._new = self._encoded = (
            0  # of the part at hand: rows, new texts, rows done
        )
        self.note, self.warn, self.progress = reporter.note, reporter.warn, reporter.progress  # type: ignore[method-assign]

    @contextmanager
    def part(self, end: float, texts: list[str]) -> Iterator[None]:
        """Within the block, the part of these cleaned texts is made; ``end``: share of the table up to there."""
        self._size = max(0.0, end - self._behind)
        self._characters, self._fresh, self._within = sum(map(len, texts)), 0.0, 0.0
        self._texts, self._new, self._encoded = len(texts), 0, 0
        yield
        size, self._size, self._within, self._encoded = self._size, 0.0, 0.0, 0
        self._add(size, len(texts), self._fresh)

    def made(self, stretch: tuple[float, float], rows: int, fresh: float) -> None:
        """A part is complete that was not made here: which stretch of the table it is, and how much of it was new."""
        self._add(max(0.0, stretch[1] - stretch[0]), rows, fresh)

    def begin(self, texts: list[str]) -> None:
        """These texts of the part are new."""
        self._fresh = sum(map(len, texts)) / max(self._characters, 1)
        self._new = len(texts)  # the features of the other rows are known, or those of one of these

    def batch(self, share: float, tokens: int, texts: float = 0.0) -> None:
        """A batch of so many tokens is done; ``share`` of the part's arithmetic, and of its new texts, so far."""
        self._within, self._tokens = share, self._tokens + tokens
        self._encoded = self._texts - self._new + int(self._new * texts)
        self._report()

    def _add(self, size: float, rows: int, fresh: float) -> None:
        self._behind, self._work, self._rows = self._behind + size, self._work + size * fresh, self._rows + rows
        self._fresh = fresh
        self._report()

    def _report(self) -> None:
        here = self._size * self._within
        rest = (1 - self._behind - here) * self._fresh
        self._to.progress(
            Done(
                share=self._behind + here, rows=self._rows + self._encoded, most_rows=self._most_rows,
                tokens=self._tokens, work=self._work + here * self._fresh, rest=rest,
            )
        )  # fmt: skip
