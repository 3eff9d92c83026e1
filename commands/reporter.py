"""The reporter of the commands: notes and warnings on stderr, and the progress of long work."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from commands.terminal import echo, is_quiet, with_options
from stores.shared.reporter import Progress, Reporter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

    from embed import Done

EVERY = 30.0  # seconds between plain lines of progress; a run that is shorter prints none
Clock = Callable[[], float]


class TerminalReporter(Reporter):
    """Notes and warnings as lines on stderr, in the words of the running command; nothing with ``tk --quiet``.

    Progress is a bar on a terminal, and a line every 30 seconds elsewhere. Use it in a ``with`` block, at whose end the
    bar goes.

    Args:
        console: that of stderr, unless a test gives its own.
        clock: seconds.
    """

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic) -> None:
        super().__init__()
        context = click.get_current_context(silent=True)
        self._command, self._quiet = context.command if context else None, is_quiet()
        self._console, self._clock, self._last = console, clock, clock()
        self._pace = Pace(clock)
        self._bars: Bars | None = None
        self._tasks: dict[str, Any] = {}

    def note(self, message: str) -> None:
        """A line on stderr."""
        if not self._quiet:
            echo(with_options(message, self._command), err=True)

    def progress(self, progress: Progress) -> None:
        """The bar moves, or a line is due."""
        if self._quiet:
            return
        details = _details(progress, self._pace)
        if self._console or sys.stderr.isatty():
            self._show(progress, details)
        elif self._clock() - self._last >= EVERY:
            self._last = self._clock()
            share = None if progress.share is None else f"{progress.share:.0%}"
            self.note(f"{progress.task}: " + ", ".join(filter(None, (details[0], share, *details[1:]))))

    def __enter__(self) -> TerminalReporter:
        return self

    def __exit__(self, *_: object) -> None:
        if self._bars:
            self._bars.stop()
        self._bars, self._tasks = None, {}

    def _show(self, progress: Progress, details: list[str]) -> None:
        if self._bars is None:
            self._bars = _bars(self._console)
            self._bars.start()
        if progress.task not in self._tasks:
            self._tasks[progress.task] = self._bars.add_task(progress.task, total=None, details="")
        task = self._tasks[progress.task]
        total = None if progress.share is None else 1.0  # without a total it only says that it is alive
        self._bars.update(task, completed=progress.share or 0.0, total=total, details=" ".join(filter(None, details)))
        if progress.share == 1:
            self._bars.remove_task(self._tasks.pop(progress.task))


class Pace:
    """Rate and time left, from what is done and a clock.

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


def _details(progress: Progress, pace: Pace) -> list[str]:
    """What stands beside the bar; of ``tk embed`` the rows, the rate and the time left."""
    if progress.task != "encoding":
        return [progress.step]
    from embed.progress import Done

    assert isinstance(progress, Done)  # noqa: S101 (for the types)
    pace.update(progress)
    rate = "" if not pace.rate else f"{pace.rate:,.0f} {pace.unit}/s"
    return [f"{progress.rows:,} of at most {progress.most_rows:,} rows", rate, _left(pace.left)]


def _left(left: float | None) -> str:
    if left is None:
        return ""
    seconds = round(left)
    hours, minutes = seconds // 3600, seconds // 60 % 60
    return f"{hours}:{minutes:02}:{seconds % 60:02} left" if hours else f"{minutes}:{seconds % 60:02} left"


def _bars(console: Console | None) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    texts = [TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[details]}")]
    columns = texts[0], BarColumn(), TaskProgressColumn(), texts[1]
    return Bars(*columns, console=console or Console(stderr=True), transient=True, refresh_per_second=5)
