"""A chart as data: what it says, and marks on panels. ``stores.shared.chart_svg`` writes it, without any library.

Places are numbers of the data; one that is infinite lies at the edge of the panel.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from stores.shared.plot_style import HEIGHT, INK, WIDTH

Numbers = Sequence[float] | np.ndarray
INFINITE = float("inf")
EDGES = (-INFINITE, INFINITE)


@dataclass
class Axis:
    """One direction of a panel.

    Attributes:
        label: what is measured.
        low, high: ends; those of the marks, with a margin, where they are None.
        ticks: place and text of each; round numbers if None.
        form: number -> text of a round number; as short as it goes if None.
        grid: whether lines run through the ticks.
        whole: whether round numbers are whole.
        log: whether the scale is logarithmic.
        falling: whether it runs from the top down, or from the right to the left.
    """

    label: str = ""
    low: float | None = None
    high: float | None = None
    ticks: Sequence[tuple[float, str]] | None = None
    form: Callable[[float], str] | None = None
    grid: bool = True
    whole: bool = False
    log: bool = False
    falling: bool = False


@dataclass
class Line:
    """Points, joined by a line (``width`` above 0), marked (``marker`` o, s, D, ^, v, P or .), or both.

    ``size`` is that of the markers in points; ``hollow`` ones have an edge only. A label puts it into the legend.
    """

    x: Numbers
    y: Numbers
    color: str = INK
    width: float = 1.6
    dash: str = "-"
    marker: str = ""
    size: float = 6.0
    hollow: bool = False
    opacity: float = 1.0
    label: str = ""


@dataclass
class Bars:
    """Rectangles from ``x[i][0]`` to ``x[i][1]`` and ``y[i][0]`` to ``y[i][1]``, all of one colour or one each."""

    x: Sequence[tuple[float, float]]
    y: Sequence[tuple[float, float]]
    color: str | Sequence[str] = INK
    opacity: float = 1.0
    edge: str = ""
    hatched: bool = False
    label: str = ""


@dataclass
class Intervals:
    """Lines from low to high through points, with caps; along x if ``across``, else along y."""

    at: Numbers
    low: Numbers
    high: Numbers
    across: bool = False
    color: str = INK


@dataclass
class Words:
    """Texts (of one or two lines), centred on their places, or beginning ``right`` points right of them."""

    x: Numbers
    y: Numbers
    texts: Sequence[str]
    color: str | Sequence[str] = INK
    right: float | None = None


@dataclass
class Names:
    """Names of points, in a column right of the panel where none hides another, each joined to its point by a line."""

    x: Numbers
    y: Numbers
    texts: Sequence[str]


Mark = Line | Bars | Intervals | Words | Names


@dataclass
class Panel:
    """A pair of axes and what is on them; ``frame`` draws its left and lower side; ``share`` is that of the height."""

    x: Axis = field(default_factory=Axis)
    y: Axis = field(default_factory=Axis)
    marks: list[Mark] = field(default_factory=list)
    frame: bool = True
    share: float = 1.0

    def add(self, *marks: Mark) -> None:
        """Put marks on top of those that are there."""
        self.marks += marks

    def level(self, y: float, color: str, width: float = 0.8, dash: str = "-") -> None:
        """A line from the left edge to the right."""
        self.add(Line(EDGES, (y, y), color, width, dash))

    def upright(self, x: float, color: str, width: float = 0.8, dash: str = "-", label: str = "") -> None:
        """A line from the lower edge to the upper."""
        self.add(Line((x, x), EDGES, color, width, dash, label=label))


@dataclass
class Chart:
    """A title that says the finding, below it metric and number of rows, and panels one above the other.

    Attributes:
        finding: what is to be seen.
        basis: metric and number of rows.
        size: width and height in inches, without a legend below.
        panels: from the top; those of one chart share their x axis.
        legend: ``below`` everything, or a corner of the first panel, such as ``lower right``.
    """

    finding: str
    basis: str
    size: tuple[float, float] = (WIDTH, HEIGHT)
    panels: list[Panel] = field(default_factory=list)
    legend: str = "below"

    def entries(self) -> list[Line | Bars]:
        """The marks of the legend."""
        marks = (mark for panel in self.panels[:1] for mark in panel.marks)
        return [mark for mark in marks if isinstance(mark, Line | Bars) and mark.label]


def new_chart(
    finding: str, basis: str, x: str = "", y: str = "", size: tuple[float, float] = (WIDTH, HEIGHT)
) -> tuple[Chart, Panel]:
    """A chart with one panel, whose axes are labelled ``x`` and ``y``."""
    panel = Panel(Axis(x), Axis(y))
    return Chart(finding, basis, size, [panel]), panel
