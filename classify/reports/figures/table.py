"""The rows as a table: how many of each class, before and after sampling, and how long their texts are."""

from __future__ import annotations

import numpy as np

from classify.reports.run_data import RunData
from stores.shared.chart import Chart
from stores.shared.table_chart import class_chart, length_chart


def classes(run_data: RunData) -> Chart:
    """Rows of each class: of the whole table, of a fold's training rows, and of these after sampling or weighting."""
    run, multilabel = run_data.run, run_data.predictions.multilabel
    what = "label" if multilabel else "class"
    counts, totals = class_counts(run_data)
    folds = len(run.metrics.folds)
    basis = f"Rows a {what}, n = {round(totals[next(iter(totals))]):,}"
    basis += f"; training rows: mean of {folds} folds" if folds > 1 and len(counts) > 1 else ""
    return class_chart(counts, totals, basis, what)


def class_counts(run_data: RunData) -> tuple[dict[str, dict[str, float]], dict[str, float]]:
    """Set of rows -> class -> rows, and set -> all its rows; sampled rows only where some were sampled or weighted."""
    run, names = run_data.run, run_data.classes
    by_class = run.recipe.rows.more.get("by_class")
    tested = dict(zip(names, run_data.members[run_data.first].sum(0).tolist(), strict=True))
    counts: dict[str, dict[str, float]] = {"tested": tested}
    totals: dict[str, float] = {"tested": len(run_data.first)}
    if by_class:
        counts, totals = {"whole table": by_class}, {"whole table": run.recipe.rows.labelled}
    folds = [fold for fold in run.metrics.folds if fold.train_classes]
    if not folds:
        return counts, totals
    before = np.mean([fold.train_classes for fold in folds], axis=0)
    after = np.mean([fold.fitted_classes for fold in folds], axis=0)
    rows = float(np.mean([fold.train_rows for fold in folds]))
    fitted = float(np.mean([fold.fitted_rows for fold in folds]))
    if not np.allclose(before, after):
        counts["trained on"], totals["trained on"] = dict(zip(names, before.tolist(), strict=True)), rows
        counts["after sampling"], totals["after sampling"] = dict(zip(names, after.tolist(), strict=True)), fitted
    return counts, totals


def lengths(run_data: RunData) -> Chart | None:
    """Characters and words a text by class; None without texts."""
    found = run_data.lengths()
    return None if found is None else length_chart(*found)
