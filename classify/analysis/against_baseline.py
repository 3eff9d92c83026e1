"""By how much a head is better than the best baseline on the same rows, with the interval of that difference."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from classify.analysis.paired_runs import by_fold, rarest
from classify.analysis.significance import corrected_error, joined_groups, paired_z
from classify.runs import Score
from classify.scoring.bootstrap import resampled

BY = "f1_macro"  # by which the best baseline is the best


def against_baseline(score: Score, baselines: Mapping[str, Score], seed: int) -> dict[str, Any] | None:
    """``name`` of the best baseline, ``metric``, and the difference: ``value``, ``low``, ``high`` (95 %).

    The difference is taken as ``classify.analysis.compare`` takes it: over its standard error, the luck of training in
    it. None without a value.

    Args:
        score: of the head.
        baselines: name -> score on the same splits.
        seed: of the bootstrap.
    """
    values = {name: float(other.overall[BY][0]) for name, other in baselines.items()}
    values = {name: value for name, value in values.items() if np.isfinite(value)}
    own = float(score.overall[BY][0])
    if not values or not np.isfinite(own):
        return None
    best = max(values, key=lambda name: values[name])
    both = [score.predictions, baselines[best].predictions]
    group = joined_groups([predictions.group for predictions in both])
    a, b = (drawn[BY] for drawn in resampled(both, group, seed, names=[BY]))
    between = 0.0
    if len(score.folds) > 1:
        train, test = np.array([(fold.train_rows, fold.test_rows) for fold in score.folds], float).mean(0)
        gained = np.subtract(by_fold(both[0], BY), by_fold(both[1], BY))
        between = corrected_error(gained, float(train), float(test))
    made = paired_z(own - values[best], a - b, rarest(both[0], group), between)
    half = None if made.error is None else 1.96 * made.error
    low, high = (None, None) if half is None else (made.value - half, made.value + half)
    return {"name": best, "metric": BY, "value": made.value, "low": low, "high": high}
