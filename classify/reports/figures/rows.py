"""The rows themselves: where their features lie."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from classify.reports.figures._words import DRAWN, percent
from classify.reports.run_data import RunData, Spots
from stores.shared.chart import Chart, Line, new_chart
from stores.shared.plot_style import INK, MUTED, WIDTH, color, shown

if TYPE_CHECKING:
    pass

MARKERS = "osD^v"


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
