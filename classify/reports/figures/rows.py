"""The rows themselves: how many of each class, how long, and where their features lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classify.reports.figures._words import DRAWN, percent, quoted
from classify.reports.run_data import RunData, Spots
from stores.shared.chart import Chart, Line, new_chart
from stores.shared.lengths import draw_lengths
from stores.shared.plot_style import INK, MUTED, WIDTH, color, new_figure, shown

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BARS = 30  # classes in the picture of their sizes
MARKERS = "osD^v"


def classes(run_data: RunData) -> Figure:
    """Tested rows of each class, the largest first."""
    counts = run_data.members[run_data.first].sum(0)
    order = np.argsort(-counts, kind="stable")[:BARS]
    rows = len(run_data.first)
    names = [shown(run_data.classes[c]) for c in order]
    left_out = "" if len(order) == len(counts) else f"; the {BARS} largest of {len(counts)} classes"
    what = "label" if run_data.predictions.multilabel else "class"
    rarest = quoted(run_data.classes[counts.argmin()])
    figure, axes = new_figure(
        f"The rarest {what}, {rarest}, has {percent(counts.min() / rows)} of the rows",
        f"Rows a {what}, n = {rows:,}{left_out}",
        "rows", "", (WIDTH, float(np.clip(1.4 + 0.3 * len(order), 2.2, 9))),
    )  # fmt: skip
    bars = axes.barh(np.arange(len(order)), counts[order], color=color(0))
    axes.bar_label(bars, [f"{count:,}" for count in counts[order]], padding=3, color=INK)
    axes.set_yticks(np.arange(len(order)), names)
    axes.invert_yaxis()
    axes.margins(x=0.15)
    axes.grid(False, axis="y")
    return figure


def lengths(run_data: RunData) -> Figure | None:
    """Words a text by class; None without texts."""
    found = run_data.lengths()
    return None if found is None else draw_lengths(*found)


def spots(run_data: RunData) -> Chart | None:
    """The rows on the first two principal components of their features, wrong ones ringed; None without vectors."""
    if run_data.spots is None:
        return None
    found, kinds = run_data.spots, kinds_of(run_data, run_data.spots)
    wrong = run_data.wrong[found.prediction]
    chart, panel = new_chart(
        f"Two axes hold {percent(found.share.sum())} of the spread of the features",
        f"Principal components, n = {len(found.place):,}, of which {wrong.sum():,} are classified wrongly (rings)"
        + (f"; {found.outside:,} lie beyond the edge" if found.outside else ""),
        f"first component ({percent(found.share[0])})", f"second component ({percent(found.share[1])})",
        (WIDTH, WIDTH),
    )  # fmt: skip
    for i, name in enumerate(kinds.names):
        x, y = found.place[kinds.number == i].T
        shade, marker = MUTED if name is None else color(i), MARKERS[i % len(MARKERS)]
        label = "others" if name is None else shown(name)
        panel.add(Line(x, y, shade, 0, marker=marker, size=3.5, opacity=0.6, label=label))
    x, y = found.place[wrong].T
    panel.add(Line(x, y, INK, 0, marker="o", size=6.5, hollow=True))
    return chart


class Kinds:
    """By what the spots are coloured.

    Attributes:
        names: of the kinds; None stands for all others.
        number: int ``[m]``, the kind of each spot.
    """

    def __init__(self, names: list[str | None], number: np.ndarray) -> None:
        self.names, self.number = names, number


def kinds_of(run_data: RunData, spots: Spots) -> Kinds:
    """The largest classes and the others; with several labels the first label that a row has, or none."""
    members = run_data.members[spots.prediction]
    order = np.argsort(-members.sum(0), kind="stable")[: DRAWN - 1]
    if len(run_data.classes) <= DRAWN - run_data.predictions.multilabel:  # in the colours of the other figures
        order = np.arange(len(run_data.classes))
    number = np.where(members[:, order].any(1), members[:, order].argmax(1), len(order))
    names: list[str | None] = [run_data.classes[c] for c in order]
    return Kinds([*names, None] if (number == len(order)).any() else names, number)
