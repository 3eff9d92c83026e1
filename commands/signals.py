"""SIGTERM and SIGHUP (schedulers, closed terminals) end a command as Ctrl-C does: with a clean-up and one line."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

INTERRUPTED = "interrupted", 128 + signal.SIGINT  # what is said after Ctrl-C, and the exit code


class Stopped(BaseException):
    """A signal has come; no ``Exception``, so that nobody takes it for a failure and goes on."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.name, self.exit_code = signal.Signals(number).name, 128 + number


@contextmanager
def stopping_cleanly() -> Iterator[None]:
    """Raise ``Stopped`` in the block where the process would have died without a word; what is ignored stays so."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    numbers = [number for name in ("SIGTERM", "SIGHUP") if (number := getattr(signal, name, None))]
    numbers = [number for number in numbers if signal.getsignal(number) is signal.SIG_DFL]
    for number in numbers:
        signal.signal(number, _stop)
    try:
        yield
    finally:
        for number in numbers:
            signal.signal(number, signal.SIG_DFL)


def _stop(number: int, frame: FrameType | None) -> None:
    signal.signal(number, signal.SIG_IGN)  # a second one is not to disturb the clean-up
    raise Stopped(number)


def what_is_left(command: str | None) -> str:
    """What an interrupted command leaves behind, and what to do."""
    if command in ("embed", "run"):
        return "what is finished is kept, and the same command goes on from there"
    if command == "predict":
        return "no output that is not whole is kept; with --checkpoint the same command goes on from there"
    return "files and runs that were finished are kept, nothing else"
