"""Where a run says what the user should know meanwhile: notes, warnings and how far it is.

One object is handed in, to ``embed``, ``classify`` and what they call; nothing is looked up elsewhere. Messages are one
line each and name parameters as errors do, see ``stores.shared.errors``.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass

from stores.shared.notebook_progress import NotebookBars, in_notebook


@dataclass(frozen=True)
class Progress:
    """How far long work is.

    Attributes:
        task: what is being done, such as ``encoding`` or ``training``.
        share: of it that is done, 0 to 1; None: not known. 1 ends it.
        step: what is being done of it at the moment, for people.
        stage: what ``share`` is of, if not of the whole task; with another stage it begins at 0 again.
    """

    task: str
    share: float | None = None
    step: str = ""
    stage: str = ""

    @property
    def told(self) -> str:
        """What is being done at the moment, for people."""
        return self.step or self.stage


class Reporter:
    """Notes and warnings as lines on stderr, each different warning once; in a notebook progress as a bar, else none.

    This is what a caller from Python gets who hands in nothing. A subclass sends them elsewhere; ``SILENT`` nowhere.
    """

    def __init__(self) -> None:
        self._warned: set[str] = set()
        self._notebook = NotebookBars()

    def note(self, message: str) -> None:
        """Something worth knowing, such as a choice that was made."""
        sys.stderr.write(f"{message}\n")

    def warn(self, message: str) -> None:
        """Something that is probably not what the user wants; the same words are written once."""
        if message not in self._warned:
            self._warned.add(message)
            self.note(f"Warning: {message}")

    def progress(self, progress: Progress) -> None:
        """Long work has gone on."""
        if in_notebook():
            self._notebook.progress(progress)

    def batch(self, share: float, tokens: int, texts: float = 0.0) -> None:
        """An encoder has done this share of its work, the last batch of so many tokens, and this share of its texts."""


class BarsOnly(Reporter):
    """Says nothing, but shows progress in a notebook."""

    def note(self, message: str) -> None:
        """Nothing."""


class SilentReporter(Reporter):
    """Says nothing."""

    def note(self, message: str) -> None:
        """Nothing."""

    def progress(self, progress: Progress) -> None:
        """Nothing."""


SILENT = SilentReporter()
