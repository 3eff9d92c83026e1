"""Bootstrap intervals over out-of-fold predictions."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from classify.scoring.predictions import Predictions

RESAMPLES = 1000
CELLS = 1 << 22  # weights held at a time: 32 MiB


def bootstrap(predictions: Predictions, seed: int, resamples: int = RESAMPLES) -> dict[str, list[float]]:
    """95 % percentile intervals (Efron) of every metric that is one number.

    Groups, not rows, are drawn with replacement: rows with the same text are no independent evidence, nor are repeated
    predictions of a row.

    Args:
        predictions: out-of-fold, ``t``.
        seed: of the draws.
        resamples: how many draws.

    Returns:
        name -> [low, high]; resamples in which a metric has no value (one class only) are left out of its interval.
    """
    (drawn,) = resampled([predictions], predictions.group, seed, resamples)
    return {name: percentiles(values) for name, values in drawn.items()}


def resampled(
    found: Sequence[Predictions], group: np.ndarray, seed: int, resamples: int = RESAMPLES
) -> list[dict[str, np.ndarray]]:
    """Every metric that is one number, of all of ``found`` in the same resamples: name -> ``[resamples]`` each.

    Args:
        found: predictions of the same rows, ``t`` each.
        group: int ``[t]``, what is drawn.
        seed, resamples: see ``draws``.
    """
    drawn: list[dict[str, list]] = [{} for _ in found]
    for weights in draws(group, seed, resamples):
        for own, predictions in zip(drawn, found, strict=True):
            for name, values in predictions.measure(weights, resampled=True).items():
                own.setdefault(name, []).append(values)
    return [{name: np.concatenate(values) for name, values in own.items()} for own in drawn]


def draws(group: np.ndarray, seed: int, resamples: int = RESAMPLES) -> Iterator[np.ndarray]:
    """How often each prediction counts in each resample: ``[b, t]``, as many at a time as fit the memory.

    Args:
        group: int ``[t]``; all predictions of a group are drawn together.
        seed: of the draws.
        resamples: how many in all.
    """
    rng = np.random.default_rng(seed)
    _, inverse = np.unique(group, return_inverse=True)
    n_groups = inverse.max() + 1
    step = max(1, CELLS // len(group))
    for start in range(0, resamples, step):
        size = min(step, resamples - start)
        counts = [np.bincount(rng.integers(n_groups, size=n_groups), minlength=n_groups) for _ in range(size)]
        yield np.array(counts, float)[:, inverse]


def percentiles(values: np.ndarray) -> list[float]:
    """The middle 95 % of ``values``, those without a value left out."""
    values = values[~np.isnan(values)]
    return np.percentile(values, [2.5, 97.5]).tolist() if len(values) else [float("nan")] * 2
