"""The map of the features as SVG with the text of each spot to be seen when one points at it."""

from __future__ import annotations

import numpy as np

from classify.reports.figures.rows import kinds_of
from classify.reports.html import Markup, element, escape, join
from classify.reports.run_data import RunData, Spots
from stores.shared.plot_style import shown

WIDE, HIGH, EDGE = 800, 520, 24
CHARACTERS = 140  # of a text that are shown


def spot_map(run_data: RunData, spots: Spots, alternative: str) -> Markup:
    """The map of ``spots`` with its legend, to stand in a page."""
    kinds = kinds_of(run_data, spots)
    low, high = spots.place.min(0), spots.place.max(0)
    place = (spots.place - low) / np.where(high > low, high - low, 1)
    place = EDGE + place * (WIDE - 2 * EDGE, HIGH - 2 * EDGE)
    place[:, 1] = HIGH - place[:, 1]
    wrong = run_data.wrong[spots.prediction]
    order = np.argsort(wrong, kind="stable")  # wrong ones on top
    colors = [_color(name, i) for i, name in enumerate(kinds.names)]
    marks = [_spot(run_data, spots.prediction[i], place[i], kinds.number[i], colors, wrong[i]) for i in order]
    opened = f'<svg viewBox="0 0 {WIDE} {HIGH}" role="img" aria-label="{escape(alternative)}">'
    legend = [
        element("span", element("span", class_=f"swatch{' square' * (i % 2)}", style=f"background:{_color(name, i)}"),
                "others" if name is None else shown(name, 40))
        for i, name in enumerate(kinds.names)
    ]  # fmt: skip
    axes = [f"the {name} component ({share:.1%})" for name, share in zip(("first", "second"), spots.share, strict=True)]
    legend.append(element("span", "outlined: classified wrongly"))
    return element(
        "figure",
        Markup(opened), join(marks), Markup("</svg>"),
        element("div", *legend, class_="legend"),
        element("p", "Point at a spot, or tap near one, to read its text.", id="spot", class_="screen", role="status"),
        element("figcaption", f"{alternative}. Across {axes[0]}, up {axes[1]}."),
        class_="map",
    )  # fmt: skip


def _spot(run_data: RunData, prediction: int, place: np.ndarray, kind: int, colors: list[str], wrong: bool) -> Markup:
    text = run_data.text(prediction)
    p = run_data.predictions
    said = f"line {p.line[prediction]}: {_names(run_data, p.y[prediction])}"
    if wrong:
        said += f", predicted as {_names(run_data, p.predicted[prediction])}"
    title = element("title", said if text is None else f"{said}\n{shown(text, CHARACTERS)}")
    x, y = place
    look = {"fill": colors[kind], "class_": "spot wrong" if wrong else "spot"}
    if kind % 2:
        return element("rect", title, x=f"{x - 3.5:.1f}", y=f"{y - 3.5:.1f}", width=7, height=7, **look)
    return element("circle", title, cx=f"{x:.1f}", cy=f"{y:.1f}", r=4, **look)


def _color(name: str | None, kind: int) -> str:
    return "var(--muted)" if name is None else f"var(--s{kind})"


def _names(run_data: RunData, answer: np.ndarray | int) -> str:
    """The class of a number, or those of the labels that are 1."""
    if not isinstance(answer, np.ndarray):
        return run_data.classes[answer]
    return ", ".join(name for name, there in zip(run_data.classes, answer, strict=True) if there) or "(none)"
