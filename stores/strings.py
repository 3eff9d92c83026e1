"""Strings as two arrays: the UTF-8 bytes end to end, and where each begins."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import numpy as np


def pack(strings: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """Bytes uint8 ``[sum L]`` and lengths int64 ``[n]`` of ``strings``; a lone surrogate is kept as three bytes."""
    encoded = [s.encode("utf-8", "surrogatepass") for s in strings]
    return np.frombuffer(b"".join(encoded), np.uint8), np.fromiter(map(len, encoded), np.int64, len(encoded))


def unpack(data: np.ndarray, offsets: np.ndarray) -> list[str]:
    """Inverse of ``pack``: the strings between ``offsets`` int64 ``[n + 1]``, which count from ``data``'s start."""
    buffer = data.tobytes()
    bounds = offsets.tolist()
    return [buffer[a:b].decode("utf-8", "surrogatepass") for a, b in pairwise(bounds)]
