"""The marks of a chart as SVG: paths, rectangles and texts at places in points."""

from __future__ import annotations

import html
from collections.abc import Sequence

import numpy as np

from stores.shared.chart import Bars, Intervals, Line, Names, Words
from stores.shared.chart_scale import Scale
from stores.shared.plot_style import MUTED, PAPER

TEXT, SMALL = 9.5, 9.0  # sizes of letters
NAME_ROW = 12.0  # between two names in a column
TO_NAMES = 16.0  # from the edge of the panel to the names, crossed by the lines that join them to their points
LINE = 1.25  # height of a line of text over the size of its letters
DASHES = {"-": (), "--": (3.7, 1.6), "-.": (6.4, 1.6, 1, 1.6), ":": (1, 1.65)}  # times the width of the line


def mark_svg(mark: Line | Bars | Intervals | Words | Names, x: Scale, y: Scale, panel: int) -> str:
    """A mark on the panel of this number, cut off at its edges."""
    if isinstance(mark, Names):
        return _names(mark, x, y)
    if isinstance(mark, Words):
        return _words(mark, x(mark.x), y(mark.y))
    if isinstance(mark, Bars):
        drawn = bars(mark, x(mark.x), y(mark.y))
        inside = x.holds(mark.x) and y.holds(mark.y)
    elif isinstance(mark, Line):
        drawn = _line(mark, x(mark.x), y(mark.y))
        inside = x.holds(mark.x) and y.holds(mark.y)
    else:
        drawn = _intervals(mark, x, y)
        inside = (x if mark.across else y).holds([*mark.low, *mark.high])
    return drawn if inside else f'<g clip-path="url(#panel{panel})">{drawn}</g>'


def _line(mark: Line, x: np.ndarray, y: np.ndarray) -> str:
    there = np.isfinite(x) & np.isfinite(y)
    parts = []
    if mark.width and there.any():
        steps = (f"{'L' if i and there[i - 1] else 'M'}{x[i]:.1f},{y[i]:.1f}" for i in np.flatnonzero(there))
        parts.append(path("".join(steps), mark.color, mark.width, mark.dash, mark.opacity))
    if mark.marker:
        parts.append(markers(mark, x[there], y[there]))
    return "".join(parts)


def markers(mark: Line, x: np.ndarray, y: np.ndarray) -> str:
    """All markers of a line as one path."""
    opacity = f' opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
    r = mark.size / 4 if mark.marker == "." else mark.size / 2
    circle = f"m-{r:g},0a{r:g},{r:g} 0 1,0 {2 * r:g},0a{r:g},{r:g} 0 1,0 -{2 * r:g},0z"
    shape = {
        "o": circle,
        ".": circle,
        "s": f"m-{r:g},-{r:g}h{2 * r:g}v{2 * r:g}h-{2 * r:g}z",
        "D": f"m0,-{1.3 * r:g}l{1.3 * r:g},{1.3 * r:g}l-{1.3 * r:g},{1.3 * r:g}l-{1.3 * r:g},-{1.3 * r:g}z",
        "^": f"m-{r:g},{r:g}h{2 * r:g}l-{r:g},-{2 * r:g}z",
        "v": f"m-{r:g},-{r:g}h{2 * r:g}l-{r:g},{2 * r:g}z",
    }[mark.marker]
    shapes = "".join(f"M{a:.1f},{b:.1f}{shape}" for a, b in zip(x, y, strict=True))
    fill = f'fill="none" stroke="{mark.color}"' if mark.hollow else f'fill="{mark.color}"'
    return f'<path d="{shapes}" {fill}{opacity}/>'


def bars(mark: Bars, x: np.ndarray, y: np.ndarray) -> str:
    """Rectangles with these sides, ``[n, 2]`` each."""
    colors = [mark.color] * len(x) if isinstance(mark.color, str) else mark.color
    look = f' opacity="{mark.opacity:g}"' if mark.opacity < 1 else ""
    look += f' stroke="{mark.edge}" stroke-width="0.8"' if mark.edge else ""
    parts, lines = [], []
    for (x0, x1), (y0, y1), color in zip(x, y, colors, strict=True):
        left, top, wide, high = min(x0, x1), min(y0, y1), abs(x1 - x0), abs(y1 - y0)
        box = f'x="{left:.1f}" y="{top:.1f}" width="{wide:.1f}" height="{high:.1f}"'
        parts.append(f'<rect {box} fill="{color}"{look}/>')
        # strokes from the lower edge up to the right, 6 points apart
        lines += [
            f"M{left + max(a - high, 0):.1f},{top + min(a, high):.1f}"
            f"L{left + min(a, wide):.1f},{top + max(a - wide, 0):.1f}"
            for a in np.arange(3, wide + high, 6)
        ] if mark.hatched else []  # fmt: skip
    return "".join(parts) + path("".join(lines), PAPER, 0.9)


def _intervals(mark: Intervals, x: Scale, y: Scale) -> str:
    lines = []
    for at, low, high in zip(mark.at, mark.low, mark.high, strict=True):
        if not np.isfinite([at, low, high]).all():
            continue
        if mark.across:
            a, b, c = float(x(low)), float(x(high)), float(y(at))
            lines.append(f"M{a:.1f},{c:.1f}H{b:.1f}M{a:.1f},{c - 2:.1f}v4M{b:.1f},{c - 2:.1f}v4")
        else:
            a, b, c = float(y(low)), float(y(high)), float(x(at))
            lines.append(f"M{c:.1f},{a:.1f}V{b:.1f}M{c - 2:.1f},{a:.1f}h4M{c - 2:.1f},{b:.1f}h4")
    return path("".join(lines), mark.color, 1.2)


def _words(mark: Words, x: np.ndarray, y: np.ndarray) -> str:
    colors = [mark.color] * len(x) if isinstance(mark.color, str) else mark.color
    parts = []
    for a, b, words, color in zip(x, y, mark.texts, colors, strict=True):
        lines = words.split("\n")
        for i, line in enumerate(lines):
            down = b + (i - (len(lines) - 1) / 2) * TEXT * LINE + 0.35 * TEXT
            look = f'fill="{color}"' + ("" if mark.right is not None else ' text-anchor="middle"')
            parts.append(text(a + (mark.right or 0), down, line, look))
    return "".join(parts)


def _names(mark: Names, x: Scale, y: Scale) -> str:
    edge, places = max(x.start, x.end), np.asarray(y(mark.y), float)
    low, high = min(y.start, y.end), max(y.start, y.end)
    middles = spread(places, NAME_ROW, low, high)
    joins = "".join(
        f"M{a:.1f},{b:.1f}L{edge + 3:.1f},{middle:.1f}H{edge + TO_NAMES - 3:.1f}"
        for a, b, middle in zip(np.asarray(x(mark.x), float), places, middles, strict=True)
    )
    size = f'font-size="{SMALL}"'
    names = [text(edge + TO_NAMES, m + 0.35 * SMALL, name, size) for m, name in zip(middles, mark.texts, strict=True)]
    return path(joins, MUTED, 0.5) + "".join(names)


def spread(places: Sequence[float] | np.ndarray, apart: float, low: float, high: float) -> np.ndarray:
    """The places nearest to these, in squares, that are ``apart`` from each other and lie between ``low`` and ``high``.

    Isotonic regression: neighbours that are too close are pooled, around their mean (Barlow et al. 1972). Where there
    is no room for all, they begin at ``low``.
    """
    order = np.argsort(places, kind="stable")
    steps = apart * np.arange(len(order))
    pools: list[list[float]] = []
    for place in np.asarray(places, float)[order] - steps:
        pools.append([place])
        while len(pools) > 1 and np.mean(pools[-2]) >= np.mean(pools[-1]):
            pools[-2:] = [pools[-2] + pools[-1]]
    fitted = [float(np.mean(pool)) for pool in pools for _ in pool]
    last = max(high - (steps[-1] if len(steps) else 0), low)
    found = np.empty(len(order))
    found[order] = np.clip(fitted, low, last) + steps
    return found


def path(d: str, color: str, width: float, dash: str = "-", opacity: float = 1.0) -> str:
    """A line without filling; nothing if there is none."""
    if not d:
        return ""
    dashes = ",".join(f"{width * part:.1f}" for part in DASHES[dash])
    look = f' stroke-dasharray="{dashes}"' if dashes else ""
    look += f' opacity="{opacity:g}"' if opacity < 1 else ""
    return f'<path d="{d}" fill="none" stroke="{color}" stroke-width="{width:g}" stroke-linejoin="round"{look}/>'


def text(x: float, y: float, words: str, look: str) -> str:
    """A line of text that begins, or ends or has its middle, at a place; nothing if it is empty."""
    if not words:
        return ""
    words = "".join(c if c.isprintable() else " " for c in words)
    place = f' x="{x:.1f}" y="{y:.1f}"' if x or y else ""
    return f"<text{place} {look}>{html.escape(words, quote=False)}</text>"
