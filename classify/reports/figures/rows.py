"""The rows themselves: where their features lie."""

from __future__ import annotations

import numpy as np

from classify.reports.figures._words import DRAWN, percent
from classify.reports.projection import PROJECTIONS, Spots
from classify.reports.run_data import RunData
from stores.shared.chart import Chart, Line, new_chart
from stores.shared.plot_style import INK, MUTED, WIDTH, color, shown

MARKERS = "osD^v"
DRAWN_SPOTS = 2000  # more make a picture of megabytes; the page has all on a canvas


def spots(run_data: RunData) -> Chart | None:
    """The rows where the map has them, wrong ones ringed, a sample of many; None without vectors."""
    if run_data.spots is None:
        return None
    found, kinds = run_data.spots, kinds_of(run_data, run_data.members[run_data.spots.prediction])
    wrong = run_data.wrong[found.prediction]
    drawn = np.arange(len(wrong))
    if len(drawn) > DRAWN_SPOTS:
        drawn = np.sort(np.random.default_rng(0).choice(drawn, DRAWN_SPOTS, replace=False))
    chart, panel = new_chart(
        map_finding(found), f"{_basis(found)}, of which {wrong.sum():,} are classified wrongly (rings)"
        + (f"; {found.outside:,} lie beyond the edge" if found.outside else "")
        + (f"; {DRAWN_SPOTS:,} are drawn" if len(drawn) < len(wrong) else ""),
        *axes_of(found), (WIDTH, WIDTH),
    )  # fmt: skip
    for i, name in enumerate(kinds.names):
        x, y = found.place[drawn[kinds.number[drawn] == i]].T
        shade, marker = MUTED if name is None else color(i), MARKERS[i % len(MARKERS)]
        label = "others" if name is None else shown(name)
        panel.add(Line(x, y, shade, 0, marker=marker, size=3.5, opacity=0.6, label=label))
    x, y = found.place[drawn[wrong[drawn]]].T
    panel.add(Line(x, y, INK, 0, marker="o", size=6.5, hollow=True))
    if found.share is None:  # distances mean something, places do not
        panel.x.ticks = panel.y.ticks = ()
    return chart


def map_finding(found: Spots) -> str:
    """The title of the map."""
    if found.share is None:
        odd = (found.alone | found.astray).sum()
        return f"{odd:,} of {len(found.place):,} rows are alone, or among rows of another class"
    return f"Two axes hold {percent(found.share.sum())} of the spread of the features"


def _basis(found: Spots) -> str:
    name = PROJECTIONS[found.projection]
    return f"{name[0].upper()}{name[1:]}, n = {len(found.place):,}"


def axes_of(found: Spots) -> tuple[str, str]:
    """What lies across and up; nothing where axes have no meaning."""
    if found.share is None:
        return "", ""
    return f"first component ({percent(found.share[0])})", f"second component ({percent(found.share[1])})"


class Kinds:
    """By what the spots are coloured.

    Attributes:
        names: of the kinds; None stands for all others.
        number: int ``[m]``, the kind of each spot.
    """

    def __init__(self, names: list[str | None], number: np.ndarray) -> None:
        self.names, self.number = names, number


def kinds_of(run_data: RunData, members: np.ndarray, of: np.ndarray | None = None) -> Kinds:
    """The largest classes and the others; with several labels the first label that a row has, or none.

    Args:
        run_data: of which run.
        members: bool ``[m, C]``, by which the largest are found.
        of: bool ``[m, C]``, which are coloured, such as the predicted classes; ``members`` if None.
    """
    order = np.argsort(-members.sum(0), kind="stable")[: DRAWN - 1]
    if len(run_data.classes) <= DRAWN - run_data.predictions.multilabel:  # in the colours of the other figures
        order = np.arange(len(run_data.classes))
    sides = members if of is None else of
    number = np.where(sides[:, order].any(1), sides[:, order].argmax(1), len(order))
    names: list[str | None] = [run_data.classes[c] for c in order]
    some_left = max((number == len(order)).any(), not members[:, order].any(1).all())
    return Kinds([*names, None] if some_left else names, number)
