"""What ``classify.analysis.compare`` found, as a page and as figures; no arithmetic on scores."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from classify.analysis.comparison import ComparedRun, Comparison, PairedTest
from classify.analysis.cost import COSTS
from classify.reports import html
from classify.reports.figures.compared import compared_charts
from classify.reports.sections import score_cell
from classify.reports.text import with_interval
from classify.scoring.metrics import columns_of, title_of
from stores.shared.chart import Chart
from stores.shared.errors import InputError
from stores.shared.files import whole_file, whole_folder
from stores.shared.plot_style import HEIGHT, WIDTH, color, house_style, legend_below, new_figure, save, shown, svg

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FASTEST = 1e-3  # seconds; a logarithmic axis has no zero


def write_comparison(comparison: Comparison, folder: str | Path, command: str = "") -> Path:
    """Write ``compare.html`` and the figures (PNG and SVG) into ``folder``, which is made.

    These are ``scores``, ``cost``, ``differences`` from the best, all ``metrics``, ``times`` and, for heads that have
    epochs, their curves (``epochs``).

    Args:
        comparison: what ``classify.analysis.compare.compare`` gives.
        folder: does not exist yet.
        command: that asked for it, to be shown.

    Raises:
        InputError: if the folder exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} exists already; choose another `out`")
    with house_style(), whole_folder(folder) as temporary:
        inlined = []
        for name, (figure, finding) in draw(comparison).items():
            inlined.append(html.inline(svg(figure), name, finding))
            for form in ("png", "svg"):
                save(figure, temporary / f"{name}.{form}")
        figures = html.section("Figures", "figures", html.element("div", html.join(inlined), class_="figures"))
        top, tables = _verdict(comparison), _tables(comparison)
        asked = html.section("What was asked", "asked", html.definitions(_asked(comparison, command)))
        text = html.page("Runs compared", html.join([top, figures, *tables, asked]))
        with whole_file(temporary / "compare.html") as path:
            path.write_text(text, encoding="utf-8")
    return folder


def draw(comparison: Comparison) -> dict[str, tuple[Figure | Chart, str]]:
    """The figures by name, each with what it says; to be called in ``house_style``."""
    figures: dict[str, tuple[Figure | Chart, str]] = {"scores": _scores(comparison)}
    if any(entry.cost.seconds is not None for entry in comparison.runs):
        figures["cost"] = _costs(comparison)
    charts = compared_charts(comparison)
    return figures | {name: (chart, f"{chart.finding}. {chart.basis}") for name, chart in charts.items()}


def _verdict(comparison: Comparison) -> html.Markup:
    score = comparison.runs[0].scores[comparison.by]
    said = f"{_finding(comparison)}; {title_of(comparison.by, comparison.problem)} {with_interval(score)}."
    said += f" The cheapest that is not distinguishable from the best: {comparison.cheapest}."
    parts = [html.element("h1", "Runs compared"), html.element("p", said, class_="verdict")]
    return html.element("header", *parts, html.element("p", f"{comparison.basis}.", class_="muted"))


def _tables(comparison: Comparison) -> list[html.Markup]:
    runs, by = comparison.runs, title_of(comparison.by, comparison.problem)
    shown_metrics = columns_of(comparison.problem)
    scores = html.table(["run", *shown_metrics.values()], [
        [entry.name, *(score_cell(entry.scores.get(name)) for name in shown_metrics)] for entry in runs
    ])  # fmt: skip
    header = ["run", f"{by}, difference", "verdict", "p", "bootstrap p", "McNemar p", "t-test p",
              "only the best right", "only this right"]  # fmt: skip
    tests = html.table(header, [[entry.name, *_tests(entry)] for entry in runs[1:]])
    explained = (
        "The first p decides, below 0.05: it is that of the difference over a standard error in which the luck of "
        f"training is. Practically the same: within {comparison.rope:g} with a probability of 0.95. McNemar's "
        "test is about accuracy and counts distinct texts; the t-test is the corrected one over the folds. All p are "
        "corrected by Holm's method."
    )
    costs = html.table(["run", *COSTS], [[entry.name, *entry.cost.cells()] for entry in runs])
    return [
        html.section("Scores", "scores-table", scores, _note("Below each value its bootstrap 95% interval.")),
        html.section("Against the best", "tests", tests, _note(explained)),
        html.section("Cost", "cost-table", costs),
    ]


def _tests(entry: ComparedRun) -> list[object]:
    against = entry.against
    return [
        score_cell(against.difference, "+"),
        entry.verdict,
        *(_p(test) for test in (against.test, against.bootstrap, against.mcnemar, against.t_test)),
        f"{against.mcnemar.best_ahead:,}",
        f"{against.mcnemar.ahead:,}",
    ]


def _p(test: PairedTest | None) -> str:
    p = None if test is None else test.p_holm
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _asked(comparison: Comparison, command: str) -> list[tuple[str, object]]:
    pairs = [(e.name, f"{e.folder}: {', '.join(e.encoders)}, {e.head}, made {e.created}")
             for e in comparison.runs]  # fmt: skip
    return [*pairs, ("command", html.element("pre", command or "called from Python"))]


def _note(text: str) -> html.Markup:
    return html.element("p", text, class_="note")


def _finding(comparison: Comparison) -> str:
    """Which run is best, and whether that is certain."""
    best, others = shown(comparison.best), comparison.runs[1:]
    close = sum(not entry.distinguishable for entry in others)
    if not close:
        return f"{best} is better than " + ("all the others" if len(others) > 1 else shown(others[0].name))
    return f"{best} is best, but {close} of {len(others)} others cannot be told from it"


def _scores(comparison: Comparison) -> tuple[Figure, str]:
    """Each run's score and interval, the best on top."""
    by, runs, finding = comparison.by, comparison.runs, _finding(comparison)
    given = f"{title_of(by, comparison.problem)} with 95% interval, n = {comparison.rows.compared:,}"
    figure, axes = new_figure(finding, given, title_of(by, comparison.problem), size=(WIDTH, 1.6 + 0.32 * len(runs)))
    told = {False: "the best, and what cannot be told from it", True: "worse"}
    for place, entry in enumerate(runs):
        (value, low, high), worse = entry.scores[by].numbers, entry.distinguishable
        axes.plot([low, high], [-place] * 2, color=color(worse), solid_capstyle="butt")
        _mark(axes, value, -place, worse, told)
    axes.set_yticks([-place for place in range(len(runs))], [shown(entry.name) for entry in runs])
    axes.margins(y=0.5 / len(runs))
    legend_below(figure)
    return figure, f"{finding}. {given}"


def _costs(comparison: Comparison) -> tuple[Figure, str]:
    """Score against the time to encode and train, and the best score that each time buys."""
    by = comparison.by
    runs = [entry for entry in comparison.runs if entry.cost.seconds is not None]
    finding = f"{shown(comparison.cheapest)} is the cheapest that cannot be told from the best"
    if comparison.cheapest == comparison.best:
        finding = f"{shown(comparison.best)} is the best, and all that is cheaper is worse"
    given = f"{title_of(by, comparison.problem)} against seconds, n = {comparison.rows.compared:,}"
    figure, axes = new_figure(
        finding, given, "seconds to encode and train", title_of(by, comparison.problem), (WIDTH, HEIGHT)
    )
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    points = [(max(entry.cost.seconds or 0, FASTEST), entry.scores[by].numbers[0], entry) for entry in runs]
    middle = np.sqrt(np.prod([f(x for x, _, _ in points) for f in (min, max)]))
    told = {False: "nothing better is cheaper", True: "something better is cheaper"}
    for x, y, entry in points:
        _mark(axes, x, y, not entry.frontier, told)
        # subtle: left of and above a point of the frontier there is nothing, on its right the line and what is beaten
        left = entry.frontier and x > middle
        where = {"xytext": (-5, 4), "ha": "right"} if left else {"xytext": (5, -10)}
        axes.annotate(shown(entry.name), (x, y), textcoords="offset points", fontsize="small", **where)
    best = sorted((x, y) for x, y, entry in points if entry.frontier)
    axes.step(*zip(*best, strict=True), where="post", color=color(0), linewidth=1, alpha=0.6)
    axes.margins(x=0.25, y=0.15)
    legend_below(figure)
    return figure, f"{finding}. {given}"


def _mark(axes: Axes, x: float, y: float, second: bool, told: dict[bool, str]) -> None:
    """A point of one of two kinds, whose names are used up as they come into the legend."""
    axes.plot([x], [y], "s" if second else "o", color=color(second), label=told.pop(second, None))
