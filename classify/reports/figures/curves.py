"""Learning as it goes on: metrics after each epoch, and scores with more and more training rows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from classify.analysis.learning import learning_fit
from classify.metrics_json import FoldScore
from classify.reports.run_data import RunData
from classify.scoring.epoch_metrics import VALIDATION, names_of
from classify.scoring.metrics import title_of
from stores.shared.chart import Axis, Bars, Chart, Intervals, Line, Panel, new_chart
from stores.shared.plot_style import MUTED, WIDTH, color

KINDS = (("", "training", "-"), (VALIDATION, "validation", "--"))


def epochs(run_data: RunData) -> Chart | None:
    """Accuracy, precision, recall, F1 and ROC-AUC of each epoch, a panel each; None for heads without epochs."""
    folds = run_data.run.metrics.folds
    names = [name for name in names_of(run_data.problem) if curves(folds, VALIDATION + name)]
    if not names:
        return None
    key = VALIDATION + ("f1_positive" if "f1_positive" in names else "f1_macro")
    mean = mean_curve(curves(folds, key))
    best = int(np.nanargmax(mean)) if np.isfinite(mean).any() else 0
    title = title_of(key.removeprefix(VALIDATION), run_data.problem)
    said = f"{title} of validation rows is highest in epoch {best + 1} of {len(mean)}: {mean[best]:.3f}"
    basis = f"Head's own decisions, {len(folds)} fold{'s' * (len(folds) > 1)}, n = {len(run_data.predictions):,}"
    panels = [
        epoch_panel(folds, name, title_of(name, run_data.problem), first=not number)
        for number, name in enumerate(names)
    ]
    return Chart(said, basis, (WIDTH, 1.1 + 0.95 * len(panels)), panels)


def epoch_panel(folds: Sequence[FoldScore], name: str, title: str, first: bool) -> Panel:
    """A thin line a fold and a thick one for their mean, of training and validation rows."""
    last = max((len(curve) for prefix, *_ in KINDS for curve in curves(folds, prefix + name)), default=1)
    panel = Panel(Axis("epoch", 0.5, last + 0.5, whole=True), Axis(title))
    for i, (prefix, rows, dash) in enumerate(KINDS):
        found = curves(folds, prefix + name)
        for curve in found if len(found) > 1 else []:
            panel.add(Line(np.arange(1, len(curve) + 1), curve, color(i), 0.6, dash, opacity=0.45))
        mean = mean_curve(found)
        if len(mean):
            marker = "o" if len(mean) == 1 else ""
            x = np.arange(1, len(mean) + 1)
            panel.add(Line(x, mean, color(i), 1.8, dash, marker, label=rows if first else ""))
    return panel


def curves(folds: Sequence[FoldScore], name: str) -> list[np.ndarray]:
    """The values an epoch of each fold that has some, NaN where there is none."""
    return [np.array(fold.history[name], float) for fold in folds if fold.history.get(name)]


def mean_curve(found: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over the folds, as far as all of them were trained."""
    shortest = min(map(len, found), default=0)
    return np.mean([curve[:shortest] for curve in found], axis=0) if shortest else np.empty(0)


def learning(run_data: RunData) -> Chart | None:
    """F1 macro against the number of training rows, with the power law through it; None if nothing was asked for."""
    metrics = run_data.run.metrics
    found = learning_fit(metrics)
    if found is None:
        return None
    points = found.points
    chart, panel = new_chart(
        found.sentence(title_of(found.metric, run_data.problem)),
        f"{title_of(found.metric, run_data.problem)} with 95% interval, n = {len(run_data.predictions):,}; "
        f"line: {found.law}",
        "training rows", title_of(found.metric, run_data.problem),
    )  # fmt: skip
    rows = np.geomspace(points[0].rows, found.rows + found.more, 60)
    middle, low, high = found.at(rows)
    for i in range(len(rows) - 1):
        side = (float(min(low[i : i + 2])), float(max(high[i : i + 2])))
        panel.add(Bars([(float(rows[i]), float(rows[i + 1]))], [side], color(0), 0.15))
    panel.add(Line(rows, middle, color(0), 1.4, label="power law"))
    panel.add(Intervals([p.rows for p in points], [p.low for p in points], [p.high for p in points], color=color(1)))
    dots = Line([p.rows for p in points], [p.value for p in points], color(1), 0, marker="o", label="measured")
    panel.add(dots)
    panel.upright(found.rows, MUTED, 0.6, ":", "rows there are")
    panel.x.log, panel.x.low = True, 0.9 * points[0].rows
    return chart
