"""Runs -> a terminal table; no arithmetic on scores."""

from __future__ import annotations

from typing import TYPE_CHECKING

from classify.runs import Run

if TYPE_CHECKING:
    from rich.table import Table

SHOWN = {
    "accuracy": "accuracy", "f1_macro": "F1 macro", "roc_auc": "ROC-AUC", "pr_auc": "PR-AUC", "log_loss": "log loss"
}  # fmt: skip


def score_table(runs: list[Run]) -> Table:
    """One row for each baseline and run: out-of-fold values over their 95 % intervals."""
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    name = Column("head", overflow="fold")
    table = Table(name, *SHOWN.values(), box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False)
    for name, metrics in runs[0].metrics["baselines"].items():
        table.add_row(name, *_cells(metrics))
    for run in runs:
        table.add_row(head_spec(run), *_cells(run.metrics))
    return table


def head_spec(run: Run) -> str:
    """The head with the options that are not the defaults, as on the command line."""
    from classify import heads

    head = run.recipe["head"]
    defaults = heads.load(head["name"]).options()
    changed = [f"{name}={value}" for name, value in head["options"].items() if value != defaults.get(name)]
    return head["name"] + (":" + ",".join(changed) if changed else "")


def basis(run: Run) -> str:
    """What the scores rest on, in one sentence: rows, split, sampler, seed, positive class."""
    rows, split = run.recipe["rows"], run.recipe["split"]
    tested = sum(fold["test_rows"] for fold in run.metrics["folds"])
    parts = [f"{tested:,} of {rows['labelled']:,} labelled rows tested ({rows['distinct_texts']:,} distinct texts)"]
    if split["kind"] == "stratified k-fold":
        parts.append(f"{split['folds']} stratified folds, identical texts in one fold")
    elif split["kind"] == "given":
        parts.append(f"splits as given, {split['test_rows_seen_in_training']} test rows have their text in training")
    else:
        parts.append(f"stratified hold-out of {split['test_size']:.0%}, identical texts on one side")
    if run.recipe["sampler"] != "none":
        parts.append(f"{run.recipe['sampler']}-sampling in training rows only, probabilities corrected for it")
    parts.append(f"seed {run.recipe['seed']}")
    if len(run.recipe["classes"]) == 2:
        parts.append(f"AUC of class {run.recipe['positive']!r}, mean over the folds")
    return "; ".join(parts)


def details(run: Run) -> list[str]:
    """Folds, classes and confusion matrix of one run, a line each."""
    f1 = run.metrics["overall"]["f1_macro"]
    lines = []
    if f1["sd"] is not None:
        lines.append(f"F1 macro over the folds: mean {f1['mean']:.4f}, sd {f1['sd']:.4f}")
    classes = run.recipe["classes"]
    for name, row in zip(classes, run.metrics["confusion"], strict=True):
        score = run.metrics["per_class"][name]
        numbers = f"precision {score['precision']:.3f}  recall {score['recall']:.3f}  F1 {score['f1']:.3f}"
        taken = ", ".join(f"{count:,} {other}" for count, other in zip(row, classes, strict=True) if count)
        lines.append(f"{name}: {numbers}  ({score['support']:,.0f} rows, taken for {taken})")
    return lines


def _cells(metrics: dict) -> list[str]:
    cells = []
    for name in SHOWN:
        score = metrics["overall"][name]
        if score["value"] is None:
            cells.append("-")
        elif score["low"] is None:
            cells.append(f"{score['value']:.4f}")
        else:
            cells.append(f"{score['value']:.4f}\n{score['low']:.3f}-{score['high']:.3f}")
    return cells
