"""Features as the passes of the solver see them: as they are, or, where float32 would lose precision, standardised."""

from __future__ import annotations

import numpy as np

from classify.solvers.blockwise import blocks, shared_out

KEPT_BYTES = 1 << 30  # of standardised features; more are standardised again in each pass
FAR = 3  # means this many sd from zero, in the square mean of the columns: more, and products in float32 lose precision


class Scaled:
    """Blocks of ``(x - shift) / unit``, float32; ``x`` itself if it is float32 and near enough to zero.

    Args:
        x: float ``[n, D]``, an array or a memory map; never changed.
        means, variances: float64 ``[F, D]``, those of the columns in each fold.

    Attributes:
        shift, unit: float64 ``[D]``.
    """

    def __init__(self, x: np.ndarray, means: np.ndarray, variances: np.ndarray) -> None:
        self._x = x
        shift, unit = means.mean(0), np.sqrt(variances.mean(0))
        unit[unit == 0] = 1
        self._plain = x.dtype == np.float32 and ((shift / unit) ** 2).mean() < FAR**2
        self.shift = np.zeros(len(shift)) if self._plain else shift.astype(np.float32).astype(np.float64)
        self.unit = np.ones(len(unit)) if self._plain else 1 / (1 / unit).astype(np.float32).astype(np.float64)
        self._kept: np.ndarray | None = None
        if not self._plain and x.size * 4 <= KEPT_BYTES:
            kept: np.ndarray = np.empty(x.shape, np.float32)
            for _ in shared_out(lambda rows: [self._standardise(part, kept[part]) for part in blocks(rows)], len(x)):
                pass  # what is made lies in ``kept``
            self._kept = kept

    def block(self, part: slice) -> np.ndarray:
        """Some rows, float32 ``[rows, D]``; not to be changed."""
        if self._plain:
            return self._x[part]
        if self._kept is not None:
            return self._kept[part]
        return self._standardise(part, np.empty((part.stop - part.start, self._x.shape[1]), np.float32))

    def _standardise(self, part: slice, out: np.ndarray) -> np.ndarray:
        np.subtract(self._x[part], self.shift, out=out, casting="same_kind")
        out *= (1 / self.unit).astype(np.float32)
        return out
