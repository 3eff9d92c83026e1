"""Several labels: a small picture of each, all with the same axes."""

from __future__ import annotations

import numpy as np

from classify.reports.figures._words import percent
from classify.reports.figures.ranks import GRID_POINTS, precision_curve
from classify.reports.run_data import RunData
from stores.shared.chart import Chart, Line, new_chart
from stores.shared.plot_style import INK, MUTED, color, shown

LABELS = 24  # drawn, the most frequent
SIZE = (2.6, 2.4)  # inches


def label_charts(run_data: RunData) -> list[Chart]:
    """Precision against recall of each label, with the point that was decided for; none for one label a row."""
    if not run_data.predictions.multilabel:
        return []
    p = run_data.predictions
    order = np.argsort(-run_data.members.sum(0), kind="stable")[:LABELS]
    there = [int(c) for c in order if 0 < run_data.members[:, c].sum() < len(p)]
    return [_chart(run_data, c) for c in there]


def _chart(run_data: RunData, c: int) -> Chart:
    p, truth = run_data.predictions, run_data.members[:, c]
    taken = p.predicted[:, c] == 1
    hit = int((truth & taken).sum())
    found = hit / int(truth.sum())
    right = f"{percent(hit / int(taken.sum()))} right" if taken.any() else "none given"
    chart, panel = new_chart(
        f"{shown(run_data.classes[c])}: {percent(found)} found, {right}", f"n = {truth.sum():,} of {len(truth):,} rows",
        "recall", "precision", SIZE,
    )  # fmt: skip
    panel.level(float(truth.mean()), MUTED, dash=":")
    panel.add(Line(GRID_POINTS, precision_curve(truth, p.proba[:, c]), color(0)))
    if taken.any():
        panel.add(Line([found], [hit / int(taken.sum())], INK, 0, marker="o"))
    panel.x.low, panel.x.high, panel.y.low, panel.y.high = 0, 1.02, 0, 1.03
    return chart
