"""The house style of pictures: how every figure of the project looks, and how it gets to the disk.

Colours are those of Okabe and Ito ("Color Universal Design", 2008) without the yellow, which is lost on white, and
with a darker sky blue; lines differ by dashes too, so that a picture in grey still tells them apart. A title says the
finding, the line below it the number of rows and the metric.
"""

from __future__ import annotations

import io
import textwrap
import warnings
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import TYPE_CHECKING, Any

from stores.shared.outputs import output_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from stores.shared.chart import Chart

INK, MUTED, GRID, PAPER = "#1f2328", "#59636e", "#d8dee4", "#fdfdfe"
SERIES = ("#0072b2", "#d55e00", "#009e73", "#a8478a", "#b8860b", "#1f96c9", "#7a5195", "#8c564b")
DASHES = ("-", "--", "-.", ":")
WIDTH, HEIGHT = 4.6, 3.5  # inches: on a phone, as wide as the screen, the letters keep their size
DPI = 200
SHOWN = 24  # characters of a name
THREE = 16  # characters that three columns of a legend have not
STYLE: dict[str, Any] = {
    "font.size": 9.5, "font.family": ["DejaVu Sans"], "text.color": INK, "text.parse_math": False,
    "axes.edgecolor": MUTED, "axes.labelcolor": INK, "axes.grid": True, "axes.axisbelow": True,
    "axes.spines.top": False, "axes.spines.right": False, "axes.titlesize": 9, "axes.titlelocation": "left",
    "axes.titlecolor": MUTED, "axes.facecolor": "none", "figure.facecolor": PAPER, "savefig.facecolor": PAPER,
    "figure.titlesize": 10.5, "figure.titleweight": "bold", "grid.color": GRID, "grid.linewidth": 0.6,
    "xtick.color": MUTED, "ytick.color": MUTED, "xtick.labelcolor": INK, "ytick.labelcolor": INK,
    "legend.frameon": False, "legend.fontsize": 9, "lines.linewidth": 1.6,
    "svg.fonttype": "none", "svg.hashsalt": "tk",
}  # fmt: skip


_ending: ContextVar[ExitStack] = ContextVar("_ending")  # what ends the style that is on


@contextmanager
def house_style() -> Iterator[None]:
    """Figures are made and written inside this block; matplotlib is loaded for the first of them."""
    with ExitStack() as stack:
        token = _ending.set(stack)
        stack.callback(_ending.reset, token)
        yield


def _begin() -> None:
    """Have matplotlib draw in the house style until the block of ``house_style`` ends."""
    import matplotlib
    from cycler import cycler

    style: Any = STYLE | {"axes.prop_cycle": cycler(color=SERIES)}
    stack = _ending.get()
    stack.enter_context(matplotlib.rc_context(style))
    stack.enter_context(warnings.catch_warnings())
    warnings.filterwarnings("ignore", "Glyph .* missing from font")  # a class may be named in any script


def titled(finding: str, basis: str, size: tuple[float, float] = (WIDTH, HEIGHT), **grid: Any) -> tuple[Figure, Any]:  # noqa: ANN401
    """An empty figure and its axes.

    Args:
        finding: the title: what is to be seen.
        basis: below it: metric and number of rows.
        size: width and height in inches.
        grid: as ``matplotlib.figure.Figure.subplots``, for several axes.
    """
    from matplotlib.figure import Figure

    _begin()
    figure = Figure(figsize=size, layout="constrained")
    characters = int(size[0] * 11)
    figure.suptitle("\n".join(textwrap.wrap(finding, characters)), x=0.015, ha="left")
    axes = figure.subplots(**grid)
    figure.axes[0].set_title("\n".join(textwrap.wrap(basis, int(characters * 1.15))))
    return figure, axes


def new_figure(
    finding: str, basis: str, x: str = "", y: str = "", size: tuple[float, float] = (WIDTH, HEIGHT)
) -> tuple[Figure, Axes]:
    """As ``titled``, with one pair of axes, whose labels are ``x`` and ``y``."""
    figure, axes = titled(finding, basis, size)
    axes.set_xlabel(x)
    axes.set_ylabel(y)
    return figure, axes


def color(i: int) -> str:
    """Of the series ``i``; they repeat after eight."""
    return SERIES[i % len(SERIES)]


def dash(i: int) -> str:
    """Line style of the series ``i``."""
    return DASHES[i % len(DASHES)]


def shown(name: str, characters: int = SHOWN) -> str:
    """Somebody's word as a label: printable, on one line, and not too long."""
    name = name if name.isprintable() else "".join(c if c.isprintable() else " " for c in name)
    name = " ".join(name.split()) or "(blank)"
    return name if len(name) <= characters else name[: characters - 1] + "\u2026"


def legend_label(name: str) -> str:
    """A name as matplotlib takes it for a legend, which hides names that begin with an underscore."""
    return f" {shown(name)}"


def legend_below(figure: Figure) -> None:
    """The legend of the first axes below everything, where it hides nothing; the figure grows by its lines."""
    handles, labels = figure.axes[0].get_legend_handles_labels()
    columns = 3 if max(map(len, labels), default=0) < THREE else 2
    figure.set_figheight(figure.get_figheight() + 0.2 * -(-len(labels) // columns))
    figure.legend(handles, labels, loc="outside lower center", ncols=columns)


def save(figure: Figure | Chart, path: Path, overwrite: bool = True) -> None:
    """Write the picture in the form that the ending of ``path`` names; the same picture gives the same bytes.

    Raises:
        InputError: if ``path`` is there already, unless ``overwrite``.
        FailureError: if the machine refuses the write.
    """
    from stores.shared.chart import Chart
    from stores.shared.chart_figure import chart_figure

    with output_file(path, overwrite) as temporary:
        if isinstance(figure, Chart) and path.suffix == ".svg":
            temporary.write_text(svg(figure), encoding="utf-8")
        else:
            drawn = chart_figure(figure) if isinstance(figure, Chart) else figure
            _save(drawn, temporary, path.suffix[1:] or "png")


def svg(figure: Figure | Chart) -> str:
    """The picture as an SVG element: no declaration, no metadata."""
    from stores.shared.chart import Chart
    from stores.shared.chart_svg import chart_svg

    if isinstance(figure, Chart):
        return chart_svg(figure)
    text = io.StringIO()
    _save(figure, text, "svg")
    return text.getvalue()[text.getvalue().index("<svg") :]  # what comes before names a DTD on a server


def _save(figure: Figure, target: Path | io.StringIO, form: str) -> None:
    nameless = {"svg": dict.fromkeys(("Creator", "Date", "Format", "Type")), "pdf": {"CreationDate": None}}
    figure.savefig(target, format=form, dpi=DPI, metadata=nameless.get(form))
    figure.set_layout_engine("none")  # everything has its place now; to find it costs as much as to draw
