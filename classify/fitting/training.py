"""A head for each fold, fitted on its rows as they are to be sampled and weighted; all choices are made among these."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import replace

import numpy as np

from classify.fitting.columns import ColumnParts
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.plain_fit import Problem, fit_plain
from classify.fitting.sampling import correct_prior
from classify.fitting.threshold import parse_costs, parse_rule
from classify.heads.base import FitTask, Head, InnerChoice, InnerFit, X
from classify.splits.folds import shrunk
from classify.splits.nested import Choice, InnerScores, decide, inner_folds
from stores.shared.errors import InputError


def fit(
    head: Head,
    x: X | ColumnParts,
    y: np.ndarray,
    folds: Sequence[FitTask],
    n_classes: int,
    training: FitOptions | None = None,
    groups: np.ndarray | None = None,
    positive: int = 1,
    key: np.ndarray | None = None,
    classes: list[str] | None = None,
) -> list[FittedModel]:
    """A copy of ``head`` for each fold, fitted on its rows; all choices are made among these.

    Args:
        head: untrained.
        x, y: all rows and their classes, see ``Head``; parts of columns are made columns by what is fitted on the rows
            of each fold.
        folds: what each copy learns from.
        n_classes: C.
        training: how; a plain fit if None.
        groups: int ``[n]``, equal for rows that inner folds must not part; each row by itself if None.
        positive: of two classes, the one that a threshold is about.
        key: uint64 ``[n]``, what inner folds are drawn from, see ``classify.splits.folds``; the row numbers if None.
        classes: names of the classes, for costs.

    Raises:
        InputError: if the rows of a fold hold one class only.
    """
    training = training or FitOptions()
    groups = np.arange(len(y)) if groups is None else groups
    key = np.arange(len(y), dtype=np.uint64) if key is None else key
    problem = Problem(head, x, y, n_classes, training, groups, positive, key)
    stage = head.progress_.stage
    if not training.looks_inside:
        choices = [Choice({}, None, _fixed_thresholds(problem)) for _ in folds]
    else:
        choices = _look_inside(problem.telling(f"{stage}, options tried on inner folds"), folds)
    chosen = [replace(fold, options=fold.options | c.options) for fold, c in zip(folds, choices, strict=True)]
    plain = fit_plain(problem.telling(stage), chosen)
    costs = None if training.cost is None else parse_costs(training.cost, classes or [str(c) for c in range(n_classes)])
    fitted = [replace(model, choice=choice, costs=costs) for model, choice in zip(plain, choices, strict=True)]
    return [_with_threshold(model) if y.ndim == 1 else model for model in fitted]


def _with_threshold(model: FittedModel) -> FittedModel:
    """Of two classes whose probabilities are changed: the threshold that is the head's own choice, said as a number."""
    if len(model.real) != 2 or model.rule != "head":
        return model
    undecided = correct_prior(np.array([[0.5, 0.5]]), model.fitted, model.real)
    if model.choice.calibration is not None:
        undecided = model.choice.calibration.apply(undecided)
    return replace(model, choice=replace(model.choice, thresholds=[float(undecided[0, model.positive])]))


def _look_inside(problem: Problem, folds: Sequence[FitTask]) -> list[Choice]:
    """What the inner folds of each training set choose; those of all of them are fitted at once."""
    x, y, training = problem.x, problem.y, problem.training
    candidates = training.candidates(problem.head)
    try:
        inner = _inner_folds_of_all(problem, folds)
    except InputError:
        if training.must_look_inside:
            raise
        thresholds = _fixed_thresholds(problem)
        return [Choice({}, None, thresholds) for _ in folds]  # too few rows to choose by: the head's defaults
    found = None
    if training.plain and not isinstance(x, ColumnParts):
        found = problem.head.choose(x, y, problem.n_classes, inner, candidates)
    if found is None:
        found = _try_all(problem, inner, candidates)
    choices = []
    for fits, choice in zip(inner, found, strict=True):
        held_out = np.concatenate([fit.held_out for fit in fits])
        learned = float(np.mean([len(fit.task.rows) for fit in fits]))
        made = decide(candidates, choice, y[held_out], problem.positive, training)
        choices.append(replace(made, inner=InnerScores(held_out, choice.proba, learned, len(fits))))
    return choices


def _inner_folds_of_all(problem: Problem, folds: Sequence[FitTask]) -> list[list[InnerFit]]:
    """Those of each training set, equally many; the fewest that were asked for where one has too few texts of a class.

    Raises:
        InputError: if there are too few for these, too.
    """
    fewest = problem.training.fewest_inner
    if fewest is not None and fewest < problem.training.inner:
        with suppress(InputError):
            return [_inner_folds(problem, fold) for fold in folds]
        problem = replace(problem, training=replace(problem.training, inner=fewest))
    return [_inner_folds(problem, fold) for fold in folds]


def _inner_folds(problem: Problem, fold: FitTask) -> list[InnerFit]:
    """The inner folds of a training set; where options alone are to be chosen, of as many rows as the head needs."""
    y, groups, key, n_classes, training = problem.y, problem.groups, problem.key, problem.n_classes, problem.training
    most = problem.head.choice_rows(problem.x)
    if most is not None and most < len(fold.rows) and training.threshold is None and training.calibrate == "none":
        fewer = replace(fold, rows=shrunk(fold.rows, y, groups, most / len(fold.rows), fold.seed, key))
        with suppress(InputError):  # too few rows are left of some class
            return inner_folds(fewer, y, groups, key, n_classes, training)
    return inner_folds(fold, y, groups, key, n_classes, training)


def _try_all(problem: Problem, inner: Sequence[Sequence[InnerFit]], candidates: Sequence[dict]) -> list[InnerChoice]:
    """Fit every candidate on every inner fold, all of them at once, so that one sweep can serve them."""
    tasks = [
        replace(fit.task, options=fit.task.options | candidate, name=_named(fit.task.name, candidate))
        for fits in inner for candidate in candidates for fit in fits
    ]  # fmt: skip
    models = iter(fit_plain(problem, tasks))
    found = []
    for fits in inner:
        truth = problem.y[np.concatenate([fit.held_out for fit in fits])]
        probas = [
            np.concatenate([next(models).predict(problem.x, fit.held_out)[0] for fit in fits]) for _ in candidates
        ]
        found.append(InnerChoice.of(probas, truth))
    return found


def _named(name: str, candidate: dict) -> str:
    """The name of a fit, with what is tried in it."""
    return ", ".join(filter(None, (name, *(f"{option}={value}" for option, value in candidate.items()))))


def _fixed_thresholds(problem: Problem) -> list[float] | None:
    """The threshold that was given as a number, one a label; None for none."""
    if problem.training.threshold is None:
        return None
    count = problem.n_classes if problem.y.ndim == 2 else 1
    return [parse_rule(problem.training.threshold).value] * count
