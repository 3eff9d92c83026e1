"""What was decided: confusion matrix, and scores against the threshold."""

from __future__ import annotations

import numpy as np

from classify.reports.figures._words import drawn_classes, measured, percent, quoted
from classify.reports.run_data import RunData
from stores.shared.chart import EDGES, Axis, Bars, Chart, Line, Words, new_chart
from stores.shared.plot_style import HEIGHT, INK, MUTED, PAPER, WIDTH, color, dash, shown

NUMBERED, NAMED = 12, 40  # classes up to which each cell has its number, each row its name
STEPS = 201
BLUES = ("#f7fbff", "#deebf7", "#c6dbef", "#9ecae1", "#6baed6", "#4292c6", "#2171b5", "#08519c", "#08306b")


def confusion(run_data: RunData) -> Chart:
    """The confusion matrix; with several labels, what was found, missed and wrongly given of each."""
    if run_data.predictions.multilabel:
        return _labels(run_data)
    counts = np.array(run_data.run.metrics.confusion)
    classes = [shown(name, 16) for name in run_data.classes]
    share = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = float(np.clip(1.6 + 0.42 * len(classes), HEIGHT, 9))
    chart, panel = new_chart(
        _worst(run_data, counts), measured(run_data, "accuracy", "accuracy"), "predicted", "true class",
        (max(WIDTH, side), side),
    )  # fmt: skip
    cells = [(i, j) for i in range(len(classes)) for j in range(len(classes))]
    x, y = ([(c[axis] - 0.5, c[axis] + 0.5) for c in cells] for axis in (1, 0))
    panel.add(Bars(x, y, [_blue(share[cell]) for cell in cells], edge=PAPER))
    named = list(enumerate(classes)) if len(classes) <= NAMED else []
    panel.x = Axis("predicted", -0.5, len(classes) - 0.5, named, grid=False)
    panel.y = Axis("true class", -0.5, len(classes) - 0.5, named, grid=False, falling=True)
    panel.frame = False
    if len(classes) <= NUMBERED:
        texts = [f"{counts[c]:,}" + (f"\n{percent(share[c])}" if len(classes) <= 6 else "") for c in cells]
        # fixed colours: the cells keep theirs on a dark page
        dark = ["#ffffff" if share[cell] > 0.55 else "#10151b" for cell in cells]
        panel.add(Words([j for _, j in cells], [i for i, _ in cells], texts, dark))
    return chart


def _blue(share: float) -> str:
    """From nearly white to a deep blue, as matplotlib's Blues."""
    places = np.linspace(0, 1, len(BLUES)) * 1.15
    parts = [np.interp(share, places, [int(blue[i : i + 2], 16) for blue in BLUES]) for i in (1, 3, 5)]
    return "#" + "".join(f"{round(part):02x}" for part in parts)


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


def _labels(run_data: RunData) -> Chart:
    cells = np.array(run_data.run.metrics.confusion)  # [L, 2, 2], truth first
    hit, missed, given = cells[:, 1, 1], cells[:, 1, 0], cells[:, 0, 1]
    found = hit.sum() / max((hit + missed).sum(), 1)
    chart, panel = new_chart(
        f"{percent(found)} of the labels are found, {given.sum():,} are given wrongly",
        measured(run_data, "f1_micro", "F1 micro"), "rows", "",
        (WIDTH, float(np.clip(1.5 + 0.36 * len(cells), HEIGHT, 9))),
    )  # fmt: skip
    sides = [(i - 0.4, i + 0.4) for i in range(len(cells))]
    panel.add(
        Bars([(0, n) for n in hit], sides, color(0), label="found"),
        Bars(list(zip(hit, hit + missed, strict=True)), sides, color(1), hatched=True, label="missed"),
        Bars([(-n, 0) for n in given], sides, MUTED, label="given wrongly"),
    )
    panel.upright(0, INK)
    panel.x.form = lambda x: f"{abs(x):,.0f}"
    named = [(i, shown(name, 16)) for i, name in enumerate(run_data.classes)]
    panel.y = Axis(ticks=named, falling=True, grid=False)
    return chart


def threshold(run_data: RunData) -> Chart | None:
    """Precision, recall and F1 against the threshold; with several labels the F1 of each; else there is none."""
    if run_data.problem == "multi-class":
        return None
    p = run_data.predictions
    thresholds = np.linspace(0, 1, STEPS)
    chosen, left_out = drawn_classes(run_data)
    scores = {c: scores_at(run_data.members[:, c], p.proba[:, c], thresholds) for c in chosen}
    if p.multilabel:
        finding, basis = _best_thresholds(run_data, scores, thresholds), measured(run_data, "f1_macro", "F1 macro")
        chart, panel = new_chart(finding, basis + left_out, "threshold", "F1")
        for i, c in enumerate(chosen):
            panel.add(Line(thresholds, scores[c][2], color(i), dash=dash(i), label=shown(run_data.classes[c])))
    else:
        f1, name = scores[p.positive][2], quoted(run_data.classes[p.positive])
        best = f1.argmax()
        chart, panel = new_chart(
            f"F1 of {name} is largest at {thresholds[best]:.2f}: {f1[best]:.3f}",
            measured(run_data, "f1_macro", "F1 macro as decided"), f"threshold of the probability of {name}", "score",
        )  # fmt: skip
        low, high = run_data.cuts.min(), run_data.cuts.max()
        panel.add(Bars([(low, high)], [EDGES], INK, 0.15))
        for i, (label, values) in enumerate(zip(("precision", "recall", "F1"), scores[p.positive], strict=True)):
            panel.add(Line(thresholds, values, color(i), dash=dash(i), label=label))
        panel.upright((low + high) / 2, INK, label="as decided")
    panel.y.low, panel.y.high = 0, 1.03
    return chart


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
