"""What a table holds, drawn: how many rows of each class there are, and how long their texts are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from stores.shared.chart import Axis, Bars, Chart, Panel, Words, new_chart
from stores.shared.lengths import bin_names
from stores.shared.plot_style import INK, WIDTH, color, shown

DRAWN = 7  # classes of which lengths are drawn; more bars side by side are too thin
BARS = 30  # classes in the picture of their sizes
FORM = "{:,.0f}"


@dataclass(frozen=True)
class Lengths:
    """How long texts are, in one unit.

    Attributes:
        histogram: class -> texts a bin, see ``stores.shared.lengths.length_histogram``.
        shortest, longest: of all texts.
    """

    histogram: Mapping[str, list[int]]
    shortest: int
    longest: int


def class_chart(
    counts: Mapping[str, Mapping[str, float]], totals: Mapping[str, float], basis: str, what: str = "class"
) -> Chart:
    """Rows of each class, the largest first; a bar for each of several sets of rows.

    Args:
        counts: set of rows, such as ``table`` or ``after sampling`` -> class -> rows; the same classes in each.
        totals: set -> how many rows there are.
        basis: the line below the title.
        what: what classes are called: ``class`` or ``label``.
    """
    first = next(iter(counts.values()))
    order = sorted(first, key=lambda name: -first[name])
    drawn = order[:BARS]
    rarest, shares = order[-1], [rows[order[-1]] / max(totals[name], 1) for name, rows in counts.items()]
    said = f"The rarest {what}, '{shown(rarest)}', has {shares[0]:.1%} of the rows"
    if len(counts) > 2:
        said += f", {shares[-1]:.1%} after sampling"
    left_out = "" if len(drawn) == len(order) else f"; the {BARS} largest of {len(order)} classes"
    height = float(np.clip(1.4 + (0.13 + 0.19 * len(counts)) * len(drawn), 2.2, 12))
    chart, panel = new_chart(said, basis + left_out, "rows", "", (WIDTH, height))
    thick = 0.8 / len(counts)
    most = max(max(rows.values()) for rows in counts.values())
    for i, (name, rows) in enumerate(counts.items()):
        tops = np.arange(len(drawn)) - 0.4 + i * thick
        values, whole = [rows[c] for c in drawn], max(totals[name], 1)
        sides = [(float(top), float(top + 0.92 * thick)) for top in tops]
        panel.add(
            Bars([(0, v) for v in values], sides, color(i), label=name if len(counts) > 1 else ""),
            Words(values, tops + thick / 2, [f"{FORM.format(v)} ({v / whole:.1%})" for v in values], INK, 4),
        )
    panel.x.low, panel.x.high, panel.x.whole = 0, 1.35 * max(most, 1), True
    panel.y = Axis(ticks=[(i, shown(c)) for i, c in enumerate(drawn)], grid=False, falling=True, low=-0.5,
                   high=len(drawn) - 0.5)  # fmt: skip
    return chart


def length_chart(lengths: Mapping[str, Lengths], rows: int) -> Chart:
    """For each class the share of its texts in each bin, the largest classes side by side; a panel for each unit.

    Args:
        lengths: unit (``characters``, ``words``) -> how long the texts are.
        rows: how many texts there are; with several labels a text is in several classes.
    """
    first = next(iter(lengths.values())).histogram
    largest = sorted(first, key=lambda name: -sum(first[name]))[:DRAWN]
    drawn = [name for name in first if name in largest]
    left_out = "" if len(drawn) == len(first) else f"; the {DRAWN} largest of {len(first)} classes"
    said = " and ".join(f"{found.shortest:,} to {found.longest:,} {unit}" for unit, found in lengths.items())
    basis = f"Share of the texts of each class, n = {rows:,}{left_out}"
    bins = max(len(found.histogram[drawn[0]]) for found in lengths.values())
    panels = []
    for number, (unit, found) in enumerate(lengths.items()):
        below = f"{' or '.join(lengths)} in the text" if number == len(lengths) - 1 else ""
        panel = Panel(Axis(below), Axis(f"by {unit}", low=0, form="{:.0%}".format))
        panel.x.ticks = [(i + 0.4, name) for i, name in enumerate(bin_names(bins))]
        panel.x.grid, panel.x.low, panel.x.high = False, -0.2, bins
        width = 0.8 / len(drawn)
        for i, name in enumerate(drawn):
            counts = np.array(found.histogram[name])
            share = counts / max(counts.sum(), 1)
            sides = [(k + i * width, k + (i + 1) * width) for k in range(len(counts))]
            label = "" if number else f"{shown(name)} ({counts.sum():,})"
            panel.add(Bars(sides, [(0, float(s)) for s in share], color(i), label=label))
        panels.append(panel)
    size = (WIDTH, 1.3 + 1.7 * len(panels))
    return Chart(f"The texts have {said}", basis, size, panels)
