"""The run folder, written and read.

=====================  ==============================================================================
``recipe.json``        everything that was asked for and of what: head, options, split, sampler, seed,
                       classes, features with digest and identity, command, versions
``metrics.json``       scores: out-of-fold values with 95 % intervals, mean and sd over folds, per class,
                       confusion matrix, every fold, and the baselines on the same splits
``predictions.csv``    line, fold, label, predicted and the probability of each class, one row a tested row
``model/``             the head fitted on all labelled rows, without pickle
=====================  ==============================================================================
"""

from __future__ import annotations

import csv
import json
import math
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path

import numpy as np

from classify import heads
from classify.heads._base import Head
from stores.errors import FailureError, InputError
from stores.files import whole_folder


@dataclass(frozen=True)
class Score:
    """How a head did on some splits.

    Attributes:
        proba: ``[n, C]``, out-of-fold probabilities; NaN for rows that were not tested.
        predicted: int ``[n]``, out-of-fold classes; -1 for rows that were not tested.
        fold: int ``[n]``, the split that tested each row, -1 for none.
        folds: one mapping a split: rows, seconds, history, metrics.
        overall: metrics over all tested rows together, as ``classify.metrics.measure``.
        interval: 95 % interval of each, as ``classify.intervals.bootstrap``.
    """

    proba: np.ndarray
    predicted: np.ndarray
    fold: np.ndarray
    folds: list[dict]
    overall: dict[str, np.ndarray]
    interval: dict[str, list[float]]


@dataclass(frozen=True)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        recipe: ``recipe.json``.
        metrics: ``metrics.json``.
    """

    folder: Path
    recipe: dict
    metrics: dict

    def model(self) -> Head:
        """The head fitted on all labelled rows."""
        return heads.restore(self.folder / "model")


def write_run(
    folder: Path, recipe: dict, score: Score, baselines: dict[str, Score], line: np.ndarray, y: np.ndarray, model: Head
) -> Run:
    """Write a run: the whole folder, or nothing.

    Args:
        folder: does not exist yet.
        recipe: what ``recipe.json`` is to hold; the time is added.
        score: of the head.
        baselines: name -> score on the same splits.
        line, y: line of the data file and class, of each labelled row.
        model: the head fitted on all of them.
    """
    recipe = recipe | {"created": datetime.now(timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")}
    classes = recipe["classes"]
    metrics = _summary(score, classes)
    metrics["baselines"] = {name: _summary(other, classes) for name, other in baselines.items()}
    recipe, metrics = _plain(recipe), _plain(metrics)
    with whole_folder(folder) as temporary:
        _write_json(temporary / "recipe.json", recipe)
        _write_json(temporary / "metrics.json", metrics)
        _write_predictions(temporary / "predictions.csv", score, classes, line, y)
        (temporary / "model").mkdir()
        heads.save(model, temporary / "model")
    return Run(folder, recipe, metrics)


def read_run(folder: str | Path) -> Run:
    """The run in ``folder``.

    Raises:
        InputError: if there is none.
        FailureError: if its files cannot be read.
    """
    folder = Path(folder)
    if not (folder / "recipe.json").is_file():
        raise InputError(f"{folder} is no run (it has no recipe.json); make one with: tk classify --features FILE")
    try:
        recipe = json.loads((folder / "recipe.json").read_text(encoding="utf-8"))
        metrics = json.loads((folder / "metrics.json").read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise FailureError(f"{folder} is damaged: {error}; train it again") from error
    return Run(folder, recipe, metrics)


def free_folder(folder: Path, taken: set[Path]) -> Path:
    """``folder``, or the first of ``folder-2``, ``folder-3``, ... that does not exist and is not taken; takes it."""
    number, free = 1, folder
    while free.exists() or free in taken:
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    taken.add(free)
    return free


def _summary(score: Score, classes: list[str]) -> dict:
    """A score as JSON: for each metric its out-of-fold value, interval, and mean and sd (n - 1) over the folds."""
    overall = {}
    for name, (low, high) in score.interval.items():
        folds = np.array([float(fold["metrics"][name][0]) for fold in score.folds])
        spread = {"mean": folds.mean(), "sd": folds.std(ddof=1) if len(folds) > 1 else None}
        overall[name] = {"value": score.overall[name][0], "low": low, "high": high, **spread}
    per_class = {
        label: {name: score.overall[name][0, i] for name in ("precision", "recall", "f1", "support")}
        for i, label in enumerate(classes)
    }
    folds = [fold | {"metrics": _single(fold["metrics"])} for fold in score.folds]
    confusion = score.overall["confusion"][0].astype(int)
    return {"overall": overall, "per_class": per_class, "confusion": confusion, "folds": folds}


def _single(metrics: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: values[0] for name, values in metrics.items() if values.ndim == 1}


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")  # of a file name that is no UTF-8


def _plain(value: object) -> object:
    """Arrays as lists, numpy numbers as Python's, and what is no number as null (JSON has no NaN)."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [_plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _write_predictions(path: Path, score: Score, classes: list[str], line: np.ndarray, y: np.ndarray) -> None:
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(["line", "fold", "label", "predicted", *(f"p_{name}" for name in classes)])
        for row in np.flatnonzero(score.fold >= 0):
            names = [classes[y[row]], classes[score.predicted[row]]]
            writer.writerow([line[row], score.fold[row] + 1, *names, *(f"{p:.6g}" for p in score.proba[row])])
