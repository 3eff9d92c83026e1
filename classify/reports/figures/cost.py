"""What a score costs: every run against the time that it took, and the best score that each time buys."""

from __future__ import annotations

import math

import numpy as np

from classify.analysis.comparison import Comparison
from classify.reports.grid import shorten
from classify.scoring.metrics import title_of
from stores.shared.chart import Chart, Line, Names, new_chart
from stores.shared.chart_marks import NAME_ROW
from stores.shared.plot_style import HEIGHT, WIDTH, color, shown

FASTEST = 1e-3  # seconds; a logarithmic axis has no zero
TOLD = {True: "nothing better is cheaper", False: "something better is cheaper"}


def cost(found: Comparison) -> Chart | None:
    """Score against the seconds to encode and train, each run by its name; None where these are not known."""
    runs = [entry for entry in found.runs if entry.cost.seconds is not None]
    if not runs:
        return None
    said = f"{name_of(found.cheapest)} is the cheapest that cannot be told from the best"
    if found.cheapest == found.best:
        said = f"{name_of(found.best)} is the best, and all that is cheaper is worse"
    title = title_of(found.by, found.problem)
    chart, panel = new_chart(
        said, f"{title} against seconds, n = {found.rows.compared:,}", "seconds to encode and train", title,
        (WIDTH, max(HEIGHT, 1.6 + NAME_ROW / 72 * len(runs))),
    )  # fmt: skip
    x = np.array([max(entry.cost.seconds or 0, FASTEST) for entry in runs])
    y = np.array([entry.scores[found.by].numbers[0] for entry in runs])
    best = np.array([entry.frontier for entry in runs])
    order = [i for i in np.argsort(x, kind="stable") if best[i]]
    steps = np.repeat(order, 2)  # along to the next run, and up to it
    panel.add(
        Names(x, y, [name_of(entry.name) for entry in runs]),
        Line(x[steps[1:]], y[steps[:-1]], color(0), 1.0, opacity=0.6),
        *(Line(x[best == kind], y[best == kind], color(not kind), 0, marker="o" if kind else "s", label=label)
          for kind, label in TOLD.items() if (best == kind).any()),
    )  # fmt: skip
    low, high = x.min() / 1.3, x.max() * 1.3
    panel.x.log, panel.x.low, panel.x.high = True, min(low, 10.0 ** math.floor(math.log10(high))), high
    panel.x.form = "{:g}".format
    return chart


def name_of(name: str) -> str:
    """A run's name on a figure, printable; a long one without its middle, since runs differ in their ends."""
    return shorten(shown(name, len(name)))
