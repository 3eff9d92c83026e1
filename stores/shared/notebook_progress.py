"""The progress of long work in a notebook: a bar under the cell, one a task."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from stores.shared.reporter import Progress

PATIENCE = 1.0  # seconds of work before a bar appears
EVERY = 0.2  # seconds between changes


def in_notebook() -> bool:
    """Whether a kernel of Jupyter runs this; IPython is not imported to find out."""
    ipython = sys.modules.get("IPython")
    shell = None if ipython is None else ipython.get_ipython()
    return getattr(shell, "kernel", None) is not None


class NotebookBars:
    """Shows progress as it comes: nothing of work of under a second, and of the rest how long it took.

    Args:
        clock: seconds.
        show: what puts HTML and text under the cell, or in the place of what stood there; a test gives its own.
    """

    def __init__(
        self, clock: Callable[[], float] = time.monotonic, show: Callable[[dict[str, str], Any], Any] | None = None
    ) -> None:
        self._clock, self._show = clock, show or _display
        self._tasks: dict[str, tuple[float, float, str, Any]] = {}  # began, last shown, stage, handle

    def progress(self, progress: Progress) -> None:
        """Long work has gone on."""
        now = self._clock()
        began, last, stage, handle = self._tasks.pop(progress.task, (now, now + PATIENCE - EVERY, progress.stage, None))
        if progress.share == 1:
            if handle is not None:
                self._show(_bundle(progress.task, 1.0, f"done in {_seconds(now - began)}"), handle)
            return
        if progress.stage != stage:  # its share begins at 0 again
            began, stage = now, progress.stage
        if now - last >= EVERY:
            left = (now - began) * (1 / progress.share - 1) if progress.share else None
            steps = [progress.told, "" if left is None else f"{_seconds(left)} left"]
            bundle = _bundle(progress.task, progress.share, ", ".join(filter(None, steps)))
            handle, last = self._show(bundle, handle), now
        self._tasks[progress.task] = began, last, stage, handle


def _bundle(task: str, share: float | None, said: str) -> dict[str, str]:
    """What a front end that shows HTML gets, and one that does not."""
    import html

    told = ", ".join(filter(None, (task, None if share is None else f"{share:.0%}", said)))
    value = "" if share is None else f' value="{share:.3f}"'
    bar = f'<progress max="1"{value} style="width:16em;vertical-align:middle"></progress>'
    return {"text/plain": told, "text/html": f"<div>{bar} {html.escape(told)}</div>"}


def _seconds(seconds: float) -> str:
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3600 else f"{seconds / 3600:.1f} h"


def _display(bundle: dict[str, str], handle: Any) -> Any:  # noqa: ANN401 (of IPython)
    from IPython.display import display

    if handle is None:
        return display(bundle, raw=True, display_id=True)
    handle.update(bundle, raw=True)
    return handle
