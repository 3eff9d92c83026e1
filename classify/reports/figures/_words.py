"""What the titles have in common."""

from __future__ import annotations

import numpy as np

from classify.reports.run_data import RunData
from stores.shared.plot_style import shown

DRAWN = 8  # lines in one figure


def measured(run_data: RunData, metric: str, name: str) -> str:
    """``F1 macro 0.930 [0.907, 0.952], n = 960``: a metric of the run with its interval and the predictions."""
    score = run_data.run.metrics.overall.get(metric)
    if score is None or score.value is None:
        return f"n = {len(run_data.predictions):,}"
    interval = "" if score.low is None else f" [{score.low:.3f}, {score.high:.3f}]"
    return f"{name} {score.value:.3f}{interval}, n = {len(run_data.predictions):,}"


def drawn_classes(run_data: RunData) -> tuple[list[int], str]:
    """Which classes get a line (of two only the positive one), and what to say of the others."""
    if run_data.problem == "binary":
        return [run_data.predictions.positive], ""
    counts = run_data.members.sum(0)
    order = [int(c) for c in np.argsort(-counts, kind="stable") if 0 < counts[c] < len(run_data.members)][:DRAWN]
    left_out = len(run_data.classes) - len(order)
    if len(run_data.classes) <= DRAWN:
        order.sort()
    return order, f"; {left_out} classes not drawn" if left_out else ""


def percent(share: float) -> str:
    """``94.2%``."""
    return f"{share:.1%}"


def quoted(name: str) -> str:
    """A class within a sentence."""
    return f"'{shown(name)}'"
