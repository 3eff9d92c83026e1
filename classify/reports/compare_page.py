"""What ``classify.analysis.compare`` found, as a page and as figures; no arithmetic on scores."""

from __future__ import annotations

from pathlib import Path

from classify.analysis.comparison import ComparedRun, Comparison, PairedTest
from classify.analysis.cost import COSTS
from classify.reports import html
from classify.reports.figures.compared import compared_charts, finding
from classify.reports.figures.cost import name_of
from classify.reports.sections import score_cell
from classify.reports.text import with_interval
from classify.scoring.metrics import columns_of, title_of
from stores.shared.errors import InputError
from stores.shared.files import whole_file, whole_folder
from stores.shared.plot_style import house_style, save, svg


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
        for name, chart in compared_charts(comparison).items():
            inlined.append(html.inline(svg(chart), name, f"{chart.finding}. {chart.basis}"))
            for form in ("png", "svg"):
                save(chart, temporary / f"{name}.{form}")
        with whole_file(temporary / "compare.html") as path:
            path.write_text(_page(comparison, inlined, command), encoding="utf-8")
    return folder


def _page(comparison: Comparison, figures: list[html.Markup], command: str) -> str:
    """The verdict, a row a run, the figures, and then what they rest on."""
    parts = {
        "Runs": html.section("Runs", "runs", *_runs(comparison)),
        "Figures": html.section("Figures", "figures", html.element("div", html.join(figures), class_="figures")),
        "Tests": html.section("Tests against the best", "tests", *_tests_table(comparison)),
        "Cost": html.section("Cost", "cost-table", _costs(comparison)),
        "What was asked": html.section("What was asked", "asked", html.definitions(_asked(comparison, command))),
    }
    names = ("runs", "figures", "tests", "cost-table", "asked")
    links = [html.element("a", title, href=f"#{name}") for title, name in zip(parts, names, strict=True)]
    contents = html.element("nav", *links, aria_label="Contents")
    return html.page("Runs compared", html.join([
        html.element("header", _verdict(comparison), contents), html.element("main", html.join(parts.values())),
    ]), "tables")  # fmt: skip


def _verdict(comparison: Comparison) -> html.Markup:
    """Which is best, what cannot be told from it, what is cheaper, and what these rows cannot say."""
    best, name = comparison.runs[0], title_of(comparison.by, comparison.problem)
    said = [f"{finding(comparison)}; its {name} is {with_interval(best.scores[comparison.by])}."]
    cheapest = next(entry for entry in comparison.runs if entry.name == comparison.cheapest)
    if cheapest is not best:
        said.append(f"The cheapest that cannot be told from it is {name_of(cheapest.name)}{_cheaper(cheapest, best)}.")
    elif len(comparison.runs) > 1:
        said.append("Nothing that cannot be told from it is cheaper.")
    if comparison.smallest_visible is not None:
        said.append(f"Differences under about {comparison.smallest_visible:.3f} are mostly not seen with these rows.")
    return html.join([
        html.element("h1", "Runs compared"), html.element("p", " ".join(said), class_="verdict"),
        html.element("p", f"{comparison.basis}.", class_="muted"),
    ])  # fmt: skip


def _cheaper(entry: ComparedRun, best: ComparedRun) -> str:
    """The seconds of both, where they are known."""
    if entry.cost.seconds is None or best.cost.seconds is None:
        return ""
    return f" ({entry.cost.seconds:,.1f} s to encode and train, the best takes {best.cost.seconds:,.1f} s)"


def _runs(comparison: Comparison) -> list[html.Markup]:
    """One row a run: how it stands against the best, every metric, and its cost; to be sorted."""
    others = [name for name in columns_of(comparison.problem) if name != comparison.by]
    header = ["run", "against the best", title_of(comparison.by, comparison.problem), "difference", "p", "seconds",
              *(title_of(name, comparison.problem) for name in others)]  # fmt: skip
    rows = []
    for entry in comparison.runs:
        against = entry.against_best
        rows.append([
            entry.name, entry.verdict, score_cell(entry.scores[comparison.by]),
            "-" if against is None else score_cell(against.difference, "+"),
            "-" if against is None else _p(against.test),
            "-" if entry.cost.seconds is None else f"{entry.cost.seconds:,.2f}",
            *(score_cell(entry.scores.get(name)) for name in others),
        ])  # fmt: skip
    note = (
        "Below each value its 95% interval. A press on a header sorts. Worse: p below 0.05, corrected for all pairs of "
        f"runs. Practically the same: within {comparison.rope:g} of the best with a probability of 0.95. Not "
        "distinguishable: these rows cannot say. Seconds: to encode all texts and to train the models of all folds."
    )
    return [html.table(header, rows, 2, name="runs-table"), _note(note)]


def _tests_table(comparison: Comparison) -> list[html.Markup]:
    by = title_of(comparison.by, comparison.problem)
    header = ["run", f"{by}, difference", "practically the same", "p", "bootstrap p", "McNemar p", "t-test p",
              "only the best right", "only this right"]  # fmt: skip
    tests = html.table(header, [[entry.name, *_tests(entry)] for entry in comparison.runs[1:]], name="tests-table")
    explained = (
        "The first p decides, below 0.05: it is that of the difference over a standard error in which the luck of "
        f"training is. Practically the same: the probability that the difference is within {comparison.rope:g}. "
        "McNemar's test is about accuracy and counts distinct texts; the t-test is the corrected one over the folds. "
        "All p are corrected by Holm's method."
    )
    return [tests, _note(explained)]


def _costs(comparison: Comparison) -> html.Markup:
    rows = [[entry.name, *entry.cost.cells()] for entry in comparison.runs]
    return html.table(["run", *COSTS], rows, name="costs")


def _tests(entry: ComparedRun) -> list[object]:
    against = entry.against
    return [
        score_cell(against.difference, "+"),
        "-" if against.test.practically_same is None else f"{against.test.practically_same:.2f}",
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
