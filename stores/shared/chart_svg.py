"""A chart as SVG, written without any library: two milliseconds where a drawing library takes a tenth of a second."""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from stores.shared.chart import Bars, Chart, Line, Names, Panel
from stores.shared.chart_marks import LINE, SMALL, TEXT, TO_NAMES, bars, mark_svg, markers, path, text
from stores.shared.chart_scale import Scale, scale_of, text_width, ticks_of
from stores.shared.plot_style import GRID, INK, MUTED, PAPER

POINTS = 72  # an inch
TITLE, BASIS = 10.5, 9.0  # sizes of letters; the others are TEXT
PAD, GAP, TICK = 6.0, 6.0, 3.5
SAMPLE, ROW = 20.0, 13.5  # a line in the legend, and the height of an entry
SHORT = 16  # characters up to which three columns of a legend fit
ACROSS, UP = 44.0, 26.0  # points between round numbers, at least
FONT = "DejaVu Sans, Verdana, Geneva, sans-serif"


def chart_svg(chart: Chart) -> str:
    """The chart as an SVG element; numbers in it are points."""
    width = chart.size[0] * POINTS
    entries = chart.entries()
    columns = 3 if max((len(entry.label) for entry in entries), default=0) < SHORT else 2
    below = -(-len(entries) // columns) * ROW if entries and chart.legend == "below" else 0.0
    height = chart.size[1] * POINTS + below + (PAD if below else 0)
    parts, top = _heading(chart, width)
    parts += _panels(chart, width, top, height - below - (GAP + PAD if below else 0))
    if below:
        parts += _legend_below(entries, columns, width, height - below - PAD)
    size = f'width="{width:.0f}pt" height="{height:.0f}pt" viewBox="0 0 {width:.0f} {height:.0f}"'
    opened = f'<svg xmlns="http://www.w3.org/2000/svg" {size}>'
    letters = f'<g font-family="{FONT}" font-size="{TEXT}" fill="{INK}">'
    return "\n".join([opened, f'<rect width="100%" height="100%" fill="{PAPER}"/>', letters, *parts, "</g></svg>"])


def _heading(chart: Chart, width: float) -> tuple[list[str], float]:
    """Finding and basis, and where what is below them begins."""
    characters = int(width / POINTS * 11)
    parts, y = [], PAD
    for words, size, look, most in (
        (chart.finding, TITLE, f'font-size="{TITLE}" font-weight="bold"', characters),
        (chart.basis, BASIS, f'font-size="{BASIS}" fill="{MUTED}"', int(characters * 1.15)),
    ):
        for line in textwrap.wrap(words, most):
            y += size * LINE
            parts.append(text(PAD, y - 0.25 * size, line, look))
        y += 2
    return parts, y + GAP


def _panels(chart: Chart, width: float, top: float, bottom: float) -> list[str]:
    """The panels one above the other; all are as wide as the widest texts at their left let them be."""
    last = chart.panels[-1]
    drawn = [_ticks_up(panel, top, bottom) for panel in chart.panels]
    texts = [text_width(words, TEXT) for ticks in drawn for _, words in ticks]
    labelled = any(panel.y.label for panel in chart.panels)
    left = PAD + (TEXT * LINE + 2 if labelled else 0) + max(texts, default=0) + TICK + 3
    right = width - (_names_width(chart) or 2.5 * PAD)
    turn = _turn(last, left, right)
    bottom -= TICK + 3 + _depth(last, turn) + (TEXT * LINE + 3 if last.x.label else 0)
    shares = np.cumsum([0.0, *(panel.share for panel in chart.panels)]) / sum(panel.share for panel in chart.panels)
    space = bottom - top - 2 * GAP * (len(chart.panels) - 1)
    parts, x = [], scale_of(last.x, last, left, right)
    across = _ticks_across(last, x)
    for number, (panel, (start, end)) in enumerate(zip(chart.panels, pairwise(shares), strict=True)):
        upper = top + space * start + 2 * GAP * number
        lower = upper + space * (end - start)
        y = scale_of(panel.y, panel, lower, upper)
        parts += _panel(panel, x, y, across, number, turn if panel is last else None)
        if number == 0 and chart.legend != "below":
            parts += _legend_in_corner(chart, x, (upper, lower))
    return parts


def _names_width(chart: Chart) -> float:
    """Of the names in a column right of the panels; 0 without any."""
    names = [name for panel in chart.panels for mark in panel.marks if isinstance(mark, Names) for name in mark.texts]
    return TO_NAMES + max(text_width(name, SMALL) for name in names) + PAD if names else 0.0


def _ticks_up(panel: Panel, top: float, bottom: float) -> Sequence[tuple[float, str]]:
    return ticks_of(panel.y, scale_of(panel.y, panel, bottom, top), UP)


def _ticks_across(panel: Panel, scale: Scale) -> Sequence[tuple[float, str]]:
    """Round numbers so far apart that their texts have room."""
    least = ACROSS / 2 if scale.log else ACROSS
    ticks = ticks_of(panel.x, scale, least)
    widest = max((text_width(words, TEXT) for _, words in ticks), default=0)
    return ticks_of(panel.x, scale, max(least, widest + 8))


def _turn(panel: Panel, left: float, right: float) -> int:
    """By how many degrees the texts below are turned so that they fit."""
    scale = scale_of(panel.x, panel, left, right)
    ticks = _ticks_across(panel, scale)
    if len(ticks) < 2:
        return 0
    apart = float(np.abs(np.diff(scale([place for place, _ in ticks]))).min())
    widest = max(text_width(words, TEXT) for _, words in ticks)
    return 0 if widest + 4 <= apart else 45 if apart >= TEXT * LINE else 90


def _depth(panel: Panel, turn: int) -> float:
    """How far down the texts of the ticks reach."""
    if not turn or panel.x.ticks is None:
        return TEXT * LINE
    return max(text_width(words, TEXT) for _, words in panel.x.ticks) * float(np.sin(np.radians(turn))) + TEXT


def _panel(
    panel: Panel, x: Scale, y: Scale, across: Sequence[tuple[float, str]], number: int, turn: int | None
) -> list[str]:
    """Grid, marks, axes and texts; those below only if ``turn`` is not None."""
    left, right, top, bottom = x(-np.inf), x(np.inf), min(y.start, y.end), max(y.start, y.end)
    left, right = min(left, right), max(left, right)
    up = ticks_of(panel.y, y, UP)
    if turn is None:
        across = [(place, "") for place, _ in across]
    across = [(place, words) for place, words in across if x.holds(place)]
    up = [(place, words) for place, words in up if y.holds(place)]
    grid = [f"M{x(place):.1f},{top:.1f}V{bottom:.1f}" for place, _ in across if panel.x.grid]
    grid += [f"M{left:.1f},{y(place):.1f}H{right:.1f}" for place, _ in up if panel.y.grid]
    box = f'x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}"'
    parts = [f'<clipPath id="panel{number}"><rect {box}/></clipPath>', path("".join(grid), GRID, 0.6)]
    parts += [mark_svg(mark, x, y, number) for mark in panel.marks]
    if panel.frame:
        ticks = [f"M{x(place):.1f},{bottom:.1f}v{TICK}" for place, _ in across]
        ticks += [f"M{left:.1f},{y(place):.1f}h-{TICK}" for place, _ in up]
        parts.append(path(f"M{left:.1f},{top:.1f}V{bottom:.1f}H{right:.1f}" + "".join(ticks), MUTED, 0.8))
    low = bottom + TICK + 3
    for place, words in across:
        parts.append(_below(float(x(place)), low, words, turn or 0))
    for place, words in up:
        parts.append(text(float(left) - TICK - 3, float(y(place)) + 0.35 * TEXT, words, 'text-anchor="end"'))
    if turn is not None and panel.x.label:
        y_label = low + _depth(panel, turn) + TEXT + 1
        parts.append(text((left + right) / 2, y_label, panel.x.label, 'text-anchor="middle"'))
    if panel.y.label:
        middle = f"{PAD + TEXT:.1f} {(top + bottom) / 2:.1f}"
        look = f'text-anchor="middle" transform="translate({middle}) rotate(-90)"'
        parts.append(text(0, 0, panel.y.label, look))
    return [part for part in parts if part]


def _below(x: float, y: float, words: str, turn: int) -> str:
    """The text of a tick of the x axis."""
    if not turn:
        return text(x, y + 0.8 * TEXT, words, 'text-anchor="middle"')
    look = f'text-anchor="end" transform="translate({x + 0.3 * TEXT:.1f} {y + 0.5 * TEXT:.1f}) rotate(-{turn})"'
    return text(0, 0, words, look)


def _legend_below(entries: Sequence[Line | Bars], columns: int, width: float, top: float) -> list[str]:
    """Entries in columns, filled from the left, in the middle of the chart."""
    columns = min(columns, len(entries))
    rows = -(-len(entries) // columns)
    by_column = [entries[i * rows : (i + 1) * rows] for i in range(columns)]
    wide = [max((text_width(e.label, SMALL) for e in column), default=0) + SAMPLE + 16 for column in by_column]
    x, parts = max(PAD, (width - sum(wide) + 10) / 2), []
    for column, own in zip(by_column, wide, strict=True):
        parts += [_entry(entry, x, top + ROW * (i + 0.5)) for i, entry in enumerate(column)]
        x += own
    return parts


def _legend_in_corner(chart: Chart, x: Scale, sides: tuple[float, float]) -> list[str]:
    entries = chart.entries()
    wide = max((text_width(entry.label, SMALL) for entry in entries), default=0) + SAMPLE + 6
    left = x(np.inf) - wide - 4 if "right" in chart.legend else x(-np.inf) + 6
    top = sides[1] - ROW * len(entries) - 6 if "lower" in chart.legend else sides[0] + 6
    return [_entry(entry, float(left), top + ROW * (i + 0.5)) for i, entry in enumerate(entries)]


def _entry(entry: Line | Bars, x: float, y: float) -> str:
    """A sample of the mark, and its label."""
    if isinstance(entry, Bars):
        color = entry.color if isinstance(entry.color, str) else entry.color[0]
        box = Bars([(x, x + SAMPLE)], [(y - 3.5, y + 3.5)], color, entry.opacity, hatched=entry.hatched)
        drawn = bars(box, np.array(box.x), np.array(box.y))
    else:
        ends = np.array([x, x + SAMPLE]) if entry.width else np.array([x + SAMPLE / 2])
        if len(entry.x) and len(entry.x) == 2 and entry.x[0] == entry.x[1]:  # an upright line
            drawn = path(f"M{x + SAMPLE / 2:.1f},{y - 5:.1f}v10", entry.color, entry.width, entry.dash)
        else:
            drawn = path(f"M{x:.1f},{y:.1f}h{SAMPLE}", entry.color, entry.width, entry.dash) if entry.width else ""
        if entry.marker:
            drawn += markers(entry, np.array([ends.mean()]), np.array([y]))
    return drawn + text(x + SAMPLE + 5, y + 0.35 * SMALL, entry.label, f'font-size="{SMALL}"')
