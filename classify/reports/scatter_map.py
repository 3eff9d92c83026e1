"""The map of the features: rows on a canvas, which the script of the page draws, zooms and tells the texts of."""

from __future__ import annotations

import base64

import numpy as np

from classify.reports.figures.rows import axes_of, kinds_of, map_finding
from classify.reports.html import Markup, data, element, join, plain
from classify.reports.projection import Spots
from classify.reports.run_data import RunData
from stores.shared.plot_style import shown

CHARACTERS = 140  # of a text that are shown
TEXTS = 1_700_000  # bytes of all texts as they stand in the page, which is to stay under 3 MB
LARGEST = 65_535  # places are whole numbers up to this
WRONG, ALONE, ASTRAY = 1, 2, 4  # flags, as the script has them
BUTTONS = (("out", "\u2212", "smaller"), ("in", "+", "larger"), ("whole", "all", "show all"))
HELP = (
    "Point at a row, or tap near one, to read its text. Arrow keys go from row to row, + and - zoom, 0 shows all; "
    "after a click the wheel zooms, too."
)


def spot_map(run_data: RunData, spots: Spots) -> Markup:
    """The map of ``spots`` with what it is coloured and searched by, to stand in a page."""
    numbers, several = map_data(run_data, spots), run_data.predictions.multilabel
    odd = int((spots.alone | spots.astray).sum())
    classes = [(f"class:{name}", shown(name, 40)) for name in run_data.classes]
    tools = [
        _select("color", "Colour", [("truth", "true class"), ("predicted", "predicted"), ("error", "right or wrong"),
                                    ("sure", "how sure")]),
        _select("ring", "Outlined", [("odd", f"out of place ({odd:,})"), ("wrong", "classified wrongly"),
                                     ("none", "none")]),
        _select("only", "Only", [("all", "all rows"), ("wrong", "classified wrongly"), ("odd", "out of place"),
                                 *classes]),
        element("label", "Text ", Markup('<input type="search" name="find">')),
        element("span", *(element("button", sign, type="button", name=name, title=title, aria_label=title)
                          for name, sign, title in BUTTONS)),
    ]  # fmt: skip
    canvas = element("canvas", tabindex="0", role="application", aria_roledescription="map", aria_describedby="spot",
                     aria_label=f"Map of {len(spots.place):,} rows. {map_finding(spots)}")  # fmt: skip
    return element(
        "figure",
        element("div", *tools, class_="tools screen"),
        element("div", canvas, element("div", class_="tip", hidden="hidden"), class_="frame"),
        element("div", class_="legend"),
        element("p", HELP, id="spot", class_="screen", role="status", data_idle=HELP),
        element("noscript", element("p", "The map needs the script of this page; figures/map.svg beside it does not.")),
        element("figcaption", _note(spots, several)),
        data("map-data", numbers),
        class_="map",
    )  # fmt: skip


def _note(spots: Spots, several: bool) -> str:
    """What the map shows, in which direction, and what is outlined."""
    x, y = axes_of(spots)
    across = f"Across the {x}, up the {y}." if x else "Only who is near whom means something here."
    what = "set of labels" if several else "class"
    return (
        f"{map_finding(spots)}, n = {len(spots.place):,}. {across} Out of place: alone (dashed), far from the ten "
        f"nearest rows by all features; or none of these ten is of its {what}, and eight or more are of one other."
    )


def _select(name: str, title: str, options: list[tuple[str, str]]) -> Markup:
    made = join(element("option", text, value=value) for value, text in options)
    return element("label", f"{title} ", element("select", made, name=name))


def map_data(run_data: RunData, spots: Spots) -> dict[str, object]:
    """What the script draws: numbers of all rows as base64 of little-endian integers, texts as they are.

    ``x``, ``y`` run from 0 to 65,535; ``truth`` and ``predicted`` are places in ``kinds`` (None: all other classes),
    ``label`` and ``given`` in ``answers``; ``sure`` is the probability of what was predicted, of several labels that of
    the least sure one, times 255; ``flag`` adds up 1 (wrong), 2 (alone), 4 (among another class).
    """
    p, chosen = run_data.predictions, spots.prediction
    low, high = spots.place.min(0), spots.place.max(0)
    x, y = ((spots.place - low) / np.where(high > low, high - low, 1) * LARGEST).round().T
    members = run_data.members[chosen]
    truth = kinds_of(run_data, members)
    predicted = kinds_of(run_data, members, _predicted(run_data, chosen))
    kinds = max((truth, predicted), key=lambda kinds: len(kinds.names))
    answers, (label, given) = _answers(run_data, p.y[chosen], p.predicted[chosen])
    sides = np.maximum(p.proba[chosen], 1 - p.proba[chosen]).min(1) if p.multilabel else p.proba[chosen].max(1)
    flag = WRONG * run_data.wrong[chosen] + ALONE * spots.alone + ASTRAY * spots.astray
    names = [None if name is None else plain(name) for name in kinds.names]
    return {
        "x": _packed(x, "<u2"), "y": _packed(y, "<u2"), "flag": _packed(flag, "u1"),
        "sure": _packed((np.nan_to_num(sides) * 255).round(), "u1"), "truth": _packed(truth.number, "u1"),
        "predicted": _packed(predicted.number, "u1"), "kinds": names, "several": p.multilabel,
        "label": _packed(label, "<u2"), "given": _packed(given, "<u2"), "answers": answers,
        "line": p.line[chosen].tolist(), "text": _texts(run_data, chosen),
    }  # fmt: skip


def _packed(values: np.ndarray, dtype: str) -> str:
    return base64.b64encode(np.asarray(values).astype(dtype).tobytes()).decode()


def _predicted(run_data: RunData, chosen: np.ndarray) -> np.ndarray:
    """Bool ``[m, C]``."""
    predicted = run_data.predictions.predicted[chosen]
    return predicted == 1 if predicted.ndim == 2 else predicted[:, None] == np.arange(len(run_data.classes))


def _answers(run_data: RunData, *parts: np.ndarray) -> tuple[list[str], list[np.ndarray]]:
    """Different answers as words, and for each part which of them each row has."""
    found, number = np.unique(np.concatenate(parts), axis=0, return_inverse=True)
    if found.ndim == 1:
        words = [run_data.classes[c] for c in found]
    else:
        there = ([name for name, has in zip(run_data.classes, row, strict=True) if has] for row in found)
        words = [", ".join(names) or "(none)" for names in there]
    return [plain(word) for word in words], np.split(number.reshape(-1), np.cumsum([len(part) for part in parts])[:-1])


def _texts(run_data: RunData, chosen: np.ndarray) -> list[str] | None:
    """The beginnings of the texts, shorter where there are many; None where there are none."""
    texts = [run_data.text(i) for i in chosen]
    if any(text is None for text in texts):
        return None
    cut = [shown(plain(text), CHARACTERS).encode() for text in texts if text is not None]
    most = 4 * CHARACTERS
    while True:
        kept = [text[:most].decode(errors="ignore") for text in cut]
        size = len(data("", kept).encode())  # markup takes six bytes a character there
        if size <= TEXTS:
            return kept
        most = int(0.95 * min(most, max(map(len, cut))) * TEXTS / size)
