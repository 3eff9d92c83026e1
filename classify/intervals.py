"""Bootstrap intervals over out-of-fold predictions."""

from __future__ import annotations

import numpy as np

from classify.metrics import measure

RESAMPLES = 1000
CELLS = 1 << 22  # weights held at a time: 32 MiB


def bootstrap(
    y: np.ndarray,
    proba: np.ndarray,
    predicted: np.ndarray,
    positive: int,
    fold: np.ndarray,
    groups: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
) -> dict[str, list[float]]:
    """95 % percentile intervals (Efron) of every metric that is one number.

    Groups, not rows, are drawn with replacement: rows with the same text are no independent evidence.

    Args:
        y, proba, predicted, positive, fold: as ``classify.metrics.measure``.
        groups: int ``[n]``, equal for rows with the same text.
        seed: of the draws.
        resamples: how many draws.

    Returns:
        name -> [low, high]; resamples in which a metric has no value (one class only) are left out of its interval.
    """
    rng = np.random.default_rng(seed)
    _, inverse = np.unique(groups, return_inverse=True)
    n_groups = inverse.max() + 1
    step = max(1, CELLS // len(y))
    drawn: dict[str, list[np.ndarray]] = {}
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        draws = [np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups) for _ in range(size)]
        weights = np.array(draws, float)[:, inverse]
        for name, values in measure(y, proba, predicted, positive, fold, weights).items():
            if values.ndim == 1:
                drawn.setdefault(name, []).append(values)
    return {name: _percentiles(np.concatenate(values)) for name, values in drawn.items()}


def _percentiles(values: np.ndarray) -> list[float]:
    values = values[~np.isnan(values)]
    return np.percentile(values, [2.5, 97.5]).tolist() if len(values) else [float("nan")] * 2
