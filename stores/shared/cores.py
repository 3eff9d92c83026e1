"""How many cores there are for this process, in a container too, and products of matrices on one of them."""

from __future__ import annotations

import math
import os
import sys
from contextlib import AbstractContextManager, suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from threadpoolctl import ThreadpoolController

CGROUP = Path("/sys/fs/cgroup")
_limit = math.inf  # of this process, by its own wish


def limit_cores(most: float) -> None:
    """Have this process use no more cores than that, whatever the machine has."""
    global _limit
    _limit = most


def cores() -> float:
    """How many cores this process may use; a limit of the container, or of ``limit_cores``, may leave a part of one."""
    return min(_limit, _usable())


def _usable() -> float:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    with suppress(OSError, ValueError, ZeroDivisionError):
        most, period = (CGROUP / "cpu.max").read_text().split()
        return min(float(usable), int(most) / int(period))
    with suppress(OSError, ValueError, ZeroDivisionError):
        quota = int((CGROUP / "cpu/cpu.cfs_quota_us").read_text())
        if quota > 0:
            return min(float(usable), quota / int((CGROUP / "cpu/cpu.cfs_period_us").read_text()))
    return float(usable)


def threads() -> int:
    """How many threads keep these cores busy, 1 at least."""
    return max(1, math.ceil(cores()))


def one_thread_a_product() -> AbstractContextManager:
    """Each core multiplies by itself, on rows of its own.

    Products that cores share wait for the slowest of them hundreds of times a second, which on a machine that has
    other work to do takes ten times as long.
    """
    return _threads("scipy.linalg" in sys.modules).limit(limits=1, user_api="blas")


@cache
def _threads(with_scipy: bool) -> ThreadpoolController:
    """Made once, as it looks through all libraries of the process, and again when SciPy has brought its own BLAS."""
    from threadpoolctl import ThreadpoolController

    return ThreadpoolController()
