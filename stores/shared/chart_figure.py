"""A chart drawn with matplotlib, for the forms that are no text: PNG and PDF."""

from __future__ import annotations

from itertools import cycle
from typing import TYPE_CHECKING, Literal

import numpy as np

from stores.shared.chart import Axis, Bars, Chart, Intervals, Line, Names, Panel, Words
from stores.shared.chart_marks import NAME_ROW, SMALL, spread
from stores.shared.plot_style import INK, MUTED, PAPER, legend_below, titled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def chart_figure(chart: Chart) -> Figure:
    """The chart as a figure, inside ``house_style``."""
    number = len(chart.panels)
    shares = [panel.share for panel in chart.panels]
    figure, axes = titled(chart.finding, chart.basis, chart.size, nrows=number, sharex=True, height_ratios=shares)
    for panel, own in zip(chart.panels, np.atleast_1d(axes), strict=True):
        _draw(panel, own, chart.size[1])
    if chart.entries():
        if chart.legend == "below":
            legend_below(figure)
        else:
            figure.axes[0].legend(loc=chart.legend)  # type: ignore[call-overload]
    return figure


def _draw(panel: Panel, axes: Axes, height: float) -> None:
    for mark in panel.marks:
        if isinstance(mark, Line):
            _line(mark, axes)
        elif isinstance(mark, Bars):
            _bars(mark, axes)
        elif isinstance(mark, Intervals):
            middle = (np.asarray(mark.low) + np.asarray(mark.high)) / 2
            half = (np.asarray(mark.high) - np.asarray(mark.low)) / 2
            x, y = (middle, mark.at) if mark.across else (mark.at, middle)
            along = {"xerr" if mark.across else "yerr": half}
            axes.errorbar(x, y, fmt="none", ecolor=mark.color, elinewidth=1.2, capsize=2, **along)
        elif isinstance(mark, Words):
            _words(mark, axes)
    _axis(panel.x, axes, "x")
    _axis(panel.y, axes, "y")
    for mark in panel.marks:  # when the ends of the axes are known
        if isinstance(mark, Names):
            _names(mark, axes, height)
    if not panel.frame:
        axes.tick_params(length=0)
        for spine in axes.spines.values():
            spine.set_visible(False)


def _line(mark: Line, axes: Axes) -> None:
    line = mark.dash if mark.width else "none"
    look = {"color": mark.color, "linewidth": mark.width or 1.0, "alpha": mark.opacity, "markersize": mark.size}
    look |= {"marker": mark.marker or None, "markerfacecolor": "none" if mark.hollow else mark.color}
    label = f" {mark.label}" if mark.label else None  # matplotlib hides labels that begin with an underscore
    if np.isinf(mark.x).any():
        axes.axhline(float(mark.y[0]), linestyle=line, label=label, **look)  # type: ignore[arg-type]
    elif np.isinf(mark.y).any():
        axes.axvline(float(mark.x[0]), linestyle=line, label=label, **look)  # type: ignore[arg-type]
    else:
        axes.plot(mark.x, mark.y, linestyle=line, label=label, **look)  # type: ignore[arg-type]


def _bars(mark: Bars, axes: Axes) -> None:
    x, y = np.asarray(mark.x, float), np.asarray(mark.y, float)
    label = f" {mark.label}" if mark.label else None
    if np.isinf(y).any():
        axes.axvspan(x[0, 0], x[0, 1], color=str(mark.color), alpha=mark.opacity, linewidth=0, label=label)
        return
    axes.bar(x.mean(1), np.diff(y)[:, 0], np.abs(np.diff(x)[:, 0]), bottom=y[:, 0], color=mark.color,
             alpha=mark.opacity, edgecolor=mark.edge or (PAPER if mark.hatched else None),
             hatch="//" if mark.hatched else None, label=label)  # fmt: skip


def _words(mark: Words, axes: Axes) -> None:
    colors = cycle([mark.color]) if isinstance(mark.color, str) else mark.color
    for x, y, text, color in zip(mark.x, mark.y, mark.texts, colors, strict=False):
        side = "center" if mark.right is None else "left"
        axes.annotate(text, (x, y), (mark.right or 0, 0), textcoords="offset points", ha=side, va="center", color=color)


def _names(mark: Names, axes: Axes, height: float) -> None:
    """The names in a column; how high the axes will be is not known yet, so they are a little farther apart."""
    high = height * 72 * 0.7  # points
    place = axes.transScale.transform(np.column_stack([mark.x, mark.y]))
    place = axes.transLimits.transform(place)
    joins = {"arrowstyle": "-", "color": MUTED, "linewidth": 0.5, "relpos": (0, 0.5), "shrinkA": 2, "shrinkB": 0}
    shares = spread(place[:, 1], NAME_ROW / high, 0, 1)
    for x, y, share, text in zip(mark.x, mark.y, shares, mark.texts, strict=True):
        axes.annotate(text, (x, y), (1.06, share), textcoords="axes fraction", fontsize=SMALL, va="center",
                      annotation_clip=False, arrowprops=joins, zorder=0.5)  # fmt: skip


def _axis(axis: Axis, axes: Axes, name: Literal["x", "y"]) -> None:
    from matplotlib.ticker import MaxNLocator

    own = axes.xaxis if name == "x" else axes.yaxis
    own.set_label_text(axis.label, color=INK)
    if axis.log:
        axes.set(**{f"{name}scale": "log"})
    if axis.ticks is not None:
        own.set_ticks([place for place, _ in axis.ticks], [text for _, text in axis.ticks])
        if name == "x" and max((len(text) for _, text in axis.ticks), default=0) * len(axis.ticks) > 50:
            axes.tick_params(axis="x", rotation=45 if len(axis.ticks) <= 24 else 90)
    elif axis.whole:
        own.set_major_locator(MaxNLocator(integer=True))
    form = axis.form
    if form is not None:
        own.set_major_formatter(lambda value, _: form(value))
    if not axis.grid:
        axes.grid(False, axis=name)
    low, high = axes.get_xlim() if name == "x" else axes.get_ylim()
    low, high = (low if axis.low is None else axis.low), (high if axis.high is None else axis.high)
    axes.set(**{f"{name}lim": (high, low) if axis.falling else (low, high)})
