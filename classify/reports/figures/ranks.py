"""Probabilities as ranks and as promises: ROC, precision-recall, calibration."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from classify.reports.figures._words import drawn_classes, measured, percent, quoted
from classify.reports.run_data import RunData
from stores.shared.chart import Axis, Bars, Chart, Intervals, Line, Panel, new_chart
from stores.shared.plot_style import GRID, HEIGHT, INK, MUTED, WIDTH, color, dash, shown

GRID_POINTS = np.linspace(0, 1, 201) ** 2  # closer at the left, where the curves rise
BINS = 10
Curve = Callable[[np.ndarray, np.ndarray], np.ndarray]  # truth and probability of a class -> values at GRID_POINTS
Z = 1.959964  # of 95 % of a normal distribution


def roc(run_data: RunData) -> Chart:
    """True positive rate against false positive rate: the mean over the folds, as the metric is."""
    areas = run_data.run.metrics.overall["roc_auc"].value
    finding = "There is no rank to look at" if areas is None else _better(areas, run_data)
    chart, panel = new_chart(
        finding, measured(run_data, "roc_auc", "ROC-AUC") + _over(run_data),
        "rows of the others taken for it (false positive rate)", "rows of it found (recall)",
    )  # fmt: skip
    panel.add(Line((0, 1), (0, 1), MUTED, 0.8, ":"))
    _curves(run_data, panel, roc_curve)
    _decided(run_data, chart, precision=False)
    return chart


def precision_recall(run_data: RunData) -> Chart:
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
    chart, panel = new_chart(finding, basis, "recall", "precision")
    if run_data.problem == "binary":
        panel.level(float(run_data.members[:, c].mean()), MUTED, dash=":")
    _curves(run_data, panel, precision_curve)
    _decided(run_data, chart, precision=True)
    panel.y.low, panel.y.high = 0, 1.03
    return chart


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


def _curves(run_data: RunData, panel: Panel, curve: Curve) -> None:
    chosen, _ = drawn_classes(run_data)
    for i, c in enumerate(chosen):
        found = _by_fold(run_data, c, curve)
        if len(chosen) == 1 and 1 < len(found) <= 20:
            panel.add(*(Line(GRID_POINTS, own, MUTED, 0.5, opacity=0.6) for own in found))
        if found:
            label = shown(run_data.classes[c])
            panel.add(Line(GRID_POINTS, np.mean(found, axis=0), color(i), dash=dash(i), label=label))
    panel.x.low, panel.x.high = -0.01, 1.01


def _by_fold(run_data: RunData, c: int, curve: Curve) -> list[np.ndarray]:
    """The curve of a class in each fold that has rows of it and others."""
    p, found = run_data.predictions, []
    for fold in np.unique(p.fold):
        rows = p.fold == fold
        truth = run_data.members[rows, c]
        if 0 < truth.sum() < len(truth):
            found.append(curve(truth, p.proba[rows, c]))
    return found


def _decided(run_data: RunData, chart: Chart, precision: bool) -> None:
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
    x, y = (recall, right) if precision else (false, recall)
    chart.panels[0].add(Line([x], [y], INK, 0, marker="o", label=f"as decided (threshold {threshold})"))
    chart.legend = "lower left" if precision else "lower right"


def _better(area: float, run_data: RunData) -> str:
    if run_data.problem == "binary":
        name, other = (
            quoted(run_data.classes[i]) for i in (run_data.predictions.positive, run_data.predictions.positive - 1)
        )
        return f"{percent(area)} of the pairs of {name} and {other} are ranked right"
    return f"{percent(area)} of the pairs of a class and its others are ranked right"


def _easiest(run_data: RunData) -> str:
    """The classes with the largest and the smallest area under the precision-recall curve."""
    chosen, _ = drawn_classes(run_data)
    curves = {c: _by_fold(run_data, c, precision_curve) for c in chosen}
    area = {c: np.trapezoid(np.mean(found, 0), GRID_POINTS) for c, found in curves.items() if found}
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


def calibration(run_data: RunData) -> Chart | None:
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
    low, high = wilson(share, count[there])
    above, below = Panel(Axis("", -0.02, 1.02), Axis("share that is true", -0.02, 1.02), share=3), Panel(Axis(what))
    above.add(Line((0, 1), (0, 1), MUTED, 0.8, ":"), Intervals(mean, low, high, color=color(0)))
    above.add(Line(mean, share, color(0), 1.2, marker="o", size=4))
    below.x.low, below.x.high = -0.02, 1.02
    below.y = Axis("rows", 0.5, log=True, form=lambda y: f"{y:,.0f}")
    sides = [((i + 0.05) / BINS, (i + 0.95) / BINS) for i in range(BINS)]
    below.add(Bars([sides[i] for i in np.flatnonzero(there)], [(0.5, n) for n in count[there]], GRID, edge=MUTED))
    return Chart(
        f"Probabilities are off by {off:.3f} on average",
        f"Expected calibration error over {BINS} bins, n = {len(promised):,}; bars: 95% intervals",
        (WIDTH, HEIGHT + 0.6), [above, below],
    )  # fmt: skip


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
