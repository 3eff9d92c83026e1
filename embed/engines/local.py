"""Parts made in this process, three at a time: one is read, one is encoded, one is written.

The main thread encodes, so that Ctrl-C ends what takes longest. A thread in front of it reads the table, looks up what
is known and cuts texts into tokens; one behind it writes and syncs. Both take the parts in their order and are a few
ahead or behind at most, so memory does not grow with the table. Whatever one of them raises comes out of ``run`` when
its part is due: the parts before it are complete then, as if one thread had done it all. After Ctrl-C, what is encoded
is still written.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import contextmanager, suppress
from itertools import chain
from typing import Any, TypeVar

from embed.part import PartPlan, PartWriter
from embed.plans import CompletePart
from embed.progress import Meter

Item = TypeVar("Item")
Task = tuple[PartPlan | CompletePart, Any, float]  # what is to be done, the new texts prepared, and the seconds it took
AHEAD = 2  # parts that are read and prepared, or are being so, while one is encoded
BEHIND = 2  # parts that are written, or wait for that
_END: Any = object()


class LocalEngine:
    """Makes the parts of plans in this process.

    Args:
        maker, meter, done: see ``embed.engines.open_engine``.
        threads: whether reading and writing have threads of their own; for a single part they would do nothing.
    """

    def __init__(self, maker: PartWriter, meter: Meter, done: Callable[[int, int], None], threads: bool = True) -> None:
        self._maker, self._meter, self._done, self._threads = maker, meter, done, threads

    def run(self, plans: Iterator[PartPlan | CompletePart]) -> int:
        """See ``embed.engines.Engine``."""
        tasks, number = map(self._prepare, plans), 0
        for first in tasks:
            # subtle: the first new texts load the model, here, where Ctrl-C ends it; only then come the threads
            if self._threads and isinstance(first[0], PartPlan) and len(first[0].new):
                break
            self._make(first, self._write)
            number += 1
        else:
            return number
        with ahead(tasks, AHEAD) as read, behind(self._write, BEHIND) as write:
            for task in chain([first], read):
                self._make(task, write)
                number += 1
        return number

    def _prepare(self, plan: PartPlan | CompletePart) -> Task:
        """Cut the new texts of a part into tokens."""
        start, prepared = time.perf_counter(), None
        if isinstance(plan, PartPlan) and len(plan.new):
            prepared = self._maker.recipe.prepare(plan.new_texts)
        return plan, prepared, time.perf_counter() - start

    def _make(self, task: Task, write: Callable[..., None]) -> None:
        """Encode the new texts of a part, and have it written."""
        plan, prepared, seconds = task
        if isinstance(plan, CompletePart):
            self._meter.made(plan.stretch, plan.rows, 0.0)
            self._done(plan.number, plan.rows)
            return
        with self._meter.part(plan.stretch[1], plan.texts):
            start, made = time.perf_counter(), None
            if len(plan.new):
                self._meter.begin(plan.new_texts)
                made = self._maker.encode(prepared)
        write(plan, made, seconds + time.perf_counter() - start)

    def _write(self, plan: PartPlan, *made: Any) -> None:  # noqa: ANN401 (features and seconds)
        self._maker.write(plan, *made)
        self._done(plan.number, len(plan.rows))


@contextmanager
def ahead(items: Iterator[Item], room: int) -> Iterator[Iterator[Item]]:
    """The same items, which a thread of its own takes from ``items``, up to ``room`` of them before they are due."""
    with ThreadPoolExecutor(1, "read") as thread:
        taken = deque(thread.submit(next, items, _END) for _ in range(room))

        def each() -> Iterator[Item]:
            while (item := taken[0].result()) is not _END:  # or the error that came in its place
                taken.popleft()
                taken.append(thread.submit(next, items, _END))
                yield item

        try:
            yield each()
        finally:
            for future in taken:
                future.cancel()
            _wait(taken)


@contextmanager
def behind(work: Callable[..., None], room: int) -> Iterator[Callable[..., None]]:
    """``work``, whose calls return before it is done: a thread of its own does it, in order, up to ``room`` behind.

    An error of it is raised by a later call, or at the end of the block; what was to come after it is left undone.
    """
    begun: deque[Future] = deque()
    failed = False

    def one(*given: object) -> None:
        nonlocal failed
        if failed:
            return
        failed = True
        work(*given)
        failed = False

    def call(*given: object) -> None:
        while len(begun) >= room:
            begun[0].result()
            begun.popleft()
        begun.append(thread.submit(one, *given))

    with ThreadPoolExecutor(1, "write") as thread:
        try:
            yield call
            for future in begun:
                future.result()
        finally:
            _wait(begun)


def _wait(futures: Iterable[Future]) -> None:
    """Until all are done, however often Ctrl-C is pressed: what came first is on its way out already.

    Not by joining the thread: Python 3.11 takes one for ended when that is interrupted, and ends in the middle of a
    file.
    """
    while not_done := [future for future in futures if not future.done()]:
        with suppress(BaseException):
            wait(not_done)
