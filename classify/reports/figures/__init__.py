"""The figures of a run: run data in, charts out (or figures of matplotlib); which ones depends on the problem.

A figure is a function in one of the modules here; it returns None where it makes no sense.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from classify.reports.figures.curves import epochs, learning
from classify.reports.figures.decisions import confusion, threshold
from classify.reports.figures.ranks import calibration, precision_recall, roc
from classify.reports.figures.rows import spots
from classify.reports.figures.scores import folds, losses
from classify.reports.figures.table import classes, lengths
from classify.reports.run_data import RunData
from stores.shared.chart import Chart

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FIGURES: dict[str, Callable[[RunData], Chart | Figure | None]] = {
    "scores": folds,
    "confusion": confusion,
    "roc": roc,
    "precision-recall": precision_recall,
    "threshold": threshold,
    "calibration": calibration,
    "losses": losses,
    "epochs": epochs,
    "learning": learning,
    "classes": classes,
    "lengths": lengths,
    "map": spots,
}


def finding(drawn: Chart | Figure) -> str:
    """Title and basis of a figure in one line, as its alternative text."""
    if isinstance(drawn, Chart):
        return f"{drawn.finding}. {drawn.basis}"
    parts = [drawn.get_suptitle(), drawn.axes[0].get_title(loc="left")]
    return " ".join(". ".join(parts).split())
