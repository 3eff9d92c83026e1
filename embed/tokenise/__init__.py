"""Rules that cut texts into tokens, one file each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Tokens:
    """The tokens of ``n`` texts as rows of a vocabulary, without special tokens around a text.

    Attributes:
        ids: int32 ``[sum T]``.
        offsets: int64 ``[n + 1]``; text ``i`` owns ``ids[offsets[i]:offsets[i + 1]]``.
        starts: bool ``[sum T]``, whether a token begins a word; None where that is not known or was not asked for.
    """

    ids: np.ndarray
    offsets: np.ndarray
    starts: np.ndarray | None
