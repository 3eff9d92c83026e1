"""Rows that a person should read: one list of the worst mistakes and of labels that are probably wrong."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from classify.analysis.errors import Answer, ErrorReport, ErrorRow, errors
from classify.reports.html import Markup, element, join, section, table
from classify.reports.run_data import RunData
from stores.shared.plot_style import shown

TOP = 25  # rows of each kind
CHARACTERS = 600  # of a text
FOLDED = 160  # characters of a text that are always shown


@dataclass(frozen=True)
class _Listed:
    """A row of the list: the probability of what was predicted, and what is thought of its label."""

    row: ErrorRow
    p: float | None
    better: str = ""
    margin: float | None = None


def look_at(run_data: RunData) -> Markup:
    """Rows as ``tk errors`` finds them; a row that is among the worst mistakes and doubted is there once."""
    report = errors(run_data.run, TOP)
    doubted, together = report.suspected_label_errors, report.contradictions
    contradicting = "not known without the store" if together.count is None else f"{together.count:,} texts"
    header = ["text", "true class", "predicted", "probability", "label seems to be", "margin", "length", "line"]
    rows = [
        [_text(listed.row.text), _answer(listed.row.label), _answer(listed.row.predicted), _number(listed.p),
         listed.better or "-", _number(listed.margin, "+"), _length(listed.row.text), listed.row.line]
        for listed in _listed(report, run_data.problem)
    ]  # fmt: skip
    note = (
        f"{report.wrong:,} of {report.rows:,} rows are predicted wrong, and {doubted.count:,} labels are probably "
        f"wrong; here are up to {TOP} of each, those first where the models were surest. A label is doubted by "
        "confident learning (Northcutt et al. 2021): the models, which had not seen the row, are as sure of another "
        "class as they are of rows that have it. Margin: probability of the label less that of the other. Look "
        "before you change a label."
    )
    listing = [element("p", "No row is predicted wrong, and no label is doubted.")]
    if rows:
        listing = [element("p", note, class_="note"), _filters(run_data.classes),
                   table(header, rows, 3, name="rows-table")]  # fmt: skip
    same = [
        [_text(row.text), "; ".join(f"{name}: {_lines(lines)}" for name, lines in row.lines_by_label.items())]
        for row in together.rows
    ]
    return section(
        "Rows to look at", "rows", *listing,
        element("h3", f"The same text with different labels: {contradicting}" + _first(together.count or 0)),
        table(["text", "lines by label"], same, 2) if same else element("p", "None."),
    )  # fmt: skip


def _filters(classes: Sequence[str]) -> Markup:
    """What the list can be narrowed to: a text, a true and a predicted class, and a length."""
    names = sorted(classes)
    options = join([element("option", "any", value=""), *(element("option", shown(n, 40), value=n) for n in names)])
    fields = [
        element("label", "text ", Markup('<input type="search" data-column="0">')),
        element("label", "true class ", element("select", options, data_column=1)),
        element("label", "predicted ", element("select", options, data_column=2)),
        element("label", "length from ", Markup('<input type="number" min="0" data-column="6" data-end="low">')),
        element("label", "to ", Markup('<input type="number" min="0" data-column="6" data-end="high">')),
        element("output", ""),
    ]  # fmt: skip
    return element("div", *fields, role="search", class_="filters tools screen", data_table="rows-table")


def _length(text: str | None) -> str:
    """Characters of a text."""
    return "-" if text is None else f"{len(text):,}"


def _listed(report: ErrorReport, problem: str) -> list[_Listed]:
    """The surest wrong decisions, and then the doubted labels that are not among them.

    Args:
        report: of ``errors``.
        problem: with several classes a row that is missed is predicted as another one, and counts once.
    """
    decisions = []
    for name, sides in report.classes.items():
        decisions += [(row.p or 0.0, name, row) for row in sides.false_positives.rows]
        missed = sides.false_negatives.rows if problem != "multi-class" else []
        decisions += [(1 - (row.p or 0.0), f"not {name}", row) for row in missed]
    by_line: dict[int, _Listed] = {}
    for p, _, row in sorted(decisions, key=lambda decision: -decision[0])[: 2 * TOP]:
        by_line.setdefault(row.line, _Listed(row, p))
    by_line = dict(list(by_line.items())[:TOP])
    for row in report.suspected_label_errors.rows:
        before = by_line.get(row.line)
        by_line[row.line] = _Listed(row, None if before is None else before.p, row.better or "", row.margin)
    return list(by_line.values())


def _first(count: int) -> str:
    """What is left out of a listing."""
    return f"; the first {TOP} of them" if count > TOP else ""


def _answer(answer: Answer) -> str:
    return (", ".join(answer) or "(none)") if isinstance(answer, list) else answer


def _number(value: float | None, sign: str = "") -> str:
    return "-" if value is None else f"{value:{sign}.4f}"


def _lines(lines: Sequence[int]) -> str:
    return ("line " if len(lines) == 1 else "lines ") + ", ".join(map(str, lines[:6])) + (", ..." if lines[6:] else "")


def _text(text: str | None) -> Markup:
    """A text; a long one is folded."""
    if text is None:
        return element("span", "not kept", class_="muted")
    cut = text if len(text) <= CHARACTERS else text[:CHARACTERS] + " \u2026"
    if len(cut) <= FOLDED:
        return element("span", cut or "(empty)", class_="text")
    begins = element("summary", cut[:FOLDED] + " \u2026")
    return element("details", begins, element("span", cut, class_="text"))
