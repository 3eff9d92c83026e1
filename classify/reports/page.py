"""A run -> ``report.html`` and ``figures/`` in its folder."""

from __future__ import annotations

from pathlib import Path

from classify.reports import sections
from classify.reports.figures import FIGURES, finding
from classify.reports.figures.labels import label_charts
from classify.reports.html import Markup, element, inline, join, page, section
from classify.reports.projection import check_projection
from classify.reports.rows_to_look_at import look_at
from classify.reports.run_data import RunData, collect_run_data
from classify.reports.scatter_map import spot_map
from classify.reports.text import head_spec
from classify.reports.threshold_slider import slider
from classify.reports.verdict import verdict
from classify.runs import Run, read_run
from stores.shared.errors import FailureError
from stores.shared.files import whole_file
from stores.shared.plot_style import house_style, save, svg
from stores.shared.reporter import SILENT, Progress, Reporter

PARTS = {"score": "Score", "figures": "Figures", "labels": "Label by label", "slider": "Threshold", "map": "Map",
         "tables": "By class and fold", "rows": "Rows to look at", "cost": "Time", "asked": "What was asked",
         "files": "Files"}  # fmt: skip


def write_report(
    run: Run | str | Path, png: bool = False, reporter: Reporter = SILENT, projection: str = "pca"
) -> Path:
    """Write the report of a run and its figures as SVG, in place of those that are there.

    The page is one file that needs nothing else. Texts, lengths and the map come from the store that the run was made
    from; if it is gone or has changed, they are left out, and the page says so. A figure that cannot be drawn is left
    out, too.

    Args:
        run: a run, or its folder.
        png: whether the figures are written as PNG beside.
        reporter: told which figure is drawn, and of each that could not be.
        projection: of the map: ``pca``, or ``tsne`` or ``umap`` (a package of that name), which take longer.

    Returns:
        the path of ``report.html``.

    Raises:
        InputError: if there is no such run or projection, or a package is missing for it.
        FailureError: if its files cannot be read, or the machine refuses the write.
    """
    check_projection(projection)
    run = run if isinstance(run, Run) else read_run(run)
    with collect_run_data(run, projection) as run_data, house_style():
        drawings: dict[str, tuple[str, str]] = {}
        for number, (name, figure) in enumerate(FIGURES.items()):
            where = str(run.folder)
            reporter.progress(Progress("report", number / len(FIGURES), f"{where}, figure {name}", where))
            try:
                drawn = figure(run_data)
                if drawn is not None:
                    drawings[name] = svg(drawn), finding(drawn)
                    _write(run.folder / "figures" / f"{name}.svg", drawings[name][0])
                    if png:
                        save(drawn, run.folder / "figures" / f"{name}.png")
            except FailureError:  # the disk is full, say: nothing else can be written either
                raise
            except Exception as error:  # scores do not depend on a picture
                drawings.pop(name, None)
                run_data.missing.append(f"The figure {name} is left out: {type(error).__name__}: {error}.")
                reporter.note(f"{run.folder}: the figure {name} could not be drawn ({type(error).__name__}: {error})")
        text = _page(run_data, drawings)
        reporter.progress(Progress("report", 1.0))
    path = run.folder / "report.html"
    _write(path, text)
    return path


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _map(run_data: RunData) -> Markup:
    if run_data.spots is None:
        return Markup("")
    return section("Map of the features", "map", spot_map(run_data, run_data.spots))


def _labels(run_data: RunData) -> Markup:
    """A small multiple a label."""
    charts = label_charts(run_data)
    if not charts:
        return Markup("")
    drawn = [inline(svg(chart), f"label-{i}", f"{chart.finding}. {chart.basis}") for i, chart in enumerate(charts)]
    note = "The point is what was decided, the dotted line the share of rows that have the label."
    more = len(run_data.classes) - len(charts)
    note += f" {more} labels are not drawn." if more else ""
    small = element("div", join(drawn), class_="figures small")
    return section("Label by label", "labels", small, element("p", note, class_="note"))


def _page(run_data: RunData, figures: dict[str, tuple[str, str]]) -> str:
    title = f"{head_spec(run_data.run)} on {Path(run_data.run.recipe.features.path).name}"
    figures = dict(figures)
    has_map = figures.pop("map", None) is not None
    drawn = [inline(drawing, f"figure-{name}", said) for name, (drawing, said) in figures.items()]
    parts = {
        "score": sections.scores(run_data),
        "figures": section("Figures", "figures", element("div", join(drawn), class_="figures")),
        "labels": _labels(run_data),
        "slider": slider(run_data),
        "map": _map(run_data) if has_map else Markup(""),
        "tables": sections.tables(run_data),
        "rows": look_at(run_data),
        "cost": sections.costs(run_data),
        "asked": sections.asked(run_data),
        "files": sections.files(run_data),
    }
    links = [element("a", PARTS[name], href=f"#{name}") for name, part in parts.items() if part]
    missing = [element("p", sentence, class_="note") for sentence in run_data.missing]
    top = [element("h1", title), verdict(run_data), *missing, element("nav", *links, aria_label="Contents")]
    scripts = ["tables", *(name for name in ("slider", "map") if parts[name])]
    return page(title, join([element("header", *top), element("main", join(parts.values()))]), *scripts)
