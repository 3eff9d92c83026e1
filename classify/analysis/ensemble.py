"""Several runs as one: their out-of-fold probabilities averaged, put to the vote, or weighed by a stacked model.

The result is a run of its own; its model holds those of its members, and predicts with all their encoders.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from classify.analysis.align import align, names, same_folds
from classify.analysis.significance import joined_groups
from classify.fitting.ensemble_model import COMBINE, EnsembleModel, label_inputs, stack_inputs
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads import load
from classify.heads.base import FitTask
from classify.metrics_json import FoldScore
from classify.recipe_json import EnsembleRecord, FeaturesRecord, HeadRecord, MemberRecord, ModelRecord
from classify.run_folder import FolderClaims
from classify.runs import Run, Score, single_numbers, write_run
from classify.scoring.calibration_error import worse_than_frequencies
from classify.scoring.intervals import intervals
from classify.scoring.kept import assumed_gains, extended
from classify.scoring.predictions import Predictions
from classify.sources import training_seconds
from stores.shared.errors import InputError
from stores.shared.suggest import listing

METHODS = (*COMBINE, "stack")
PARTS = 5  # of the tested rows of a hold-out, to stack on


def ensemble(
    runs: Sequence[Run], method: str = "average", *, out: str | Path | None = None, command: str = "",
    versions: dict | None = None,
) -> Run:  # fmt: skip
    """Combine the out-of-fold predictions of runs on the same rows, and write the result as a run.

    - ``average``: the mean of the probabilities; the class of the largest mean (each label from 0.5 on).
    - ``vote``: the share of the members that decided for each class; where they are equal, the larger mean of the
      probabilities decides (a label needs more than half).
    - ``stack``: logistic regression on the logits of the probabilities, see ``stacked``.

    Args:
        runs: at least two, of one table.
        method: one of ``METHODS``.
        out: folder of the run; ``runs/<table>.<method>`` if None.
        command, versions: kept in the run.

    Raises:
        InputError: if the runs are too few, not of the same rows, or (to stack) not of the same several folds.
        FailureError: if a run cannot be read, or the machine fails.
    """
    if len(runs) < 2:
        raise InputError("give two runs or more to combine")
    if method not in METHODS:
        raise InputError(f"`method={method!r}`: choose one of {listing(method, METHODS)}")
    with FolderClaims() as claims:
        default = Path("runs") / f"{_stem(runs[0])}.{method}"
        folder = claims.claim(default if out is None else Path(out), numbered=out is None)
        start = time.perf_counter()
        combined, models, labels = _combined(align(runs), method, runs[0].recipe.seed)
        seconds = time.perf_counter() - start + sum(map(training_seconds, runs))
        folds = _folds(combined, runs[0], seconds / len(np.unique(combined.fold)))
        score = _scored(combined, folds, runs)
        recipe = _recipe(runs, method) | {"command": command, "versions": versions or {}}
        model = EnsembleModel(method, [run.model() for run in runs], models, labels)
        baselines, notes = runs[0].metrics.baselines, score.remarks
        loss, chance = float(score.overall["log_loss"][0]), baselines["majority"].overall["log_loss"].value
        if chance is not None and loss > chance:
            notes = [*notes, worse_than_frequencies(method, loss, chance)]
        return write_run(folder, recipe, score, dict(baselines), model, {"notes": notes})


def _scored(combined: Predictions, folds: list[FoldScore], runs: Sequence[Run]) -> Score:
    """With intervals that hold the kept model, too: of more than one fold its members have learned from more rows."""
    directions = max(run.directions for run in runs)
    found = intervals(combined, runs[0].recipe.seed, directions)
    gains = assumed_gains(combined, found.found) if len(folds) > 1 else {}
    return Score(combined, folds, combined.measure(), extended(found.found, gains), found.remarks, directions)


def _combined(aligned: list[Predictions], method: str, seed: int) -> tuple[Predictions, list[FittedModel], list[int]]:
    """The predictions of the ensemble, and the stacked models if there are any, with their labels."""
    group = joined_groups([p.group for p in aligned])
    aligned = [replace(p, group=group) for p in aligned]
    if method != "stack":
        return _by(method, aligned), [], []
    if not same_folds(aligned):
        raise InputError("`method='stack'`: the runs have different folds; train them with the same `cv` and `seed`")
    return stacked(aligned, seed)


def averaged(aligned: Sequence[Predictions]) -> Predictions:
    """The mean of the probabilities of aligned predictions, see ``ensemble``."""
    return _by("average", aligned)


def voted(aligned: Sequence[Predictions]) -> Predictions:
    """The share of votes of aligned predictions, see ``ensemble``."""
    return _by("vote", aligned)


def _by(method: str, aligned: Sequence[Predictions]) -> Predictions:
    proba, predicted = COMBINE[method]([(p.proba, p.predicted) for p in aligned])
    return replace(aligned[0], proba=proba, predicted=predicted)


def stacked(aligned: Sequence[Predictions], seed: int) -> tuple[Predictions, list[FittedModel], list[int]]:
    """Logistic regression on the logits of aligned predictions of the same folds.

    Wolpert 1992, "Stacked Generalization".

    For each fold it is fitted on the out-of-fold predictions of the rows of the other folds, without those whose group
    is in this fold, so that it has seen neither a label nor a prediction of the rows that it is scored on. Several
    labels are several problems, each with the probabilities of its own label; a label that all training rows of a fold
    have, or none, keeps the mean of its probabilities.

    What remains is what all stacking on one round of folds has: the members that predicted the other rows had this
    fold's among their training rows.

    A hold-out has no other folds: its tested rows are dealt into five parts, and each is predicted by a model of the
    others, so that a row is again scored by what has not seen it. The members saw none of these rows.

    Returns:
        the predictions, and the models fitted on all rows: one, or one for each label that has one, and these labels.
    """
    first = aligned[0] if len(np.unique(aligned[0].fold)) > 1 else replace(aligned[0], fold=_parts(aligned[0], seed))
    numbers = np.unique(first.fold)
    tests = [np.flatnonzero(first.fold == number) for number in numbers]
    tasks = [FitTask(_others(first.group, test), seed + i) for i, test in enumerate(tests)]
    if not first.multilabel:
        x = stack_inputs([p.proba for p in aligned], first.positive)
        proba, predicted, model = _across(x, first.y, len(first.classes), first.positive, tests, tasks)
        return replace(aligned[0], proba=proba, predicted=predicted), [model], []
    mean, models, labels = averaged(aligned), [], []
    proba, predicted = mean.proba.copy(), mean.predicted.copy()
    for c in range(len(first.classes)):
        y = first.y[:, c]
        if all(np.ptp(y[task.rows]) for task in tasks):
            x = label_inputs([p.proba for p in aligned], c)
            both, predicted[:, c], model = _across(x, y, 2, 1, tests, tasks)
            proba[:, c] = both[:, 1]
            models.append(model)
            labels.append(c)
    return replace(aligned[0], proba=proba, predicted=predicted), models, labels


def _parts(p: Predictions, seed: int) -> np.ndarray:
    """Int ``[t]``: one of ``PARTS`` for each row of a hold-out, no group in two."""
    _, first, inverse = np.unique(p.group, return_index=True, return_inverse=True)
    answers = (p.y.sum(1) if p.multilabel else p.y)[first]
    order = np.lexsort((np.random.default_rng(seed).random(len(first)), answers))
    part = np.empty(len(first), int)
    part[order] = np.arange(len(first)) % PARTS  # like frequencies in each, and no class is too rare
    return part[inverse]


def _across(
    x: np.ndarray, y: np.ndarray, n_classes: int, positive: int, tests: Sequence[np.ndarray], tasks: Sequence[FitTask]
) -> tuple[np.ndarray, np.ndarray, FittedModel]:
    """Probabilities and classes of the rows of each fold by the model of its task; and a model of all rows."""
    everything = FitTask(np.arange(len(y)), tasks[0].seed)
    models = fit(load("logistic"), x, y, [*tasks, everything], n_classes, positive=positive)
    proba, predicted = np.empty((len(y), n_classes)), np.empty(len(y), int)
    for test, model in zip(tests, models, strict=False):
        proba[test], predicted[test] = model.predict(x[test])
    return proba, predicted, models[-1]


def _others(group: np.ndarray, test: np.ndarray) -> np.ndarray:
    return np.flatnonzero(~np.isin(group, group[test]))


def _folds(combined: Predictions, first: Run, seconds: float) -> list[FoldScore]:
    """An entry a fold, with the rows of the first run's."""
    folds = []
    for number, before in zip(np.unique(combined.fold), first.metrics.folds, strict=True):
        metrics = single_numbers(combined.take(np.flatnonzero(combined.fold == number)).measure())
        folds.append(FoldScore(before.train_rows, before.fitted_rows, before.test_rows, seconds, {}, {}, None, metrics))
    return folds


def _stem(run: Run) -> str:
    return Path(run.recipe.features.path.split("+")[0]).stem.split(".")[0]


def _recipe(runs: Sequence[Run], method: str) -> dict[str, Any]:
    """The recipe of the first member, with what is another one's or the ensemble's own."""
    first = runs[0].recipe
    samplers = {run.recipe.sampler for run in runs}
    features = FeaturesRecord(
        path="+".join(dict.fromkeys(run.recipe.features.path for run in runs)),
        recipe={"ensemble": [str(run.folder) for run in runs]},
        source=first.features.source,
        identity_digest="",
        kind="ensemble",
        members=[MemberRecord(str(run.folder), run.recipe.head, run.recipe.features) for run in runs],
    )
    return {
        "head": HeadRecord(method, {}),
        "problem": first.problem,
        "split": first.split,
        "seed": first.seed,
        "classes": first.classes,
        "positive": first.positive,
        "rows": first.rows,
        "sampler": samplers.pop() if len(samplers) == 1 else "none",
        "training": FitOptions().as_dict(),
        "model": ModelRecord("what the models of its runs were fitted on", {}, None),
        "ensemble": EnsembleRecord(method, names(runs)),
        "features": features,
    }
