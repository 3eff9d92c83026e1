"""The run folder, written and read.

=====================  ==============================================================================
``recipe.json``        everything that was asked for and of what: head, options, split, sampler, seed,
                       classes, features with digest and identity, command, versions
``metrics.json``       scores: out-of-fold values with 95 % intervals, mean and sd over folds, per class,
                       confusion matrix, every fold, and the baselines on the same splits
``predictions.csv``    out-of-fold predictions, see ``classify.scoring.predictions``
``model/``             the model fitted on all labelled rows, without pickle, see ``classify.fitting.model``
=====================  ==============================================================================
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from classify.fitting.model import FittedModel
from classify.scoring.metrics import metrics_of
from classify.scoring.predictions import Predictions
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder


@dataclass(frozen=True)
class Score:
    """How a head did on some splits.

    Attributes:
        predictions: of the test rows of each split.
        folds: one mapping a split: rows, seconds, history, metrics.
        overall: metrics over all tested rows together, as ``classify.scoring.metrics.measure``.
        interval: 95 % interval of each, as ``classify.scoring.intervals.bootstrap``.
    """

    predictions: Predictions
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

    def model(self) -> FittedModel:
        """The model fitted on all labelled rows."""
        return FittedModel.restore(self.folder / "model")

    def predictions(self) -> Predictions:
        """The out-of-fold predictions."""
        classes = self.recipe["classes"]
        positive = 0 if self.recipe["positive"] is None else classes.index(self.recipe["positive"])
        multilabel = self.recipe["problem"] == "multi-label"
        return Predictions.read(self.folder / "predictions.csv", classes, positive, multilabel)


def write_run(
    folder: Path, recipe: dict, score: Score, baselines: dict[str, Score], model: FittedModel, more: dict | None = None
) -> Run:
    """Write a run: the whole folder, or nothing.

    Args:
        folder: does not exist yet.
        recipe: what ``recipe.json`` is to hold; the time is added.
        score: of the head.
        baselines: name -> score on the same splits.
        model: fitted on all labelled rows.
        more: further entries of ``metrics.json``.
    """
    recipe = recipe | {"created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
    classes = recipe["classes"]
    metrics = summary(score, classes)
    metrics["baselines"] = {name: summary(other, classes) for name, other in baselines.items()}
    metrics |= more or {}
    recipe, metrics = plain(recipe), plain(metrics)
    with whole_folder(folder) as temporary:
        _write_json(temporary / "recipe.json", recipe)
        _write_json(temporary / "metrics.json", metrics)
        score.predictions.write(temporary / "predictions.csv")
        model.save(temporary / "model")
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


def summary(score: Score, classes: list[str]) -> dict:
    """A score as JSON: for each metric its out-of-fold value, interval, and mean and sd (n - 1) over the folds."""
    overall = {}
    for name in (metric.name for metric in metrics_of(score.predictions.problem, per_class=False)):
        low, high = score.interval.get(name, (None, None))
        folds = np.array([float(fold["metrics"][name][0]) for fold in score.folds])
        spread = {"mean": folds.mean(), "sd": folds.std(ddof=1) if len(folds) > 1 else None}
        overall[name] = {"value": score.overall[name][0], "low": low, "high": high, **spread}
    shown = [metric.name for metric in metrics_of(score.predictions.problem, per_class=True)]
    per_class = {label: {name: score.overall[name][0, i] for name in shown} for i, label in enumerate(classes)}
    folds = [fold | {"metrics": _single(fold["metrics"])} for fold in score.folds]
    confusion = score.overall["confusion"][0].astype(int)
    return {"overall": overall, "per_class": per_class, "confusion": confusion, "folds": folds}


def _single(metrics: dict[str, np.ndarray]) -> dict[str, float]:
    return {name: values[0] for name, values in metrics.items() if values.ndim == 1}


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")  # of a file name that is no UTF-8


def plain(value: object) -> object:
    """Arrays as lists, numpy numbers as Python's, and what is no number as null (JSON has no NaN)."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple | np.ndarray):
        return [plain(item) for item in value]
    value = value.item() if isinstance(value, np.generic) else value
    return None if isinstance(value, float) and not math.isfinite(value) else value
