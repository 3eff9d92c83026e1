"""Reporters for tests: one that keeps what it is told, one that tells a function of the rows that are done."""

import re
from contextlib import contextmanager

from stores.shared.reporter import Reporter


class Recorder(Reporter):
    """Keeps what it is told: ``notes``, ``warnings`` (each once) and ``states``."""

    def __init__(self):
        super().__init__()
        self.notes, self.warnings, self.states = [], [], []

    def note(self, message):
        """Keep a note."""
        self.notes.append(message)

    def warn(self, message):
        """Keep a warning."""
        if message not in self.warnings:
            self.warnings.append(message)

    def progress(self, progress):
        """Keep a state."""
        self.states.append(progress)


class RowsTold(Reporter):
    """Calls a function with the number of rows that are done, whenever there are more of them."""

    def __init__(self, tell):
        super().__init__()
        self.tell, self.rows = tell, 0

    def note(self, message):
        """Nothing."""

    def progress(self, progress):
        """The function is called after each part."""
        rows = getattr(progress, "rows", 0)
        if rows > self.rows:
            self.rows = rows
            self.tell(rows)


@contextmanager
def warned(capsys, match):
    """Within the block, a warning that matches is written to stderr, as callers from Python get it; once."""
    capsys.readouterr()
    yield
    lines = [line for line in capsys.readouterr().err.splitlines() if line.startswith("Warning: ")]
    assert len([line for line in lines if re.search(match, line)]) == 1, lines
