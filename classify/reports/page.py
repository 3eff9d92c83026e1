"""A run -> ``report.html`` and ``figures/`` in its folder."""

from __future__ import annotations

from pathlib import Path

from classify.reports import sections
from classify.reports.figures import draw, finding
from classify.reports.html import Markup, element, inline, join, page, section
from classify.reports.run_data import RunData, collect_run_data
from classify.reports.scatter_map import spot_map
from classify.reports.text import head_spec
from classify.reports.threshold_slider import slider
from classify.runs import Run, read_run
from stores.shared.files import whole_file
from stores.shared.plot_style import house_style, save, svg

PARTS = {"score": "Score", "figures": "Figures", "slider": "Threshold", "map": "Map", "tables": "By class and fold",
         "rows": "Rows to look at", "cost": "Time", "asked": "What was asked"}  # fmt: skip


def write_report(run: Run | str | Path) -> Path:
    """Write the report of a run and its figures (PNG and SVG), in place of those that are there.

    The page is one file that needs nothing else. Texts, lengths and the map come from the store that the run was made
    from; if it is gone or has changed, they are left out, and the page says so.

    Args:
        run: a run, or its folder.

    Returns:
        the path of ``report.html``.

    Raises:
        InputError: if there is no such run.
        FailureError: if its files cannot be read, or the machine refuses the write.
    """
    run = run if isinstance(run, Run) else read_run(run)
    with collect_run_data(run) as found, house_style():
        figures = draw(found)
        drawn = {}
        for name, figure in figures.items():
            drawn[name] = svg(figure), finding(figure)
            _write(run.folder / "figures" / f"{name}.svg", drawn[name][0])
            save(figure, run.folder / "figures" / f"{name}.png")
        text = _page(found, drawn)
    path = run.folder / "report.html"
    _write(path, text)
    return path


def _write(path: Path, text: str) -> None:
    with whole_file(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _page(found: RunData, figures: dict[str, tuple[str, str]]) -> str:
    title = f"{head_spec(found.run)} on {Path(found.run.recipe.features.path).name}"
    _, of_map = figures.pop("map", ("", ""))
    drawn = [inline(drawing, f"figure-{name}", said) for name, (drawing, said) in figures.items()]
    parts = {
        "score": sections.scores(found),
        "figures": section("Figures", "figures", element("div", join(drawn), class_="figures")),
        "slider": slider(found),
        "map": Markup("")
        if found.spots is None
        else section("Map of the features", "map", spot_map(found, found.spots, of_map)),
        "tables": sections.tables(found),
        "rows": sections.look_at(found),
        "cost": sections.costs(found),
        "asked": sections.asked(found),
    }
    links = [element("a", PARTS[name], href=f"#{name}") for name, part in parts.items() if part]
    missing = [element("p", sentence, class_="note") for sentence in found.missing]
    top = [element("h1", title), sections.verdict(found), *missing, element("nav", *links)]
    return page(title, join([element("header", *top), element("main", join(parts.values()))]))
