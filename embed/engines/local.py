"""Parts made one after the other by this process."""

from __future__ import annotations

import time
from collections.abc import Callable

from embed.part import Job, Maker
from embed.progress import Meter


class LocalEngine:
    """Makes each part at once.

    Args:
        maker, meter, done: see ``embed.engines.open_engine``.
    """

    def __init__(self, maker: Maker, meter: Meter, done: Callable[[int, int], None]) -> None:
        self._maker, self._meter, self._done = maker, meter, done

    def make(self, job: Job) -> None:
        """Encode and write."""
        with self._meter.part(job.stretch[1], job.texts):
            start = time.perf_counter()
            made = self._maker.recipe.encode(job.new_texts) if len(job.new) else None
            self._maker.write(job, made, time.perf_counter() - start)
        self._done(job.number, len(job.rows))

    def finish(self) -> None:
        """There is nothing left to do."""
