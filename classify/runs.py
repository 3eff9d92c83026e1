"""The run folder, written and read.

=====================  ==============================================================================
``recipe.json``        everything that was asked for and of what, see ``classify.recipe_json.RunRecipe``
``metrics.json``       scores, see ``classify.metrics_json.RunMetrics``
``predictions.csv``    out-of-fold predictions, see ``classify.scoring.predictions``
``model/``             the model fitted on all labelled rows, without pickle, see ``classify.fitting.model``;
                       of an ensemble those of its members, see ``classify.fitting.ensemble_model``
=====================  ==============================================================================

``recipe.json`` holds a digest (BLAKE3, 128 bits) of every other file, and one of itself (BLAKE2b); they are compared
before a file is used. A run without digests was made before there were any, and is read as it is.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from classify.fitting.ensemble_model import EnsembleModel, restore_model
from classify.fitting.model import FittedModel
from classify.metrics_json import Estimate, FoldScore, RunMetrics, Summary
from classify.recipe_json import RunRecipe
from classify.run_folder import RECIPE, check_files, check_recipe, digests_of, recipe_digest
from classify.scoring.metrics import PROBLEMS, metrics_of
from classify.scoring.predictions import Predictions
from classify.typed_json import as_json, from_json
from stores.shared.errors import FailureError, InputError
from stores.shared.files import whole_folder

if TYPE_CHECKING:
    import pandas

    from classify.reports.notebook import ReportPage


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
        interval: 95 % interval of each, see ``classify.scoring.intervals``; those that have none are missing.
        remarks: why some are missing, or how far to trust them.
        directions: what the intervals were made with.
    """

    predictions: Predictions
    folds: list[FoldScore]
    overall: dict[str, np.ndarray]
    interval: dict[str, tuple[float, float]]
    remarks: list[str] = field(default_factory=list)
    directions: float = 0.0


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

    def _repr_html_(self) -> str:
        from classify.reports.notebook import run_html

        return run_html(self)

    def to_frame(self) -> pandas.DataFrame:
        """The scores as a frame of pandas, see ``classify.reports.notebook.run_frame``."""
        from classify.reports.notebook import run_frame

        return run_frame(self)

    def report(self) -> ReportPage:
        """The report, which is written if it is not there; shown by a notebook."""
        from classify.reports.notebook import ReportPage
        from classify.reports.page import write_report

        path = self.folder / "report.html"
        return ReportPage(path if path.is_file() else write_report(self))

    @property
    def directions(self) -> float:
        """In how many directions the head can be fitted by chance; 0 where that was not kept."""
        return float(self.metrics.more.get("directions") or 0.0)

    def model(self) -> FittedModel | EnsembleModel:
        """The model fitted on all labelled rows.

        Raises:
            FailureError: if a file of it is damaged, changed or foreign, or cannot be read by this version.
        """
        folder, width = self.folder / "model", len(self.recipe.classes)
        check_files(self.folder, self.recipe.files, "model")
        try:
            model = restore_model(folder)
            if not model.is_of(width):
                raise ValueError(f"it is not of {width} classes")
        except (InputError, FailureError):
            raise
        except Exception as error:  # of many libraries; a run without digests may hold anything
            why = "nested too deeply" if isinstance(error, RecursionError) else error
            raise FailureError(f"{folder} holds no model that can be read ({why}); train the run again") from error
        return model

    def predictions(self) -> Predictions:
        """The out-of-fold predictions."""
        recipe = self.recipe
        check_files(self.folder, recipe.files, "predictions.csv")
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
        _write_json(temporary / "metrics.json", written)
        score.predictions.write(temporary / "predictions.csv")
        model.save(temporary / "model")
        asked["files"] = digests_of(temporary)
        asked["digest"] = recipe_digest(asked)
        _write_json(temporary / RECIPE, asked)
    return Run(folder, from_json(RunRecipe, asked), from_json(RunMetrics, written))


def read_run(folder: str | Path) -> Run:
    """The run in ``folder``.

    Raises:
        InputError: if there is none.
        FailureError: if its files cannot be read.
    """
    folder = Path(folder)
    if not (folder / RECIPE).is_file():
        raise InputError(f"{folder} is no run (it has no recipe.json); make one with: tk classify --features FILE")
    name = RECIPE
    try:
        asked = _read_json(folder / name)
        check_recipe(asked)
        recipe = from_json(RunRecipe, asked)
        _check_answers(recipe)
        name = "metrics.json"
        check_files(folder, recipe.files, name)
        metrics = from_json(RunMetrics, _read_json(folder / name))
    except (OSError, ValueError, RecursionError) as error:
        why = "nested too deeply" if isinstance(error, RecursionError) else error
        raise FailureError(f"{folder} is damaged: {name}: {why}; train it again") from error
    return Run(folder, recipe, metrics)


def _check_answers(recipe: RunRecipe) -> None:
    """What the parts of a recipe say of each other."""
    if recipe.problem not in PROBLEMS:
        raise ValueError(f"problem is {recipe.problem!r}; there are: {', '.join(PROBLEMS)}")
    if len(set(recipe.classes)) < len(recipe.classes) or not recipe.classes:
        raise ValueError("classes are missing, or one is there twice")
    if recipe.positive is not None and recipe.positive not in recipe.classes:
        raise ValueError(f"the positive class {recipe.positive!r} is none of the classes")


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
