"""Runs and comparisons as a notebook shows them: the first screen of the report, as a table; and the report itself."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING

from classify.analysis.comparison import Comparison
from classify.reports.basis import basis
from classify.reports.text import head_spec, with_interval
from classify.scoring.metrics import columns_of, title_of
from stores.shared.html_table import html_table

if TYPE_CHECKING:
    import pandas

    from classify.runs import Run

PAGE_HEIGHT = 700  # pixels


def run_html(run: Run) -> str:
    """Scores of a run and its baselines with their intervals, and what they are based on."""
    shown = columns_of(run.recipe.problem)
    scored = {**run.metrics.baselines, head_spec(run): run.metrics}
    rows = [[name, *(with_interval(each.overall.get(metric)) for metric in shown)] for name, each in scored.items()]
    return html_table(["head", *shown.values()], rows, f"Run {run.folder}", basis(run))


def comparison_html(found: Comparison) -> str:
    """The runs, best first: the deciding metric with its interval, and the verdict on each."""
    rows = [[run.name, with_interval(run.scores[found.by]), run.verdict] for run in found.runs]
    return html_table(["run", title_of(found.by), "verdict"], rows, f"{len(rows)} runs on the same rows")


def run_frame(run: Run) -> pandas.DataFrame:
    """The scores of a run, a row a metric, by name; columns ``value``, ``low``, ``high``, ``mean`` and ``sd``."""
    import pandas

    columns = ("value", "low", "high", "mean", "sd")
    rows = {name: [getattr(score, column) for column in columns] for name, score in run.metrics.overall.items()}
    return pandas.DataFrame.from_dict(rows, orient="index", columns=columns, dtype=float).rename_axis("metric")


@dataclass(frozen=True)
class ReportPage:
    """The report of a run; a notebook shows the page itself.

    Attributes:
        path: of ``report.html``.
    """

    path: Path

    def _repr_html_(self) -> str:
        page = escape(self.path.read_text(encoding="utf-8"), quote=True)
        style = f"width: 100%; height: {PAGE_HEIGHT}px; border: 0"
        return f'<iframe srcdoc="{page}" style="{style}" sandbox="allow-scripts"></iframe>'
