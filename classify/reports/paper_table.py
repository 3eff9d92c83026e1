"""A comparison as a table for a paper: Markdown, LaTeX (booktabs) or CSV, with a caption that explains its marks."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence

from classify.analysis.comparison import ComparedRun, Comparison, Interval
from classify.scoring.metrics import METRICS, columns_of, title_of
from stores.shared.errors import InputError
from stores.shared.spreadsheets import spreadsheet_safe
from stores.shared.suggest import listing

LEVELS = {0.001: "***", 0.01: "**", 0.05: "*"}  # corrected p below which a run has this mark
SAME = "="  # practically the same as the best
_LATEX = {
    "\\": r"\textbackslash{}", "{": r"\{", "}": r"\}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}", ">": r"\textgreater{}",
    "|": r"\textbar{}", '"': r"\textquotedbl{}", "-": "{-}", "`": r"\textasciigrave{}", "'": r"\textquotesingle{}",
}  # fmt: skip
_MARKDOWN = "\\`*_[]<>|&#~!"  # a backslash before each of these makes it a plain character


# a table that is wider than the lines of the text is scaled down to them
_FIT = "\\resizebox{\\ifdim\\width>\\linewidth\\linewidth\\else\\width\\fi}{!}{%"


def paper_table(found: Comparison, form: str, csv_safe: bool = False, metrics: Sequence[str] = ()) -> str:
    """The scores of a comparison, best run first.

    In ``markdown`` and ``latex`` each score has its 95 % interval, the best score of each column is bold, and the
    column of the deciding metric has the marks ``***``, ``**``, ``*`` of runs that are worse than the best (p after
    Holm's correction) and ``=`` of those that are practically the same. Names are escaped. ``csv`` is for programs:
    numbers in full, a row a run.

    Args:
        found: the comparison.
        form: one of ``FORMS``.
        csv_safe: whether cells of CSV that a spreadsheet would compute as formulas get an apostrophe before them.
        metrics: names of the columns; those of the terminal, the deciding metric first, if there are none.

    Raises:
        InputError: for another form, or a metric that the runs do not have.
    """
    if form not in FORMS:
        raise InputError(f"`to={form!r}`: choose one of {listing(form, FORMS)}")
    columns = _columns(found, metrics)
    return _csv(found, columns, csv_safe) if form == "csv" else FORMS[form](found, columns)


def _markdown(found: Comparison, columns: dict[str, str]) -> str:
    head = ["run", *(escape_markdown(title) for title in columns.values()), "seconds"]
    lines = [_row(head), _row(["---", *["---:"] * (len(head) - 1)])]
    for entry in found.runs:
        cells = [_markdown_score(*_score(entry, name, found)) for name in columns]
        lines.append(_row([escape_markdown(entry.name), *cells, _seconds(entry)]))
    return "\n".join([*lines, "", escape_markdown(caption(found))]) + "\n"


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _latex(found: Comparison, columns: dict[str, str]) -> str:
    head = ["run", *(escape_latex(title) for title in columns.values()), "seconds"]
    lines = [
        "% \\usepackage{booktabs,graphicx,textcomp}; for names with letters beyond ASCII \\usepackage[T1]{fontenc}",
        "\\begin{table}",
        "\\centering",
        f"\\caption{{{escape_latex(caption(found))}}}",
        _FIT,
        f"\\begin{{tabular}}{{l{'r' * (len(head) - 1)}}}",
        "\\toprule",
        f"{' & '.join(head)} \\\\",
        "\\midrule",
    ]
    for entry in found.runs:
        cells = [_latex_score(*_score(entry, name, found)) for name in columns]
        lines.append(f"{escape_latex(entry.name)} & {' & '.join([*cells, _seconds(entry)])} \\\\")
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}}", "\\end{table}"]) + "\n"


def _csv(found: Comparison, columns: dict[str, str], safe: bool) -> str:
    """A row a run: scores with the ends of their intervals, the test against the best, costs in seconds."""
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    scores = [f"{name}{end}" for name in columns for end in ("", "_low", "_high")]
    tested = ["difference", "difference_low", "difference_high", "p_holm", "verdict"]
    writer.writerow(["run", "head", "sampler", "encoders", *scores, *tested, "encode_seconds", "train_seconds"])
    for entry in found.runs:
        against = entry.against_best
        difference = Interval(None, None, None) if against is None else against.difference
        cells = [entry.name, entry.head, entry.sampler, "+".join(entry.encoders)]
        numbers = [score for name in columns for score in _ends(entry.scores.get(name))]
        numbers += [*_ends(difference), None if against is None else against.test.p_holm]
        written = [spreadsheet_safe(cell) if safe else cell for cell in cells]
        writer.writerow([*written, *numbers, entry.verdict, entry.cost.encode_seconds, entry.cost.train_seconds])
    return file.getvalue()


def _ends(score: Interval | None) -> tuple[float | None, ...]:
    return (None, None, None) if score is None else (score.value, score.low, score.high)


FORMS: dict[str, Callable[..., str]] = {"markdown": _markdown, "latex": _latex, "csv": _csv}


def caption(found: Comparison) -> str:
    """What the numbers and marks mean, in plain text."""
    title, used = title_of(found.by, found.problem), {mark(entry) for entry in found.runs}
    parts = ["Out-of-fold scores with 95 % intervals; the best of each column is bold."]
    known = [f"{sign} p < {level:g}" for level, sign in reversed(LEVELS.items()) if any(sign in m for m in used)]
    if known:
        parts.append(f"Worse than {found.best} in {title}: {', '.join(known)} (paired test, corrected for "
                     f"{found.pairs} pair{'s' * (found.pairs > 1)} by Holm's method).")  # fmt: skip
    if any(SAME in m for m in used):
        parts.append(f"{SAME} practically the same as {found.best}: within {found.rope:g} of its {title} with a "
                     "probability of at least 0.95.")  # fmt: skip
    if any(not m and entry is not found.runs[0] for entry, m in ((e, mark(e)) for e in found.runs)):
        parts.append(f"Without a mark: not distinguishable from {found.best}.")
    basis = found.basis.partition("; p corrected")[0]
    return " ".join([*parts, f"Seconds: to encode all texts and to train all models. {basis}."])


def mark(entry: ComparedRun) -> str:
    """The marks of a run in the column of the deciding metric; none of the best."""
    if entry.against_best is None:
        return ""
    p = entry.against_best.test.p_holm
    stars = next((sign for level, sign in LEVELS.items() if p is not None and p < level), "")
    return stars + SAME * (entry.verdict == "practically the same")


def _columns(found: Comparison, metrics: Sequence[str]) -> dict[str, str]:
    """Name -> title: those that are asked for, or those of the terminal's table with the deciding metric first."""
    for name in metrics:
        if name not in found.runs[0].scores:
            raise InputError(f"`metrics={name!r}`: choose from {listing(name, found.runs[0].scores)}")
    return {name: title_of(name, found.problem) for name in metrics or [found.by, *columns_of(found.problem)]}


def _score(entry: ComparedRun, name: str, found: Comparison) -> tuple[str, bool, str, str]:
    """A score as it is printed; whether it is the best of its column; its marks; its interval, empty without one."""
    score = entry.scores.get(name)
    if score is None or score.value is None:
        return "n/a", False, "", ""
    value = f"{score.value:.3f}"
    ends = "" if score.low is None or score.high is None else f"[{score.low:.3f}, {score.high:.3f}]"
    return value, value == _best(found, name), mark(entry) if name == found.by else "", ends


def _markdown_score(value: str, best: bool, marks: str, ends: str) -> str:
    value = f"**{value}**" if best else value
    return value + (f"<sup>{escape_markdown(marks)}</sup>" if marks else "") + (f"<br>\\{ends}" if ends else "")


def _latex_score(value: str, best: bool, marks: str, ends: str) -> str:
    value = f"\\textbf{{{value}}}" if best else value
    value += f"\\textsuperscript{{{marks}}}" if marks else ""
    return f"\\shortstack[r]{{{value}\\\\{{\\scriptsize {ends}}}}}" if ends else value


def _best(found: Comparison, name: str) -> str:
    """The best value of a column as it is printed, so that what looks equal is bold alike."""
    values = [entry.scores[name].value for entry in found.runs if name in entry.scores]
    known = [value for value in values if value is not None]
    higher = METRICS[name].higher_is_better
    return "" if higher is None else f"{max(known) if higher else min(known):.3f}"


def _seconds(entry: ComparedRun) -> str:
    seconds = entry.cost.seconds
    return "n/a" if seconds is None else f"{seconds:,.1f}" if seconds < 100 else f"{seconds:,.0f}"


def escape_latex(text: str) -> str:
    """Somebody's text as LaTeX prints it, on one line."""
    return "".join(_LATEX.get(c, c) for c in _plain(text))


def escape_markdown(text: str) -> str:
    """Somebody's text as Markdown prints it, on one line, in a cell of a table, too."""
    return "".join(f"\\{c}" if c in _MARKDOWN else c for c in _plain(text))


def _plain(text: str) -> str:
    """What cannot be printed as its escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)
