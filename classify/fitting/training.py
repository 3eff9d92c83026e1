"""A head for each fold, fitted on its rows as they are to be sampled and weighted; all choices are made among these."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.sampling import correct_prior, members, sample, synthetic
from classify.fitting.threshold import parse_costs, parse_rule
from classify.heads.base import FitTask, Head, InnerChoice, InnerFit, X, vectors
from classify.heads.common_component import fit_components, remove_components
from classify.scoring.scored import log_loss
from classify.splits.nested import Choice, decide, inner_folds, stopping_rows
from stores.shared.errors import InputError

BLOCK = 8192  # rows at a time


def fit(
    head: Head,
    x: X,
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
        x, y: all rows and their classes, see ``Head``.
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
    problem = _Problem(head, x, y, n_classes, training, groups, positive, key)
    stage = head.progress_.stage
    if not training.looks_inside:
        choices = [Choice({}, None, _fixed_thresholds(problem)) for _ in folds]
    else:
        choices = _look_inside(problem.telling(f"{stage}, options tried on inner folds"), folds)
    chosen = [replace(fold, options=fold.options | c.options) for fold, c in zip(folds, choices, strict=True)]
    plain = _fit_plain(problem.telling(stage), chosen)
    costs = None if training.cost is None else parse_costs(training.cost, classes or [str(c) for c in range(n_classes)])
    fitted = [replace(model, choice=choice, costs=costs) for model, choice in zip(plain, choices, strict=True)]
    return [_with_threshold(model) if y.ndim == 1 and not training.plain else model for model in fitted]


def _with_threshold(model: FittedModel) -> FittedModel:
    """Of two classes that were sampled or weighted: the threshold that is the head's own choice, said as a number."""
    if len(model.real) != 2 or model.choice.thresholds is not None or (model.fitted == model.real).all():
        return model
    undecided = correct_prior(np.array([[0.5, 0.5]]), model.fitted, model.real)
    if model.choice.calibration is not None:
        undecided = model.choice.calibration.apply(undecided)
    return replace(model, choice=replace(model.choice, thresholds=[float(undecided[0, model.positive])]))


@dataclass(frozen=True)
class _Problem:
    """What all folds of one call of ``fit`` share; see there."""

    head: Head
    x: X
    y: np.ndarray
    n_classes: int
    training: FitOptions
    groups: np.ndarray
    positive: int
    key: np.ndarray

    def telling(self, stage: str) -> _Problem:
        """The same problem, whose head tells what it does under this name."""
        progress = replace(self.head.progress_, stage=stage)
        progress.tell(None)
        return replace(self, head=self.head.telling(progress))


def _look_inside(problem: _Problem, folds: Sequence[FitTask]) -> list[Choice]:
    """What the inner folds of each training set choose; those of all of them are fitted at once."""
    x, y, training = problem.x, problem.y, problem.training
    candidates = training.candidates(problem.head)
    try:
        inner = [inner_folds(fold, y, problem.groups, problem.key, problem.n_classes, training) for fold in folds]
    except InputError:
        if training.must_look_inside:
            raise
        thresholds = _fixed_thresholds(problem)
        return [Choice({}, None, thresholds) for _ in folds]  # too few rows to choose by: the head's defaults
    found = None
    if training.plain:
        found = problem.head.choose(x, y, problem.n_classes, inner, candidates)
    if found is None:
        found = _try_all(problem, inner, candidates)
    choices = []
    for fits, choice in zip(inner, found, strict=True):
        held_out = np.concatenate([fit.held_out for fit in fits])
        choices.append(decide(candidates, choice, y[held_out], problem.positive, training))
    return choices


def _try_all(problem: _Problem, inner: Sequence[Sequence[InnerFit]], candidates: Sequence[dict]) -> list[InnerChoice]:
    """Fit every candidate on every inner fold, all of them at once, so that one sweep can serve them."""
    tasks = [
        replace(fit.task, options=fit.task.options | candidate, name=_named(fit.task.name, candidate))
        for fits in inner for candidate in candidates for fit in fits
    ]  # fmt: skip
    models = iter(_fit_plain(problem, tasks))
    found = []
    for fits in inner:
        truth = problem.y[np.concatenate([fit.held_out for fit in fits])]
        probas = [
            np.concatenate([next(models).predict(problem.x, fit.held_out)[0] for fit in fits]) for _ in candidates
        ]
        losses = [log_loss(proba, truth) for proba in probas]
        found.append(InnerChoice(losses, probas[int(np.argmin(losses))]))
    return found


def _named(name: str, candidate: dict) -> str:
    """The name of a fit, with what is tried in it."""
    return ", ".join(filter(None, (name, *(f"{option}={value}" for option, value in candidate.items()))))


def _fixed_thresholds(problem: _Problem) -> list[float] | None:
    """The threshold that was given as a number, one a label; None for none."""
    if problem.training.threshold is None:
        return None
    count = problem.n_classes if problem.y.ndim == 2 else 1
    return [parse_rule(problem.training.threshold).value] * count


def _fit_plain(problem: _Problem, folds: Sequence[FitTask]) -> list[FittedModel]:
    """Fit with sampling and weights, but with nothing left to be chosen."""
    head, x, y, n_classes, training = problem.head, problem.x, problem.y, problem.n_classes, problem.training
    truth = y if y.ndim == 2 else np.eye(n_classes, dtype=np.float32)[y]
    real = [truth[fold.rows].sum(0, dtype=np.float64) for fold in folds]
    if y.ndim == 1 and any((counts > 0).sum() < 2 for counts in real):
        raise InputError("the training rows of a split hold one class only; give a split with two or more")
    if y.ndim == 2 and not all(((0 < c) & (c < len(f.rows))).any() for c, f in zip(real, folds, strict=True)):
        raise InputError("in the training rows of a split each label is on all rows or on none; nothing to learn from")
    count = members(training.sampler)
    tasks, shared = [], []
    for fold, counts in zip(folds, real, strict=True):
        fold = stopping_rows(fold, y, problem.groups, problem.key) if getattr(head, "patience", 0) else fold
        shared.append(_shared(x, fold, training.components))
        if training.class_weight == "balanced":
            each = counts.sum() / np.maximum(counts, 1) / (counts > 0).sum()
            fold = replace(fold, sample_weight=each[y])
        for member in range(count):
            seed = fold.seed + 100_000 * member
            rows = sample(fold.rows, y, training.sampler, seed)
            tasks.append(replace(fold, rows=rows, seed=seed, positive=problem.positive))
    if training.sampler == "smote" or training.components:
        smote = training.sampler == "smote"
        done = [
            _fit_apart(
                head.telling(head.progress_.at(task.name, i, 1, len(tasks))),
                vectors(x), y, task, n_classes, smote, shared[i // count],
            )
            for i, task in enumerate(tasks)
        ]  # fmt: skip
        made, fitted = [head for head, _ in done], [counts for _, counts in done[::count]]
    else:
        fitted = [task.sample_weights(len(y)).astype(np.float64) @ truth for task in tasks[::count]]
        made = head.fit_folds(x, y, n_classes, tasks)
    return [
        FittedModel(made[i * count : (i + 1) * count], fitted[i], real[i], problem.positive, Choice({}), shared[i])
        for i in range(len(folds))
    ]


def _shared(x: X, fold: FitTask, count: int) -> np.ndarray | None:
    """The components that the training rows share, if any are to be taken out."""
    if not count:
        return None
    x = vectors(x)
    return fit_components((x[fold.rows[i : i + BLOCK]] for i in range(0, len(fold.rows), BLOCK)), count)


def _fit_apart(
    head: Head, x: np.ndarray, y: np.ndarray, fold: FitTask, n_classes: int, smote: bool, components: np.ndarray | None
) -> tuple[Head, np.ndarray]:
    """Fit on vectors that are those of this fold alone; and how many rows of each class that was."""

    def own(rows: np.ndarray) -> np.ndarray:
        return x[rows] if components is None else remove_components(x[rows], components)

    head.progress_.tell()
    sample_weight = None if fold.sample_weight is None else fold.sample_weight[fold.rows]
    train_x, train_y = own(fold.rows), y[fold.rows]
    if smote:
        train_x, train_y = synthetic(train_x, train_y, fold.seed)
    validation = None if fold.validation is None else (own(fold.validation), y[fold.validation])
    fitted = head.copy(**fold.options).fit(
        train_x, train_y, n_classes, fold.seed, validation, sample_weight, fold.report, fold.positive
    )
    truth = train_y if y.ndim == 2 else np.eye(n_classes)[train_y]
    return fitted, (truth if sample_weight is None else truth * sample_weight[:, None]).sum(0, dtype=np.float64)
