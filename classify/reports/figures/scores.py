"""How good, how steady, how trained: scores beside the baselines and over the folds, loss curves."""

from __future__ import annotations

import numpy as np

from classify.metrics_json import Summary
from classify.reports.run_data import RunData
from classify.scoring.metrics import METRICS, columns_of, title_of
from stores.shared.chart import Axis, Chart, Intervals, Line, new_chart
from stores.shared.plot_style import INK, MUTED, WIDTH, color, shown


def folds(run_data: RunData) -> Chart:
    """Each metric: value and interval of the run and of its baselines, and a point a fold.

    The axis begins where the models are: the majority, which knows nothing, is named in the title, not drawn.
    """
    metrics = run_data.run.metrics
    own = shown(run_data.run.recipe.head.name)
    idle = metrics.baselines.get("majority") if len(metrics.baselines) > 1 else None
    rows: dict[str, Summary] = {own: metrics}
    rows |= {name: other for name, other in metrics.baselines.items() if other is not idle and name != own}
    f1 = metrics.overall["f1_macro"].value
    others = {name: other.overall["f1_macro"].value or 0.0 for name, other in metrics.baselines.items()}
    best = max(others, key=lambda name: others[name])
    number = len(metrics.folds)
    drawn = [name for name in columns_of(run_data.problem) if METRICS[name].higher_is_better]
    drawn = [name for name in drawn if all(name in row.overall for row in rows.values())]
    chart, panel = new_chart(
        f"F1 macro {f1:.3f}, against {others[best]:.3f} of {best}",
        f"Value with 95% interval, n = {len(run_data.predictions):,}; points: {number} fold{'s' * (number > 1)}"
        + ("" if idle is None else f"; majority: F1 macro {others['majority']:.3f}"),
        "score", "", (WIDTH, 1.4 + 0.36 * len(drawn)),
    )  # fmt: skip
    height = 0.7 / len(rows)
    for i, (name, row) in enumerate(rows.items()):
        places = np.arange(len(drawn)) + (i - (len(rows) - 1) / 2) * height
        values, low, high = np.array([(s.value, s.low, s.high) for s in (row.overall[m] for m in drawn)], float).T
        mine = row is metrics
        shade = color(0) if mine else MUTED
        panel.add(Intervals(places, low, high, across=True, color=shade))
        panel.add(Line(values, places, shade, 0, marker="Dos^v"[i % 5], hollow=not mine, label=name))
        if mine:
            for m, metric in enumerate(drawn):
                points = np.array([fold.metrics[metric] for fold in metrics.folds], float)
                panel.add(Line(points, np.full(len(points), places[m] - 0.12), color(1), 0, marker=".", size=8))
    panel.y = Axis(ticks=[(i, title_of(name, run_data.problem)) for i, name in enumerate(drawn)],
                   falling=True, grid=False)  # fmt: skip
    panel.x.high = 1.02
    return chart


def losses(run_data: RunData) -> Chart | None:
    """Training and validation loss against the epoch, a line a fold; None for heads without epochs."""
    histories = [fold.history for fold in run_data.run.metrics.folds]
    curves = {name: [h[name] for h in histories if name in h] for name in ("loss", "validation_loss")}
    if not curves["loss"]:
        return None
    name = "validation_loss" if curves["validation_loss"] else "loss"
    epochs, count = max(map(len, curves[name])), len(curves[name])
    basis = f"Cross-entropy (training: with the penalty), {count} fold{'s' * (count > 1)}"
    shortest = min(map(len, curves[name]))
    mean = np.mean([curve[:shortest] for curve in curves[name]], axis=0)
    what = "Validation" if name == "validation_loss" else "Training"
    where = f"in epoch {mean.argmin() + 1} of {epochs}"
    still = ", the last: more may help" if mean.argmin() + 1 == epochs else ""
    chart, panel = new_chart(
        f"{what} loss is least {where}{still}",
        f"{basis}, n = {len(run_data.predictions):,}", "epoch", "loss",
    )  # fmt: skip
    for i, (key, line, label) in enumerate((("loss", "-", "training"), ("validation_loss", "--", "validation"))):
        for number, curve in enumerate(curves[key]):
            x = np.arange(1, len(curve) + 1)
            panel.add(Line(x, curve, color(i), 1.1, line, label="" if number else label))
    panel.upright(float(mean.argmin() + 1), INK, 0.6, ":")
    panel.x.whole, panel.y.low = True, 0
    return chart
