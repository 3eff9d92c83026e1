"""What ``classify.compare`` found, as a page and as figures; no arithmetic on scores."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from classify import html
from classify.report import SHOWN, with_interval
from stores.errors import InputError
from stores.files import whole_file, whole_folder
from stores.pictures import color, house_style, new_figure, save, shown, svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def write_comparison(found: dict, folder: str | Path) -> Path:
    """Write ``compare.html`` and the figures ``scores`` and ``cost`` (PNG and SVG) into ``folder``, which is made.

    Args:
        found: what ``classify.compare.compare`` gives.
        folder: does not exist yet.

    Raises:
        InputError: if the folder exists.
    """
    folder = Path(folder)
    if folder.exists():
        raise InputError(f"{folder} exists already; choose another --out")
    with house_style(), whole_folder(folder) as temporary:
        figures = {"scores": _scores(found)}
        if any(entry["cost"]["seconds"] is not None for entry in found["runs"]):
            figures["cost"] = _costs(found)
        inlined = []
        for name, (figure, finding) in figures.items():
            inlined.append(html.inline(svg(figure), name, finding))
            for form in ("png", "svg"):
                save(figure, temporary / f"{name}.{form}")
        text = html.page("Runs compared", html.join(_sections(found, inlined)))
        with whole_file(temporary / "compare.html") as path:
            path.write_text(text, encoding="utf-8")
    return folder


def _sections(found: dict, figures: Sequence[html.Markup]) -> list[html.Markup]:
    runs = found["runs"]
    header = ["run", *SHOWN.values(), "against the best", "p (bootstrap, Holm)"]
    rows = [[e["name"], *(with_interval(e["scores"].get(n)) for n in SHOWN), *_against(e)] for e in runs]
    costs = [
        [e["name"], *(_number(e["cost"][n]) for n in ("encode_seconds", "train_seconds", "store_bytes", "parameters"))]
        for e in runs
    ]
    said = {
        "Best": f"{found['best']}, by {SHOWN[found['by']]}",
        "Cheapest that is not distinguishable from the best": found["cheapest"],
        "Rows": f"{found['rows']['compared']:,} predictions of {found['rows']['groups']:,} groups of identical texts",
        "How": f"{found['resamples']:,} resamples by group, seed {found['seed']}; Holm over {found['pairs']} pairs",
    }
    cost_header = ["run", "encode s", "train s", "store bytes", "parameters"]
    return [
        html.element("h1", "Runs compared"),
        html.section("Verdict", "verdict", html.definitions(said.items())),
        html.section("Scores", "scores-table", html.table(header, rows), figures[0]),
        html.section("Cost", "cost-table", html.table(cost_header, costs), *figures[1:]),
    ]


def _scores(found: dict) -> tuple[Figure, str]:
    """Each run's score and interval, the best on top."""
    by, runs = found["by"], found["runs"]
    close = sum(not entry["distinguishable"] for entry in runs[1:])
    finding = f"{shown(found['best'])} is best; {close} of {len(runs) - 1} others cannot be told from it"
    basis = f"{SHOWN[by]}, 95 % intervals, {found['rows']['compared']:,} predictions"
    figure, axes = new_figure(finding, basis, SHOWN[by], size=(6.4, 1.6 + 0.32 * len(runs)))
    for place, entry in enumerate(runs):
        score = entry["scores"][by]
        low, high = score["low"], score["high"]
        axes.plot([low, high], [-place] * 2, color=color(0), solid_capstyle="butt")
        axes.plot([score["value"]], [-place], marker="o", color=color(1 if entry["distinguishable"] else 0))
    axes.set_yticks([-place for place in range(len(runs))], [shown(entry["name"]) for entry in runs])
    return figure, finding


def _costs(found: dict) -> tuple[Figure, str]:
    """Score against the time to encode and train; runs that no other beats in both are joined."""
    by = found["by"]
    runs = [entry for entry in found["runs"] if entry["cost"]["seconds"] is not None]
    finding = f"{shown(found['cheapest'])} is the cheapest that cannot be told from the best"
    basis = f"{SHOWN[by]} against seconds, {found['rows']['compared']:,} predictions"
    figure, axes = new_figure(finding, basis, "seconds to encode and train", SHOWN[by], (6.4, 3.6))
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter("{x:g}")
    axes.xaxis.set_minor_formatter("")
    for entry in runs:
        x, y = max(entry["cost"]["seconds"], 1e-3), entry["scores"][by]["value"]
        axes.plot([x], [y], marker="o", color=color(0 if entry["frontier"] else 1))
        axes.annotate(shown(entry["name"]), (x, y), textcoords="offset points", xytext=(5, 5), fontsize="small")
    best = sorted((e["cost"]["seconds"], e["scores"][by]["value"]) for e in runs if e["frontier"])
    axes.plot([max(x, 1e-3) for x, _ in best], [y for _, y in best], color=color(0), linewidth=1, alpha=0.6)
    axes.margins(x=0.25)
    return figure, finding


def _against(entry: dict) -> list[str]:
    against = entry["against_best"]
    if against is None:
        return ["the best", ""]
    difference = against["difference"]
    told = "distinguishable" if entry["distinguishable"] else "not distinguishable"
    return [f"{difference['value']:+.4f}, {told}", f"{against['bootstrap']['p_holm']:.3f}"]


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:,.2f}" if isinstance(value, float) else f"{value:,}"
