"""What was decided: confusion matrix, and scores against the threshold."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classify.reports.figures._words import drawn_classes, measured, percent, quoted
from classify.reports.run_data import RunData
from stores.shared.plot_style import (
    HEIGHT,
    INK,
    MUTED,
    PAPER,
    WIDTH,
    color,
    dash,
    legend_below,
    legend_label,
    new_figure,
    shown,
)

if TYPE_CHECKING:
    from matplotlib.figure import Figure

NUMBERED, NAMED = 12, 40  # classes up to which each cell has its number, each row its name
STEPS = 201


def confusion(run_data: RunData) -> Figure:
    """The confusion matrix; with several labels, what was found, missed and wrongly given of each."""
    if run_data.predictions.multilabel:
        return _labels(run_data)
    counts = np.array(run_data.run.metrics.confusion)
    classes = [shown(name, 16) for name in run_data.classes]
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = float(np.clip(1.6 + 0.42 * len(classes), HEIGHT, 9))
    figure, axes = new_figure(
        _worst(run_data, counts), measured(run_data, "accuracy", "accuracy"), "predicted", "true class",
        (max(WIDTH, side), side),
    )  # fmt: skip
    # colours as the share of the row; drawn as cells, not as an image, so that the page stays sharp
    axes.pcolormesh(share, cmap="Blues", vmin=0, vmax=1.15, edgecolors=PAPER, linewidth=1)
    axes.invert_yaxis()
    axes.grid(False)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    places = np.arange(len(classes)) + 0.5
    if len(classes) <= NAMED:
        turned = max(map(len, classes)) * len(classes) > 40
        axes.set_xticks(places, classes, rotation=90 if turned else 0)
        axes.set_yticks(places, classes)
    if len(classes) <= NUMBERED:
        for i, j in np.ndindex(counts.shape):
            dark = share[i, j] > 0.75
            text = f"{counts[i, j]:,}" + (f"\n{percent(share[i, j])}" if len(classes) <= 6 else "")
            # fixed colours: the cells keep theirs on a dark page
            axes.text(j + 0.5, i + 0.5, text, ha="center", va="center", color="#ffffff" if dark else "#10151b")
    return figure


def _worst(run_data: RunData, counts: np.ndarray) -> str:
    if run_data.problem == "binary":
        c = run_data.predictions.positive
        found = counts[c, c] / max(counts[c].sum(), 1)
        lost = counts[1 - c, c] / max(counts[1 - c].sum(), 1)
        name, other = quoted(run_data.classes[c]), quoted(run_data.classes[1 - c])
        return f"{percent(found)} of {name} is found, {percent(lost)} of {other} is taken for it"
    off = counts - np.diag(np.diag(counts))
    if not off.any():
        return "Every row is classified right"
    i, j = np.unravel_index(off.argmax(), off.shape)
    return f"The most frequent mistake: {quoted(run_data.classes[i])} taken for {quoted(run_data.classes[j])}"


def _labels(run_data: RunData) -> Figure:
    cells = np.array(run_data.run.metrics.confusion)  # [L, 2, 2], truth first
    hit, missed, given = cells[:, 1, 1], cells[:, 1, 0], cells[:, 0, 1]
    found = hit.sum() / max((hit + missed).sum(), 1)
    figure, axes = new_figure(
        f"{percent(found)} of the labels are found, {given.sum():,} are given wrongly",
        measured(run_data, "f1_micro", "F1 micro"), "rows", "",
        (WIDTH, float(np.clip(1.5 + 0.36 * len(cells), HEIGHT, 9))),
    )  # fmt: skip
    places = np.arange(len(cells))
    axes.barh(places, hit, color=color(0), label="found")
    axes.barh(places, missed, left=hit, color=color(1), label="missed", hatch="//", edgecolor=PAPER)
    axes.barh(places, -given, color=MUTED, label="given wrongly")
    axes.axvline(0, color=INK, linewidth=0.8)
    axes.set_yticks(places, [shown(name, 16) for name in run_data.classes])
    axes.xaxis.set_major_formatter(lambda x, _: f"{abs(x):,.0f}")
    axes.invert_yaxis()
    axes.grid(False, axis="y")
    legend_below(figure)
    return figure


def threshold(run_data: RunData) -> Figure | None:
    """Precision, recall and F1 against the threshold; with several labels the F1 of each; else there is none."""
    if run_data.problem == "multi-class":
        return None
    p = run_data.predictions
    thresholds = np.linspace(0, 1, STEPS)
    chosen, left_out = drawn_classes(run_data)
    scores = {c: scores_at(run_data.members[:, c], p.proba[:, c], thresholds) for c in chosen}
    if p.multilabel:
        finding, basis = _best_thresholds(run_data, scores, thresholds), measured(run_data, "f1_macro", "F1 macro")
        figure, axes = new_figure(finding, basis + left_out, "threshold", "F1")
        for i, c in enumerate(chosen):
            axes.plot(thresholds, scores[c][2], dash(i), color=color(i), label=legend_label(run_data.classes[c]))
    else:
        f1, name = scores[p.positive][2], quoted(run_data.classes[p.positive])
        best = f1.argmax()
        figure, axes = new_figure(
            f"F1 of {name} is largest at {thresholds[best]:.2f}: {f1[best]:.3f}",
            measured(run_data, "f1_macro", "F1 macro as decided"), f"threshold of the probability of {name}", "score",
        )  # fmt: skip
        for i, (label, values) in enumerate(zip(("precision", "recall", "F1"), scores[p.positive], strict=True)):
            axes.plot(thresholds, values, dash(i), color=color(i), label=label)
        low, high = run_data.cuts.min(), run_data.cuts.max()
        axes.axvspan(low, high, color=INK, alpha=0.15, linewidth=0)
        axes.axvline((low + high) / 2, color=INK, linewidth=0.8, label="as decided")
    axes.set_ylim(0, 1.03)
    legend_below(figure)
    return figure


def _best_thresholds(run_data: RunData, scores: dict[int, np.ndarray], thresholds: np.ndarray) -> str:
    """Between which labels the threshold with the largest F1 differs most."""
    best = {c: thresholds[found[2].argmax()] for c, found in scores.items()}
    if not best:
        return "No label is there in some rows and not in others"
    order = sorted(best, key=lambda c: best[c])
    low, high = order[0], order[-1]
    if best[low] == best[high]:
        return f"F1 of every label is largest at {best[low]:.2f}"
    of_low, of_high = quoted(run_data.classes[low]), quoted(run_data.classes[high])
    return f"F1 of {of_low} is largest at {best[low]:.2f}, of {of_high} at {best[high]:.2f}"


def counts_at(truth: np.ndarray, p: np.ndarray, thresholds: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """How many rows have at least each probability, and how many of these are positive, int ``[s]`` each."""
    every, hits = np.sort(p), np.sort(p[truth])
    at = [len(values) - np.searchsorted(values, thresholds, side="left") for values in (every, hits)]
    return at[0], at[1]


def scores_at(truth: np.ndarray, p: np.ndarray, thresholds: np.ndarray) -> np.ndarray:
    """Precision (NaN where nothing is taken), recall and F1 ``[3, s]`` of a class."""
    taken, hit = counts_at(truth, p, thresholds)
    with np.errstate(invalid="ignore"):
        return np.stack([hit / taken, hit / max(truth.sum(), 1), 2 * hit / (taken + max(truth.sum(), 1))])
