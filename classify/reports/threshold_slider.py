"""A threshold to be moved, with what becomes of the decisions; the script is in ``page.html``."""

from __future__ import annotations

import numpy as np

from classify.reports.figures.decisions import counts_at
from classify.reports.html import Markup, data, element, section, table
from classify.reports.run_data import RunData
from stores.shared.plot_style import shown

CUTS = 99  # thresholds of even steps, and as many between equal numbers of rows


def slider(run_data: RunData) -> Markup:
    """The part of a report for two classes; it holds the numbers of the run where no script runs, as in print."""
    if run_data.problem != "binary":
        return Markup("")
    p, decided = run_data.predictions, float(np.median(run_data.cuts))
    truth, proba = run_data.members[:, p.positive], p.proba[:, p.positive]
    cuts = np.unique(
        np.concatenate([np.linspace(0, 1, CUTS + 2), np.quantile(proba, np.linspace(0, 1, CUTS)), [decided]])
    )
    taken, hit = counts_at(truth, proba, cuts)
    at = int(np.searchsorted(cuts, decided))
    numbers = {
        "threshold": cuts.round(6).tolist(), "taken": taken.tolist(), "hit": hit.tolist(),
        "positive": int(truth.sum()), "rows": len(truth),
    }  # fmt: skip
    card = [
        element("label", f"Predicted as {shown(p.classes[p.positive])} from a probability of ",
                element("output", f"{decided:.4f}", id="cut-value"), for_="cut"),
        Markup(f'<input type="range" id="cut" min="0" max="{len(cuts) - 1}" value="{at}">'),
        *_decisions(numbers, at, shown(p.classes[p.positive]), shown(p.classes[1 - p.positive])),
        element("p", f"n = {len(truth):,}, all out-of-fold predictions. {_start(run_data)}", class_="note"),
        element("p", "To choose a threshold here and quote its score would flatter: tk classify --threshold f1 "
                "chooses it honestly.", class_="note screen"),
    ]  # fmt: skip
    return section("Decided at a threshold", "slider", element("div", *card, class_="card"), data("cuts", numbers))


def _start(run_data: RunData) -> str:
    low, high = run_data.cuts.min(), run_data.cuts.max()
    if low == high:
        return f"The run decided at {low:.4f}."
    return (
        f"The folds decided at {low:.4f} to {high:.4f}, each at its own; here all are cut at one, so that the counts "
        "are not those of the confusion matrix."
    )


def _decisions(numbers: dict, at: int, name: str, other: str) -> list[Markup]:
    """Precision, recall and F1, and the confusion matrix, of the cut ``at``."""
    hit, taken, positive = numbers["hit"][at], numbers["taken"][at], numbers["positive"]
    shares = {"precision": (hit, taken), "recall": (hit, positive), "f1": (2 * hit, taken + positive)}
    counts = {"hit": hit, "missed": positive - hit, "wrong": taken - hit}
    counts["left"] = numbers["rows"] - sum(counts.values())
    cell = {key: element("span", f"{count:,}", id=f"cut-{key}") for key, count in counts.items()}
    order = [[other, cell["left"], cell["wrong"]], [name, cell["missed"], cell["hit"]]]
    gauges = [_gauge(key, part / whole if whole else None) for key, (part, whole) in shares.items()]
    return [
        element("div", *gauges, class_="gauges"),
        table(["true class", f"predicted {other}", f"predicted {name}"], order),
    ]


def _gauge(key: str, value: float | None) -> Markup:
    name = key.replace("f1", "F1")
    meter = element("meter", min=0, max=1, value=value or 0, id=f"cut-{key}-meter", aria_label=name)
    number = element("b", "-" if value is None else f"{value:.4f}", id=f"cut-{key}")
    return element("div", name, number, meter, class_="gauge")
