"""The run folder, written and read.

=====================  ==============================================================================
``recipe.json``        everything that was asked for and of what, see ``classify.records.RunRecipe``
``metrics.json``       scores, see ``classify.records.RunMetrics``
``predictions.csv``    out-of-fold predictions, see ``classify.scoring.predictions``
``model/``             the model fitted on all labelled rows, without pickle, see ``classify.fitting.model``
=====================  ==============================================================================
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from classify.fitting.model import FittedModel
from classify.records import Estimate, FoldScore, RunMetrics, RunRecipe, Summary
from classify.scoring.metrics import metrics_of
from classify.scoring.predictions import Predictions
from classify.typed_json import as_json, from_json
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder


class Saveable(Protocol):
    """What a run can keep as its model."""

    def save(self, folder: Path) -> None:
        """Write it into ``folder``, which is made."""


@dataclass(frozen=True)
class Score:
    """How a head did on some splits.

    Attributes:
        predictions: of the test rows of each split.
        folds: one entry a split.
        overall: metrics over all tested rows together, as ``classify.scoring.metrics.measure``.
        interval: 95 % interval of each, as ``classify.scoring.intervals.bootstrap``.
    """

    predictions: Predictions
    folds: list[FoldScore]
    overall: dict[str, np.ndarray]
    interval: dict[str, list[float]]


@dataclass(frozen=True, repr=False)
class Run:
    """A finished run.

    Attributes:
        folder: where it lies.
        recipe: ``recipe.json``.
        metrics: ``metrics.json``.
    """

    folder: Path
    recipe: RunRecipe
    metrics: RunMetrics

    def __repr__(self) -> str:
        return f"Run({str(self.folder)!r}, head={self.recipe.head.name!r}, problem={self.recipe.problem!r})"

    def model(self) -> FittedModel:
        """The model fitted on all labelled rows."""
        return FittedModel.restore(self.folder / "model")

    def predictions(self) -> Predictions:
        """The out-of-fold predictions."""
        recipe = self.recipe
        positive = 0 if recipe.positive is None else recipe.classes.index(recipe.positive)
        return Predictions.read(self.folder / "predictions.csv", recipe.classes, positive, recipe.multilabel)


def write_run(
    folder: Path,
    recipe: dict[str, Any],
    score: Score,
    baselines: dict[str, Score | Summary],
    model: Saveable,
    more: dict[str, Any] | None = None,
) -> Run:
    """Write a run: the whole folder, or nothing.

    Args:
        folder: does not exist yet.
        recipe: the fields of ``RunRecipe``; the time is added.
        score: of the head.
        baselines: name -> score on the same splits.
        model: fitted on all labelled rows.
        more: further fields of ``RunMetrics``.
    """
    classes = recipe["classes"]
    others = {name: other if isinstance(other, Summary) else summary(other, classes)
              for name, other in baselines.items()}  # fmt: skip
    written = as_json(summary(score, classes)) | as_json({"baselines": others, **(more or {})})
    asked = as_json(recipe | {"created": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")})
    with whole_folder(folder) as temporary:
        _write_json(temporary / "recipe.json", asked)
        _write_json(temporary / "metrics.json", written)
        score.predictions.write(temporary / "predictions.csv")
        model.save(temporary / "model")
    return Run(folder, from_json(RunRecipe, asked), from_json(RunMetrics, written))


def read_run(folder: str | Path) -> Run:
    """The run in ``folder``.

    Raises:
        InputError: if there is none.
        FailureError: if its files cannot be read.
    """
    folder = Path(folder)
    if not (folder / "recipe.json").is_file():
        raise InputError(f"{folder} is no run (it has no recipe.json); make one with: tk classify --features FILE")
    name = "recipe.json"
    try:
        recipe = from_json(RunRecipe, _read_json(folder / name))
        name = "metrics.json"
        metrics = from_json(RunMetrics, _read_json(folder / name))
    except (OSError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise FailureError(f"{folder} is damaged: {name}: {why}; train it again") from error
    return Run(folder, recipe, metrics)


def free_folder(folder: Path, taken: set[Path]) -> Path:
    """``folder``, or the first of ``folder-2``, ``folder-3``, ... that does not exist and is not taken; takes it."""
    number, free = 1, folder
    while free.exists() or free in taken:
        number += 1
        free = folder.with_name(f"{folder.name}-{number}")
    taken.add(free)
    return free


def summary(score: Score, classes: list[str]) -> Summary:
    """A score with, for each metric, its out-of-fold value, interval, and mean and sd (n - 1) over the folds."""
    overall = {}
    for name in (metric.name for metric in metrics_of(score.predictions.problem, per_class=False)):
        low, high = score.interval.get(name, (None, None))
        folds = np.array([fold.metrics[name] for fold in score.folds], float)
        sd = float(folds.std(ddof=1)) if len(folds) > 1 else None
        overall[name] = Estimate(float(score.overall[name][0]), low, high, float(folds.mean()), sd)
    kept = [metric.name for metric in metrics_of(score.predictions.problem, per_class=True)]
    per_class: dict[str, dict[str, float | None]] = {
        label: {name: float(score.overall[name][0, i]) for name in kept} for i, label in enumerate(classes)
    }
    return Summary(overall, per_class, score.overall["confusion"][0].astype(int).tolist(), score.folds)


def single_numbers(measures: dict[str, np.ndarray]) -> dict[str, float | None]:
    """Of ``classify.scoring.metrics.measure`` without weights: the metrics that are one number."""
    return {name: float(values[0]) for name, values in measures.items() if values.ndim == 1}


def _read_json(path: Path) -> object:
    return json.loads(path.read_text(encoding="utf-8"))


def _write_json(path: Path, value: object) -> None:
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False) + "\n"
    path.write_text(text, encoding="utf-8", errors="backslashreplace")  # of a file name that is no UTF-8
