"""How long texts are, counted in bins of doubling width."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np


def length_histogram(lengths: np.ndarray, by_class: Mapping[str, np.ndarray]) -> dict[str, list[int]]:
    """Texts a bin, by class.

    Args:
        lengths: int ``[n]``, words or characters of each text.
        by_class: class -> bool ``[n]``, which texts are of it.
    """
    bins = np.frexp(lengths)[1]  # 0 -> 0, 1 -> 1, 2 and 3 -> 2, 4 to 7 -> 3
    return {name: np.bincount(bins[rows], minlength=bins.max() + 1).tolist() for name, rows in by_class.items()}


def bin_names(number: int) -> list[str]:
    """``0``, ``1``, ``2-3``, ``4-7``, ...: the first so many bins of a histogram."""
    return ["0", "1", *(f"{2**i}-{2 ** (i + 1) - 1}" for i in range(1, number - 1))][:number]
