"""How much each prediction moves a metric: the delta method, without resampling.

The influence of prediction ``i`` is ``psi_i = n dM / dw_i``, with ``w`` the weights of the ``n`` predictions, at one
each. Then ``M`` of other rows of the same source varies with a standard error of ``sqrt(sum of psi^2) / n``; where rows
hang together in groups, psi is summed over each group before it is squared (Efron 1982, "The Jackknife, the Bootstrap
and Other Resampling Plans", chapter 6). For ROC-AUC that is LeDell, Petersen, van der Laan 2015.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classify.scoring.metrics import METRICS, Metric
from classify.scoring.scored import Decisions, Scored

STEP = 1e-4  # of the rows, by which counts are moved to see what that does


def influence(name: str, scored: Scored) -> np.ndarray | None:
    """float64 ``[n]``: psi of the metric ``name``; None for those that have none.

    Args:
        name: a metric that is one number.
        scored: the predictions, under one weighting of one each.
    """
    metric = METRICS[name]
    if metric.of == "rows":
        values = np.asarray(metric.function(scored), float)
        return values - values.mean()
    if metric.of == "decisions":
        return of_decisions(metric, scored)
    of_area = {"roc_auc": roc_influence, "pr_auc": precision_influence}.get(name)
    return None if of_area is None else _of_areas(scored, of_area)


def standard_error(psi: np.ndarray, group: np.ndarray) -> float:
    """Of the metric, with the influences of each group (int ``[n]``, numbers from 0) summed."""
    return float(np.sqrt((np.bincount(group, psi) ** 2).sum()) / len(psi))


def of_decisions(metric: Metric, scored: Scored, c: int | None = None) -> np.ndarray:
    """psi of a metric of counts, by its derivatives; of class ``c`` of a metric per class of its own counts."""
    d, n = scored.decisions, len(scored.y)
    some = slice(None) if c is None else [c]
    hit, true, taken = (counts[:, some] for counts in (d.hit, d.true, d.taken))
    counts = np.concatenate([hit[0], true[0], taken[0], d.total])  # what the metric is a function of: [3 C + 1]
    step = STEP * n * np.eye(len(counts))
    both = np.concatenate([counts + step, counts - step])  # a little more, a little less of each count
    width = hit.shape[1]
    moved = Decisions(
        both[:, :width], both[:, width : 2 * width], both[:, 2 * width : 3 * width], both[:, -1], d.positive
    )
    values = metric.function(moved)
    more, less = np.split(values if c is None else values[:, 0], 2)
    slope = (more - less) / (2 * STEP * n)  # dM / dcount
    of_hit, of_true, of_taken = np.split(slope[:-1], 3)
    if scored.y.ndim == 1 and c is None:  # each row is of one true class and one decided for
        y, predicted = scored.y, scored.predicted
        return n * (np.where(y == predicted, of_hit[y], 0) + of_true[y] + of_taken[predicted] + slope[-1])
    truth, decided = scored.truth[:, some], scored.decided[:, some]
    return n * ((truth & decided) @ of_hit + truth @ of_true + decided @ of_taken + slope[-1])


def _of_areas(scored: Scored, influence_of: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> np.ndarray | None:
    """psi of an area: mean over classes and repeats."""
    chosen = [scored.positive] if scored.problem == "binary" else range(scored.proba.shape[1])
    total, classes = np.zeros(len(scored.y)), 0
    repeats = np.unique(scored.repeat)
    for c in chosen:
        hit = scored.truth[:, c]
        if hit.min() == hit.max():
            continue
        classes += 1
        rows: slice | np.ndarray
        for number in repeats:
            rows = slice(None) if len(repeats) == 1 else np.flatnonzero(scored.repeat == number)
            if hit[rows].min() != hit[rows].max():
                # of a mean over repeats: each has n / R of the n predictions
                total[rows] += influence_of(hit[rows], scored.proba[rows, c])
    return total / classes if classes else None


def roc_influence(hit: np.ndarray, score: np.ndarray) -> np.ndarray:
    """psi of the ROC-AUC of ``n`` rows, ``[n]``; rows of one score are one step.

    It is n / n1 (share of negatives below it - AUC) for a positive, n / n0 (share of positives above it - AUC) for a
    negative, ties counting half.
    """
    n, (order, step, positive, negative) = len(hit), _steps(hit, score)
    n1 = int(np.count_nonzero(hit))
    n0 = n - n1
    below = n0 - np.cumsum(negative) + negative / 2  # negatives beaten by a row of the step, ties half
    del negative  # of many rows each array counts
    auc = (positive * below).sum() / n1 / n0
    beaten_by = np.cumsum(positive) - positive / 2  # positives that beat it
    psi = np.empty(n)
    psi[order] = np.where(hit[order], n / n1 * (below[step] / n0 - auc), n / n0 * (beaten_by[step] / n1 - auc))
    return psi


def precision_influence(hit: np.ndarray, score: np.ndarray) -> np.ndarray:
    """psi of the average precision of ``n`` rows, ``[n]``; rows of one score are one step.

    With T the positives and N the rows at or above a row's score, average precision is the sum over positives of
    T / N / n1; its psi is n / n1 [y (T / N - AP) + sum over the positives at or below it of y / N - T / N^2].
    """
    n, (order, step, positive, negative) = len(hit), _steps(hit, score)
    n1 = int(np.count_nonzero(hit))
    above, taken = np.cumsum(positive), np.cumsum(positive + negative)  # down to the end of each step
    precision = above / taken
    ap = (positive * precision).sum() / n1
    lower = np.cumsum((positive * (1 / taken))[::-1])[::-1]  # sum over positives at or below: 1 / N
    deeper = np.cumsum((positive * above / taken**2)[::-1])[::-1]  # and T / N^2
    y, psi = hit[order], np.empty(n)
    psi[order] = n / n1 * (y * (precision[step] - ap) + y * lower[step] - deeper[step])
    return psi


def _steps(hit: np.ndarray, score: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Rows by falling score, the number of the step of each from the top, and positives and negatives of each step."""
    order = np.argsort(-score, kind="stable")
    step = np.cumsum(np.append(False, np.diff(score[order]) != 0))
    y = hit[order].astype(float)
    return order, step, np.bincount(step, y), np.bincount(step, 1 - y)
