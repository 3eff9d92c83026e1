"""Probabilities as ranks and as promises: ROC, precision-recall, calibration."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from classify.reports.figures._words import drawn_classes, measured, percent, quoted
from classify.reports.run_data import RunData
from stores.shared.plot_style import (
    GRID,
    HEIGHT,
    INK,
    MUTED,
    WIDTH,
    color,
    dash,
    legend_below,
    legend_label,
    new_figure,
    titled,
)

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

GRID_POINTS = np.linspace(0, 1, 201) ** 2  # closer at the left, where the curves rise
BINS = 10
Curve = Callable[[np.ndarray, np.ndarray], np.ndarray]  # truth and probability of a class -> values at GRID_POINTS
Z = 1.959964  # of 95 % of a normal distribution


def roc(run_data: RunData) -> Figure:
    """True positive rate against false positive rate: the mean over the folds, as the metric is."""
    areas = run_data.run.metrics.overall["roc_auc"].value
    finding = "There is no rank to look at" if areas is None else _better(areas, run_data)
    figure, axes = new_figure(
        finding, measured(run_data, "roc_auc", "ROC-AUC") + _over(run_data),
        "rows of the others taken for it (false positive rate)", "rows of it found (recall)",
    )  # fmt: skip
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    _curves(run_data, figure, axes, roc_curve)
    _decided(run_data, axes, precision=False)
    return figure


def precision_recall(run_data: RunData) -> Figure:
    """Precision against recall, the mean over the folds."""
    c = run_data.predictions.positive
    if run_data.problem == "binary":
        taken = run_data.predictions.predicted == c
        hit = (taken & run_data.members[:, c]).sum()
        name = quoted(run_data.classes[c])
        right, found = hit / max(taken.sum(), 1), hit / max(run_data.members[:, c].sum(), 1)
        finding = f"{percent(right)} of what is taken for {name} is, and {percent(found)} of it is found"
    else:
        finding = _easiest(run_data)
    basis = measured(run_data, "pr_auc", "PR-AUC") + _over(run_data)
    figure, axes = new_figure(finding, basis, "recall", "precision")
    _curves(run_data, figure, axes, precision_curve)
    if run_data.problem == "binary":
        share = run_data.members[:, c].mean()
        axes.axhline(share, color=MUTED, linewidth=0.8, linestyle=":")
    _decided(run_data, axes, precision=True)
    axes.set_ylim(0, 1.03)
    return figure


def roc_curve(truth: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Recall at the false positive rates ``GRID_POINTS``, between which the curve is straight."""
    hit, taken, _ = _steps(truth, p)
    recall, false = hit / truth.sum(), (taken - hit) / (~truth).sum()
    # subtle: of several points at one rate the last is the highest, and the one to go on from
    last = np.append(np.diff(false) > 0, True)
    start = [] if false[last][0] == 0 else [0.0]
    return np.interp(GRID_POINTS, [*start, *false[last]], [*start, *recall[last]])


def precision_curve(truth: np.ndarray, p: np.ndarray) -> np.ndarray:
    """Precision where recall first reaches ``GRID_POINTS``: the steps that the average precision adds up."""
    hit, taken, _ = _steps(truth, p)
    at = np.searchsorted(hit / truth.sum(), np.maximum(GRID_POINTS, 1e-12))
    return (hit / taken)[at]


def _steps(truth: np.ndarray, p: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Positive rows and all rows with at least each of the different probabilities, falling; and these."""
    order = np.argsort(-p, kind="stable")
    score = p[order]
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))
    return np.cumsum(truth[order])[last], last + 1, score[last]


def _curves(run_data: RunData, figure: Figure, axes: Axes, curve: Curve) -> None:
    chosen, _ = drawn_classes(run_data)
    for i, c in enumerate(chosen):
        found = _by_fold(run_data, c, curve)
        if len(chosen) == 1 and 1 < len(found) <= 20:
            axes.plot(GRID_POINTS, np.transpose(found), color=MUTED, linewidth=0.5, alpha=0.6)
        if found:
            label = legend_label(run_data.classes[c])
            axes.plot(GRID_POINTS, np.mean(found, axis=0), dash(i), color=color(i), label=label)
    axes.set_xlim(-0.01, 1.01)
    if run_data.problem != "binary":
        legend_below(figure)


def _by_fold(run_data: RunData, c: int, curve: Curve) -> list[np.ndarray]:
    """The curve of a class in each fold that has rows of it and others."""
    p, found = run_data.predictions, []
    for fold in np.unique(p.fold):
        rows = p.fold == fold
        truth = run_data.members[rows, c]
        if 0 < truth.sum() < len(truth):
            found.append(curve(truth, p.proba[rows, c]))
    return found


def _decided(run_data: RunData, axes: Axes, precision: bool) -> None:
    """A mark where the decisions of the run lie."""
    if run_data.problem != "binary":
        return
    c = run_data.predictions.positive
    truth, taken = run_data.members[:, c], run_data.predictions.predicted == c
    recall = (truth & taken).sum() / max(truth.sum(), 1)
    false = (~truth & taken).sum() / max((~truth).sum(), 1)
    right = (truth & taken).sum() / max(taken.sum(), 1)
    low, high = run_data.cuts.min(), run_data.cuts.max()
    threshold = f"{low:.2f}" if high - low < 0.005 else f"{low:.2f} to {high:.2f}"
    place = (recall, right) if precision else (false, recall)
    axes.plot(*place, "o", color=INK, markersize=6, label=f"as decided (threshold {threshold})", zorder=3)
    axes.legend(loc="lower left" if precision else "lower right")


def _better(area: float, run_data: RunData) -> str:
    if run_data.problem == "binary":
        name, other = (
            quoted(run_data.classes[i]) for i in (run_data.predictions.positive, run_data.predictions.positive - 1)
        )
        return f"{percent(area)} of the pairs of {name} and {other} are ranked right"
    return f"{percent(area)} of the pairs of a class and its others are ranked right"


def _easiest(run_data: RunData) -> str:
    """The classes with the largest and the smallest area under the precision-recall curve."""
    from scipy.integrate import trapezoid

    chosen, _ = drawn_classes(run_data)
    curves = {c: _by_fold(run_data, c, precision_curve) for c in chosen}
    area = {c: trapezoid(np.mean(found, 0), GRID_POINTS) for c, found in curves.items() if found}
    if len(area) < 2:
        return "How much of each class is found, and how much of what is found is right"
    order = sorted(area, key=lambda c: area[c])
    best, worst = order[-1], order[0]
    return f"{quoted(run_data.classes[best])} is found best, {quoted(run_data.classes[worst])} worst"


def _over(run_data: RunData) -> str:
    _, left_out = drawn_classes(run_data)
    what = "" if run_data.problem == "binary" else ", mean over the classes"
    folds = len(run_data.run.metrics.folds)
    return what + (f", mean of {folds} folds" if folds > 1 else "") + left_out


def calibration(run_data: RunData) -> Figure | None:
    """Reliability diagram: how often is what was promised with a probability true; rows a bin below.

    Two classes: the probability of the positive one. More: that of the predicted class. Several labels: each of them.
    """
    promised, kept, what = _promises(run_data)
    if not len(promised):
        return None
    bins = np.minimum((promised * BINS).astype(int), BINS - 1)
    count = np.bincount(bins, minlength=BINS)
    there = count > 0
    mean = np.bincount(bins, promised, BINS)[there] / count[there]
    share = np.bincount(bins, kept, BINS)[there] / count[there]
    off = np.abs(mean - share) @ count[there] / count.sum()
    figure, (axes, below) = titled(
        f"Probabilities are off by {off:.3f} on average",
        f"Expected calibration error over {BINS} bins, n = {len(promised):,}; bars: 95% intervals",
        (WIDTH, HEIGHT + 0.6), nrows=2, sharex=True, height_ratios=(3, 1),
    )  # fmt: skip
    low, high = wilson(share, count[there])
    axes.plot([0, 1], [0, 1], color=MUTED, linewidth=0.8, linestyle=":")
    axes.errorbar(mean, share, [share - low, high - share], fmt="-o", color=color(0), markersize=4, capsize=2, lw=1.2)
    axes.set_ylim(-0.02, 1.02)
    axes.set_ylabel("share that is true")
    below.bar((np.arange(BINS) + 0.5) / BINS, count, 0.9 / BINS, color=GRID, edgecolor=MUTED, linewidth=0.5)
    below.set_yscale("log")
    below.yaxis.set_major_formatter(lambda y, _: f"{y:,.0f}")
    below.set_ylim(bottom=0.5)
    below.set_ylabel("rows")
    below.set_xlabel(what)
    axes.set_xlim(-0.02, 1.02)
    return figure


def _promises(run_data: RunData) -> tuple[np.ndarray, np.ndarray, str]:
    p = run_data.predictions
    if run_data.problem == "binary":
        name = quoted(run_data.classes[p.positive])
        return p.proba[:, p.positive], run_data.members[:, p.positive], f"probability of {name}"
    if p.multilabel:
        return p.proba.ravel(), run_data.members.ravel(), "probability of a label"
    best = p.proba.argmax(1)
    return p.proba.max(1), best == p.y, "probability of the most probable class"


def wilson(share: np.ndarray, n: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """95 % interval of a share of ``n`` (Wilson 1927, "Probable Inference", eq. 1)."""
    middle = (share + Z**2 / (2 * n)) / (1 + Z**2 / n)
    half = Z / (1 + Z**2 / n) * np.sqrt(share * (1 - share) / n + Z**2 / (4 * n**2))
    return np.minimum(middle - half, share), np.maximum(middle + half, share)
