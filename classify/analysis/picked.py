"""The score of the best of several runs, corrected for having been picked as the best."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.analysis.comparison import Interval
from classify.scoring.bootstrap import draws, percentiles
from classify.scoring.metrics import METRICS
from classify.scoring.predictions import Predictions

RESAMPLES = 500


def picked(
    predictions: Sequence[Predictions], group: np.ndarray, by: str, seed: int, resamples: int = RESAMPLES
) -> Interval:
    """BBC-CV: bootstrap bias corrected cross-validation.

    Tsamardinos, Greasidou, Borboudakis 2018, "Bootstrapping the out-of-sample predictions for efficient and accurate
    cross-validation", Machine Learning 107, algorithm 5: on each resample of the rows the best run is picked as it was
    on all rows, and scored on the rows that the resample left out. The mean of these scores is what to expect of the
    best; their middle 95 % is the interval.

    Args:
        predictions: of each run, of the same rows, ``t`` each.
        group: int ``[t]``, what is drawn together.
        by: the metric that the best is picked by.
        seed, resamples: of the bootstrap.

    Returns:
        NaN where no resample leaves rows with a score.
    """
    sign = 1 if METRICS[by].higher_is_better else -1
    scores: list[np.ndarray] = []
    every = [p.scored() for p in predictions]

    def score(weights: np.ndarray) -> np.ndarray:
        return np.stack([METRICS[by].values(scored.under(weights)) for scored in every])

    for weights in draws(group, seed, resamples):
        left_out = (weights == 0).astype(float)
        some = left_out.sum(1) > 0
        inside = sign * score(weights[some])  # [runs, b]
        outside = score(left_out[some])
        best = np.where(np.isnan(inside), -np.inf, inside).argmax(0)
        scores.append(outside[best, np.arange(outside.shape[1])])
    values = np.concatenate(scores)
    values = values[~np.isnan(values)]
    low, high = percentiles(values)
    return Interval(float(values.mean()) if len(values) else float("nan"), low, high)
