"""Seconds that a head is spared because another one has done the same work before; they belong to what it costs."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

Made = TypeVar("Made")
_lock, _total = threading.Lock(), [0.0]
_thread = threading.local()


def spared() -> float:
    """Seconds that were spared since the process began; a difference of two calls is of the work between them."""
    return _total[0]


def share_cores(workers: int) -> None:
    """The calling thread works beside others, ``workers`` in all: a second of it is so much less of the whole."""
    _thread.workers = workers


def once(done: dict[Hashable, Any], key: Hashable, make: Callable[[], Made], remember: Callable[[Made], bool]) -> Made:
    """What ``make`` makes, or what it has made before, whose seconds are then counted as spared."""
    if key in done:
        found, seconds = done[key]
        with _lock:
            _total[0] += seconds
        return found
    start = time.perf_counter()
    found = make()
    if remember(found):
        done[key] = found, (time.perf_counter() - start) / getattr(_thread, "workers", 1)
    return found
