"""Resamples of groups of rows, drawn with replacement, and the scores of each."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from classify.scoring.predictions import Predictions

RESAMPLES = 1000
CELLS = 1 << 22  # weights held at a time: 32 MiB


def resampled(
    found: Sequence[Predictions],
    group: np.ndarray,
    seed: int,
    resamples: int = RESAMPLES,
    names: Sequence[str] | None = None,
) -> list[dict[str, np.ndarray]]:
    """Every metric that is one number, of all of ``found`` in the same resamples: name -> ``[resamples]`` each.

    Args:
        found: predictions of the same rows, ``t`` each.
        group: int ``[t]``, what is drawn.
        seed, resamples: see ``draws``.
        names: of the metrics; all if None.
    """
    drawn: list[dict[str, list]] = [{} for _ in found]
    for weights in draws(group, seed, resamples):
        for own, predictions in zip(drawn, found, strict=True):
            for name, values in predictions.measure(weights, resampled=True, names=names).items():
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
