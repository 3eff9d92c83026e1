"""Several runs in one picture: their differences from the best, all metrics, their time, and their curves."""

from __future__ import annotations

import numpy as np

from classify.analysis.comparison import ComparedRun, Comparison
from classify.reports.figures.cost import cost, name_of
from classify.scoring.epoch_metrics import VALIDATION, names_of
from classify.scoring.metrics import METRICS, columns_of, title_of
from stores.shared.chart import Axis, Bars, Chart, Intervals, Line, Panel, Words, new_chart
from stores.shared.plot_style import INK, MUTED, WIDTH, color, dash

DRAWN = 8  # runs side by side
MARKERS = "osD^v"
LOSS = f"{VALIDATION}loss"


def compared_charts(found: Comparison) -> dict[str, Chart]:
    """The charts that make sense, by name."""
    charts = {"scores": scores(found), "cost": cost(found), "differences": differences(found),
              "metrics": metrics(found), "times": times(found),
              "epochs": epochs(found) if any(entry.epochs for entry in found.runs) else None}  # fmt: skip
    return {name: chart for name, chart in charts.items() if chart is not None}


def finding(found: Comparison) -> str:
    """Which run is best, and whether that is certain."""
    best, others = name_of(found.best), found.runs[1:]
    close = sum(not entry.distinguishable for entry in others)
    if not close:
        return f"{best} is better than " + ("all the others" if len(others) > 1 else name_of(others[0].name))
    return f"{best} is best, but {close} of {len(others)} others cannot be told from it"


def scores(found: Comparison) -> Chart:
    """Each run's score and interval, the best on top."""
    title = title_of(found.by, found.problem)
    chart, panel = new_chart(
        finding(found), f"{title} with 95% interval, n = {found.rows.compared:,}", title, "",
        (WIDTH, 1.5 + 0.3 * len(found.runs)),
    )  # fmt: skip
    values, low, high = np.array([entry.scores[found.by].numbers for entry in found.runs], float).T
    worse, places = np.array([entry.distinguishable for entry in found.runs]), np.arange(len(found.runs))
    for kind, label in ((False, "the best, and what cannot be told from it"), (True, "worse")):
        own, shade = worse == kind, color(int(kind))
        if own.any():
            panel.add(Intervals(places[own], low[own], high[own], across=True, color=shade),
                      Line(values[own], places[own], shade, 0, marker="s" if kind else "o", label=label))  # fmt: skip
    panel.y = _rows([entry.name for entry in found.runs])
    return chart


def differences(found: Comparison) -> Chart:
    """Each run minus the best with its interval, and the region in which differences are practically none."""
    others, title = found.runs[1:], title_of(found.by, found.problem)
    held = [entry for entry in others if entry.against.difference.value is not None]
    worse = sum(entry.distinguishable for entry in others)
    chart, panel = new_chart(
        f"{worse} of {len(others)} other runs {'is' if worse == 1 else 'are'} worse than {name_of(found.best)}",
        f"{title} minus that of the best, with 95% interval, n = {found.rows.compared:,}; "
        f"shaded: practically the same (within {found.rope:g})",
        f"difference in {title}", "", (WIDTH, 1.5 + 0.3 * len(held)),
    )  # fmt: skip
    panel.add(Bars([(-found.rope, found.rope)], [(-float("inf"), float("inf"))], MUTED, 0.18))
    panel.upright(0, INK, 0.8)
    for place, entry in enumerate(held):
        gap, shade = entry.against.difference, color(int(entry.distinguishable))
        if gap.low is not None and gap.high is not None:
            panel.add(Intervals([place], [gap.low], [gap.high], across=True, color=shade))
        panel.add(Line([float(gap.value or 0)], [place], shade, 0, marker="s" if entry.distinguishable else "o"))
    panel.y = _rows([entry.name for entry in held])
    return chart


def metrics(found: Comparison) -> Chart:
    """Every metric of the first table whose best is 1, with its interval, a mark for each run."""
    runs = found.runs[:DRAWN]
    names = [name for name in columns_of(found.problem) if METRICS[name].higher_is_better]
    names = [name for name in names if all(entry.scores[name].value is not None for entry in runs)]
    first = [name for name in names if runs[0].scores[name].value == max(e.scores[name].value or 0 for e in runs)]
    left_out = len(found.runs) - len(runs)
    chart, panel = new_chart(
        f"{name_of(runs[0].name)} leads in {len(first)} of {len(names)} metrics",
        f"Values with 95% intervals, n = {found.rows.compared:,}"
        + (f"; {left_out} runs not drawn" if left_out else ""),
        "score", "", (WIDTH, 1.2 + (0.12 + 0.13 * len(runs)) * len(names)),
    )  # fmt: skip
    step = 0.76 / len(runs)
    for i, entry in enumerate(runs):
        at = np.arange(len(names)) + (i - (len(runs) - 1) / 2) * step
        values, low, high = np.array([entry.scores[name].numbers for name in names], float).T
        panel.add(Intervals(at, low, high, across=True, color=color(i)))
        panel.add(Line(values, at, color(i), 0, marker=MARKERS[i % len(MARKERS)], size=5, label=name_of(entry.name)))
    panel.y = _rows([title_of(name, found.problem) for name in names])
    return chart


def times(found: Comparison) -> Chart:
    """Seconds to encode and to train, a bar a run, the quickest on top; of how many folds stands beside."""
    runs = sorted(found.runs, key=seconds_of)
    most, least = seconds_of(runs[-1]), seconds_of(runs[0])
    ratio = f"{most / least:,.1f} times the time of {name_of(runs[0].name)}" if least > 0 else "the most time"
    chart, panel = new_chart(
        f"The slowest, {name_of(runs[-1].name)}, takes {ratio}",
        "Seconds to encode all texts (where known) and to train the models of all folds",
        "seconds", "", (WIDTH, 1.5 + 0.3 * len(runs)),
    )  # fmt: skip
    sides = [(place - 0.35, place + 0.35) for place in range(len(runs))]
    encode = [entry.cost.encode_seconds or 0.0 for entry in runs]
    panel.add(Bars([(0, e) for e in encode], sides, color(0), label="encode"))
    ends = [(e, seconds_of(entry)) for e, entry in zip(encode, runs, strict=True)]
    panel.add(Bars(ends, sides, color(1), label="train"))
    texts = [f"{seconds_of(entry):,.2f} s, {_folds(entry)}" for entry in runs]
    panel.add(Words([end for _, end in ends], list(range(len(runs))), texts, INK, 4))
    panel.x.low, panel.x.high = 0, 1.6 * max(most, 1e-3)
    panel.y = _rows([entry.name for entry in runs])
    return chart


def epochs(found: Comparison) -> Chart:
    """Loss, F1 and ROC-AUC of validation rows against the epoch, a line for each run that has epochs."""
    runs = [entry for entry in found.runs if entry.epochs][:DRAWN]
    title = {LOSS: "loss"} | {VALIDATION + name: title_of(name, found.problem) for name in names_of(found.problem)}
    f1 = VALIDATION + ("f1_positive" if found.problem == "binary" else "f1_macro")
    drawn = [name for name in (LOSS, f1, f"{VALIDATION}roc_auc") if all(name in entry.epochs for entry in runs)]
    best = max(runs, key=lambda entry: max(entry.epochs.get(f1, [0.0])))
    top = max(best.epochs.get(f1, [0.0]))
    last = max(len(entry.epochs[name]) for entry in runs for name in drawn)
    panels = []
    for number, name in enumerate(drawn):
        panel = Panel(Axis("epoch", 0.5, last + 0.5, whole=True), Axis(title[name]))
        for i, entry in enumerate(runs):
            values = entry.epochs[name]
            x, label = np.arange(1, len(values) + 1), "" if number else name_of(entry.name)
            panel.add(Line(x, values, color(i), 1.6, dash(i), "o" if len(values) == 1 else "", label=label))
        panels.append(panel)
    return Chart(
        f"{title.get(f1, 'F1')} of validation rows is highest in {name_of(best.name)}: {top:.3f}",
        f"Mean over the folds, at the heads' own decisions, n = {found.rows.compared:,}",
        (WIDTH, 1.1 + 1.15 * len(panels)), panels,
    )  # fmt: skip


def seconds_of(entry: ComparedRun) -> float:
    """To encode, where that is known, and to train."""
    return (entry.cost.encode_seconds or 0.0) + entry.cost.train_seconds


def _folds(entry: ComparedRun) -> str:
    count = len(entry.folds)
    return f"{count} folds" if count > 1 else "hold-out"


def _rows(names: list[str]) -> Axis:
    """Names from the top down."""
    ticks = [(float(place), name_of(name)) for place, name in enumerate(names)]
    return Axis(ticks=ticks, grid=False, falling=True, low=-0.6, high=len(names) - 0.4)
