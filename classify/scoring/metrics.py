"""Truth and probability -> numbers: the registry of all metrics. Tables, comparisons, reports and JSON follow from it.

A new metric is one more entry of ``METRICS``. The definitions are scikit-learn's, precision of a class that is never
predicted counting 0; the tests compare with it. A class (or label) that is neither true nor predicted in any row has no
score, and no say in a macro mean.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from classify.scoring.calibration_error import expected_error, recalibration
from classify.scoring.decision_metrics import (
    balanced_accuracy,
    f1,
    macro,
    mcc,
    micro,
    of_positive,
    precision,
    recall,
    weighted,
)
from classify.scoring.scored import EPS, Scored

Measures = dict[str, np.ndarray]  # name -> [B], per class [B, C]; NaN where a metric has no value
BINARY, MULTI_CLASS, MULTI_LABEL = PROBLEMS = ("binary", "multi-class", "multi-label")


@dataclass(frozen=True)
class Metric:
    """One metric.

    Attributes:
        name: in JSON and on the command line (``--by``).
        title: in tables and figures.
        function: of ``Decisions`` -> ``[B]`` (or ``[B, C]``) if ``of`` is ``decisions``; of ``Scored`` -> a value a row
            ``[n]``, whose mean is the metric, if it is ``rows``; of ``Scored`` -> ``[B]`` (``[B, C]``) if ``scored``.
        of: what the function takes and gives, see there.
        higher_is_better: direction; None where a value in between is best (the slope of a calibration, 1).
        needs_probabilities: whether decisions alone do not suffice.
        problems: for which of ``binary``, ``multi-class``, ``multi-label`` it is defined.
        per_class: whether it has a value a class (or label) instead of one.
        table: 1: a column of the first table of scores; 2: of the second; 0: in JSON, ``--by`` and intervals only.
        interval: how its interval is made, see ``classify.scoring.intervals``; ``none`` for none.
        title_of_labels: its title where a row may have several labels, if that is another.
    """

    name: str
    title: str
    function: Callable[..., np.ndarray]
    of: str = "scored"
    higher_is_better: bool | None = True
    needs_probabilities: bool = False
    problems: tuple[str, ...] = PROBLEMS
    per_class: bool = False
    table: int = 0
    interval: str = "bootstrap"
    title_of_labels: str = ""

    def values(self, scored: Scored) -> np.ndarray:
        """The metric under each weighting, ``[B]`` or ``[B, C]``."""
        if self.of == "decisions":
            return self.function(scored.decisions)
        return scored.mean(scored.once(self.function)) if self.of == "rows" else self.function(scored)


def measure(
    y: np.ndarray,
    proba: np.ndarray,
    predicted: np.ndarray,
    positive: int,
    repeat: np.ndarray | None = None,
    weights: np.ndarray | None = None,
) -> Measures:
    """All metrics of the problem, each ``[B]`` or per class ``[B, C]``, and ``confusion`` (see ``Scored``).

    Args:
        y: int ``[n]``, the true classes; 0/1 ``[n, L]`` where a row may have several labels.
        proba: ``[n, C]``, out-of-fold probabilities.
        predicted: as y, out-of-fold decisions.
        positive: for two classes, the one whose precision, recall, areas and Brier score are meant.
        repeat: int ``[n]``, of which repeat of the folds each row is; all of one if None.
        weights: ``[B, n]``, how much each row counts; once if None (B = 1).
    """
    repeat = np.zeros(len(y), int) if repeat is None else repeat
    scored = Scored(y, proba, predicted, positive, repeat, np.ones((1, len(y))) if weights is None else weights)
    measured = {metric.name: metric.values(scored) for metric in metrics_of(scored.problem)}
    return measured | {"confusion": scored.confusion}


def metrics_of(problem: str, per_class: bool | None = None) -> list[Metric]:
    """The metrics of ``binary``, ``multi-class`` or ``multi-label`` problems, of one value (False), a class (True)."""
    known = (metric for metric in METRICS.values() if problem in metric.problems)
    return [metric for metric in known if per_class in (None, metric.per_class)]


def columns_of(problem: str, table: int = 1) -> dict[str, str]:
    """Name -> title of the metrics that are the columns of the first or second table of scores."""
    return {m.name: title_of(m.name, problem) for m in metrics_of(problem, False) if m.table == table}


def title_of(name: str, problem: str = "") -> str:
    """The title of a metric; the name itself if it is not known here."""
    if name not in METRICS:
        return name
    metric = METRICS[name]
    return metric.title_of_labels or metric.title if problem == MULTI_LABEL else metric.title


def register(metric: Metric) -> None:
    """Add a metric: from then on it is computed, shown and compared like the others.

    Raises:
        ValueError: if there is one of this name.
    """
    if metric.name in METRICS:
        raise ValueError(f"there is a metric {metric.name!r} already")
    METRICS[metric.name] = metric


def _right(s: Scored) -> np.ndarray:
    """Whether the class, or every label, of each row is right."""
    return (s.y == s.predicted).reshape(len(s.y), -1).all(1).astype(float)


# --- of each row, and of probabilities; those of decisions are in decision_metrics -----------------------------------


def _log_losses(s: Scored) -> np.ndarray:
    """Natural logarithm; probabilities are taken to be at least 2.2e-16. Labels: the mean over them."""
    if s.y.ndim == 1:
        return -np.log(np.maximum(s.proba[np.arange(len(s.y)), s.y], EPS))
    return -np.log(np.maximum(np.where(s.y == 1, s.proba, 1 - s.proba), EPS)).mean(1)


def _squares(s: Scored) -> np.ndarray:
    """Brier score a row: of the positive class of two, of several their sum, of labels their mean."""
    squares = (s.proba - s.truth) ** 2
    return {BINARY: squares[:, s.positive], MULTI_CLASS: squares.sum(1), MULTI_LABEL: squares.mean(1)}[s.problem]


def _brier_skill(s: Scored) -> np.ndarray:
    """1 - Brier / Brier of the class frequencies of the same rows; 0 is no better than to know only these."""
    share = s.decisions.true / s.decisions.total[:, None]
    each = share * (1 - share)
    known = {BINARY: each[:, s.positive], MULTI_CLASS: each.sum(1), MULTI_LABEL: each.mean(1)}[s.problem]
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(known > 0, 1 - s.mean(s.once(_squares)) / known, np.nan)


def _roc_auc(s: Scored) -> np.ndarray:
    return _mean_of_known(s.areas[0])


def _pr_auc(s: Scored) -> np.ndarray:
    return _mean_of_known(s.areas[1])


def _mean_of_known(values: np.ndarray) -> np.ndarray:
    """Mean over the classes that have a value, ``[B]``."""
    there = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(there, values, 0).sum(1) / there.sum(1)


ONE_LABEL = (BINARY, MULTI_CLASS)
METRICS: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("accuracy", "accuracy", _right, "rows", table=1, interval="share", title_of_labels="exact match"),
        Metric("balanced_accuracy", "bal. accuracy", balanced_accuracy, "decisions", problems=ONE_LABEL, table=2,
               interval="macro"),
        Metric("f1_macro", "F1 macro", macro(f1), "decisions", table=1, interval="macro"),
        Metric("precision_positive", "precision", of_positive(precision), "decisions", problems=(BINARY,), table=1,
               interval="positive"),
        Metric("recall_positive", "recall", of_positive(recall), "decisions", problems=(BINARY,), table=1,
               interval="positive"),
        Metric("f1_positive", "F1", of_positive(f1), "decisions", problems=(BINARY,), table=1, interval="positive"),
        Metric("roc_auc", "ROC-AUC", _roc_auc, needs_probabilities=True, table=1, interval="roc"),
        Metric("pr_auc", "PR-AUC", _pr_auc, needs_probabilities=True, table=1, interval="pr"),
        Metric("log_loss", "log loss", _log_losses, "rows", False, True, table=1, interval="log"),
        Metric("precision_macro", "precision macro", macro(precision), "decisions", table=2, interval="macro"),
        Metric("recall_macro", "recall macro", macro(recall), "decisions", table=2, interval="macro"),
        Metric("mcc", "MCC", mcc, "decisions", problems=ONE_LABEL, table=2, interval="fisher"),
        Metric("hamming_loss", "Hamming loss", lambda s: (s.y != s.predicted).mean(1), "rows", False,
               problems=(MULTI_LABEL,), table=2, interval="share"),
        Metric("brier", "Brier", _squares, "rows", False, True, table=2, interval="log"),
        Metric("brier_skill", "Brier skill", _brier_skill, needs_probabilities=True, table=2),
        Metric("ece", "ECE", expected_error, "scored", False, True, table=2),
        Metric("calibration_slope", "cal. slope", lambda s: recalibration(s)[:, 0], "scored", None, True, (BINARY,),
               interval="none"),
        Metric("calibration_intercept", "cal. intercept", lambda s: recalibration(s)[:, 1], "scored", None, True,
               (BINARY,), interval="none"),
        Metric("f1_weighted", "F1 weighted", weighted(f1), "decisions", interval="logit"),
        Metric("precision_weighted", "precision weighted", weighted(precision), "decisions", interval="logit"),
        Metric("recall_weighted", "recall weighted", weighted(recall), "decisions", interval="logit"),
        Metric("f1_micro", "F1 micro", micro(f1), "decisions", interval="logit"),
        Metric("precision_micro", "precision micro", micro(precision), "decisions", interval="logit"),
        Metric("recall_micro", "recall micro", micro(recall), "decisions", interval="logit"),
        Metric("precision", "precision", precision, "decisions", per_class=True),
        Metric("recall", "recall", recall, "decisions", per_class=True),
        Metric("f1", "F1", f1, "decisions", per_class=True),
        Metric("support", "rows", lambda d: d.true, "decisions", None, per_class=True),
        Metric("roc_auc_label", "ROC-AUC", lambda s: s.areas[0], "scored", True, True, (MULTI_LABEL,), True),
        Metric("pr_auc_label", "PR-AUC", lambda s: s.areas[1], "scored", True, True, (MULTI_LABEL,), True),
    )
}  # fmt: skip
