"""The reporter of the commands: notes and warnings on stderr, and the progress of long work.

No command is silent for longer than ``EVERY`` seconds: a thread looks at what is being done, and prints a line about it
where none came from the work itself.
"""

from __future__ import annotations

import shlex
import sys
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

from commands.pace import Clock, Pace, StagePace, duration
from commands.terminal import echo, is_quiet, with_options
from stores.shared.reporter import Progress, Reporter

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress as Bars

EVERY = 30.0  # seconds between plain lines of progress; a run that is shorter prints none
LOOK = 1.0  # seconds between looks at whether a line is due
_OF_THE_COMMAND = f"{__name__}.reporter"


def command_reporter() -> TerminalReporter:
    """The one reporter of the running command; its thread ends with the command."""
    root = click.get_current_context().find_root()
    if _OF_THE_COMMAND not in root.meta:
        reporter = root.meta[_OF_THE_COMMAND] = TerminalReporter(name=_path(root))
        root.call_on_close(reporter.watching())
    return root.meta[_OF_THE_COMMAND]


class TerminalReporter(Reporter):
    """Notes and warnings as lines on stderr, in the words of the running command; nothing with ``tk --quiet``.

    Progress is a bar on a terminal, and a line every 30 seconds elsewhere. Use it in a ``with`` block, at whose end the
    bar goes.

    Args:
        console: that of stderr, unless a test gives its own.
        clock: seconds.
        name: of the command, said of work that tells nothing of itself.
    """

    def __init__(self, console: Console | None = None, clock: Clock = time.monotonic, name: str = "tk") -> None:
        super().__init__()
        self._quiet = is_quiet()
        self._console, self._clock, self._last = console, clock, clock()
        self._pace, self._stage = Pace(clock), StagePace(clock)
        self._began, self._now, self._name = clock(), Progress(""), name
        self._context: click.Context | None = None
        self._bars: Bars | None = None
        self._tasks: dict[str, Any] = {}
        self._lock = threading.RLock()  # of the thread that looks, and of those that work

    def note(self, message: str) -> None:
        """A line on stderr."""
        if not self._quiet:
            context = click.get_current_context(silent=True) or self._context
            with self._lock:
                self._last = self._clock()
                echo(with_options(message, context.command if context else None), err=True)

    def progress(self, progress: Progress) -> None:
        """The bar moves, or a line is due."""
        if self._quiet:
            return
        with self._lock:
            self._now = progress
            details = self._details(progress)
            if self._console or sys.stderr.isatty():
                self._show(progress, details)
            else:
                self._line_if_due(details)
            if progress.share == 1:
                self._now = Progress("")

    def look(self) -> None:
        """Print a line if it is due, about what is being done; called again and again while a command runs."""
        with self._lock:
            if self._bars is None and not self._quiet:
                self._line_if_due(self._details(self._now))

    def __enter__(self) -> TerminalReporter:
        # a thread has no context of its own: what it says is said by the command at work
        self._context = click.get_current_context(silent=True)
        return self

    def __exit__(self, *_: object) -> None:
        with self._lock:
            if self._bars:
                self._bars.stop()
            self._bars, self._tasks, self._now = None, {}, Progress("")

    def watching(self) -> Callable[[], None]:
        """Start the thread that looks; what is returned ends it."""
        if self._quiet:
            return lambda: None
        ended = threading.Event()

        def watch() -> None:
            while not ended.wait(LOOK):
                try:
                    self.look()
                except (OSError, ValueError):  # nobody reads stderr any longer
                    return

        thread = threading.Thread(target=watch, name="progress", daemon=True)
        thread.start()

        def end() -> None:
            ended.set()
            thread.join(LOOK)  # so that it says nothing after the last line of the command

        return end

    def _line_if_due(self, details: list[str]) -> None:
        if self._clock() - self._last < EVERY:
            return
        self._last = self._clock()
        if not self._now.task:
            echo(f"{self._name}: {duration(self._clock() - self._began)} so far", err=True)
            return
        share = None if self._now.share is None else f"{self._now.share:.0%}"
        echo(f"{self._now.task}: " + ", ".join(filter(None, (details[0], share, *details[1:]))), err=True)

    def _details(self, progress: Progress) -> list[str]:
        """What stands beside the bar: the step, the time left or taken; of ``tk embed`` the rows and the rate, too."""
        self._stage.update(progress)
        if progress.task != "encoding":
            left = self._stage.left
            taken = f"{duration(self._stage.taken)} so far" if self._stage.taken >= 1 else ""
            return [progress.step or progress.stage, taken if left is None else f"{duration(left)} left"]
        from embed.progress import Done

        assert isinstance(progress, Done)  # noqa: S101 (for the types)
        self._pace.update(progress)
        rate = "" if not self._pace.rate else f"{self._pace.rate:,.0f} {self._pace.unit}/s"
        left = self._pace.left
        return [
            f"{progress.rows:,} of at most {progress.most_rows:,} rows", rate,
            "" if left is None else f"{duration(left)} left",
        ]  # fmt: skip

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


def _path(root: click.Context) -> str:
    """The names of the running command and its groups: ``tk features merge``."""
    command, names = root.command, ["tk"]
    for word in shlex.split(root.obj or "")[1:]:
        if isinstance(command, click.Group) and word in command.commands:
            command = command.commands[word]
            names.append(word)
    return " ".join(names)


def _bars(console: Console | None) -> Bars:
    from rich.console import Console
    from rich.progress import BarColumn, TaskProgressColumn, TextColumn
    from rich.progress import Progress as Bars

    texts = [TextColumn(text, markup=False) for text in ("{task.description}", "{task.fields[details]}")]
    columns = texts[0], BarColumn(), TaskProgressColumn(), texts[1]
    return Bars(*columns, console=console or Console(stderr=True), transient=True, refresh_per_second=5)
