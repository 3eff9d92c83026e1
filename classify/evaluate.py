"""Head and splits -> out-of-fold predictions and their scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.data import Data
from classify.fitting.columns import ColumnParts
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads._fit_progress import FitProgress
from classify.heads._spared import spared
from classify.heads.base import FitTask, Head, X
from classify.metrics_json import EpochPoint, FoldScore, LearningPoint
from classify.runs import Score, single_numbers, summary
from classify.scoring.intervals import intervals
from classify.scoring.kept import assumed_gains, expected_gains, extended, remark
from classify.scoring.predictions import Predictions
from classify.splits.folds import Split, shrunk
from stores.shared.errors import FailureError, InputError


@dataclass(frozen=True)
class Evaluation:
    """How a head did, and its models.

    Attributes:
        score: of the test rows of all splits.
        models: of each split, fitted on its training rows.
        kept: fitted on all labelled rows that are not of a test store; that of the last split if it was not asked for.
    """

    score: Score
    models: list[FittedModel]
    kept: FittedModel

    @property
    def notes(self) -> list[str]:
        """What the heads have to say, each sentence once."""
        models = [*self.models, self.kept]
        return list(dict.fromkeys(note for model in models for head in model.heads for note in head.notes_))


def evaluate(
    data: Data,
    x: X | ColumnParts,
    head: Head,
    splits: Sequence[Split],
    training: FitOptions,
    *,
    seed: int,
    positive: int,
    report: tuple[int, ...] = (),
    keep: bool = False,
    progress: FitProgress | None = None,
) -> Evaluation:
    """Fit a head on the training rows of each split and score it on the test rows.

    Everything that is fitted (scaler, terms, TF-IDF weights, sampler, options, threshold, head) is fitted inside the
    split.

    Args:
        data: the rows.
        x: what the head sees of them.
        head: untrained.
        splits: training and test rows.
        training: how to fit.
        seed: split ``i`` is fitted with ``seed + i``.
        positive: of two classes, the one that scores of the positive class are about.
        report: epochs after which to note the test rows' probabilities, see ``HeadFitOptions``.
        keep: whether a model of all labelled rows is fitted along, in the same pass over them.
        progress: told how far it is; its ``stage`` is the name of what is evaluated.
    """
    progress = progress or FitProgress()
    notes_losses = bool(report) or (hasattr(head, "epochs") and not getattr(head, "patience", 0))
    tasks = [
        FitTask(train, seed + number, test if notes_losses else None, report=report,
                name=f"fold {number + 1} of {len(splits)}")
        for number, (train, test) in enumerate(splits)
    ]  # fmt: skip
    if keep:
        rows = np.arange(len(data)) if data.tested is None else np.flatnonzero(~data.tested)
        tasks.append(FitTask(rows, seed, name="the model of all rows"))
    start, before = time.perf_counter(), spared()
    models = fit(
        head.telling(progress),
        x,
        data.y,
        tasks,
        len(data.classes),
        training,
        data.groups,
        positive,
        data.key,
        data.classes,
    )
    seconds = (time.perf_counter() - start + spared() - before) / len(tasks)
    predictions, folds = [], []
    for number, ((train, test), model) in enumerate(zip(splits, models, strict=False)):
        progress.tell(None, f"predictions for fold {number + 1} of {len(splits)}")
        try:
            proba, predicted = model.predict(x, test)
        except FailureError as error:
            raise FailureError(f"fold {number + 1}: {error}") from error
        predictions.append(_predictions(data, test, number, proba, predicted, positive, model.rule))
        folds.append(
            FoldScore(
                train_rows=len(train),
                fitted_rows=float(model.fitted.sum()) if not data.multilabel else len(train),
                test_rows=len(test),
                seconds=seconds,
                history=model.heads[0].history_,
                chosen=model.choice.options,
                thresholds=model.choice.thresholds,
                metrics=single_numbers(predictions[-1].measure()),
                train_classes=model.real.tolist(),
                fitted_classes=model.fitted.tolist(),
            )
        )
    progress.tell(None, "scores and their intervals")
    known = 0.0 if head.name == "majority" else data.directions_of(x)
    score = _score(predictions, folds, seed, known * _tested(data, splits) ** 2)
    if keep and data.tested is None and _tested(data, splits) == 1:
        score = with_gains(score, data.y, models[: len(splits)], float(np.mean([len(train) for train, _ in splits])))
    return Evaluation(score, models[: len(splits)], models[-1])


def learning_curve(
    data: Data,
    head: Head,
    splits: Sequence[Split],
    shares: Sequence[float],
    training: FitOptions,
    *,
    seed: int,
    positive: int,
    progress: FitProgress | None = None,
) -> list[LearningPoint]:
    """Scores on the same test rows of models trained on shares of the training rows."""
    curve = []
    progress = progress or FitProgress()
    for share in shares:
        told = replace(progress, stage=f"{progress.stage}, {share:.0%} of the training rows")
        smaller = [
            (shrunk(train, data.y, data.groups, share, seed + number, data.key), test)
            for number, (train, test) in enumerate(splits)
        ]
        score = evaluate(data, data.x, head, smaller, training, seed=seed, positive=positive, progress=told).score
        rows = float(np.mean([len(train) for train, _ in smaller]))
        curve.append(LearningPoint(share, rows, summary(score, data.classes).overall))
    return curve


def at_epochs(
    data: Data,
    splits: Sequence[Split],
    models: Sequence[FittedModel],
    epochs: Sequence[int],
    *,
    seed: int,
    positive: int,
) -> list[EpochPoint]:
    """Scores of the test rows after each of ``epochs`` of one training."""
    points = []
    for epoch in epochs:
        predictions, folds = [], []
        for number, ((_, test), model) in enumerate(zip(splits, models, strict=True)):
            own = np.mean([head.reported_[epoch] for head in model.heads], axis=0)
            if len(own) != len(test):
                raise InputError("`epochs`: a test row has a class that none of its training rows has")
            predictions.append(_predictions(data, test, number, *model.finish(own), positive, model.rule))
            folds.append(FoldScore(0, 0.0, len(test), 0.0, {}, {}, None, single_numbers(predictions[-1].measure())))
        points.append(
            EpochPoint(
                epoch, summary(_score(predictions, folds, seed, data.directions_of(data.x)), data.classes).overall
            )
        )
    return points


def _score(predictions: Sequence[Predictions], folds: list[FoldScore], seed: int, directions: float) -> Score:
    arrays = ("row", "line", "group", "fold", "y", "predicted", "proba", "rule")
    whole = {name: np.concatenate([getattr(p, name) for p in predictions]) for name in arrays}
    together = Predictions(classes=predictions[0].classes, positive=predictions[0].positive, **whole)
    if (whole["rule"] == "probability").all():
        together = replace(together, rule=None)
    found = intervals(together, seed, directions)
    return Score(together, folds, together.measure(), found.found, found.remarks, directions)


def with_gains(score: Score, y: np.ndarray, models: Sequence[FittedModel], learned: float) -> Score:
    """The score with intervals that hold the model of all rows, too, see ``classify.scoring.kept``.

    Args:
        score: of the folds, all rows of ``y`` being tested.
        y: the classes of all rows.
        models: of the folds.
        learned: mean number of rows that they have learned from.
    """
    inner = [found for model in models if (found := model.on_inner_folds()) is not None]
    known = len(inner) == len(models)
    gains = expected_gains(score.predictions, y, inner, learned, len(y)) if known else {}
    remarks = [*score.remarks, *remark(score.interval, gains)]
    gains = gains if known else assumed_gains(score.predictions, score.interval)
    return replace(score, interval=extended(score.interval, gains), remarks=remarks)


def _tested(data: Data, splits: Sequence[Split]) -> float:
    """Share of the rows that are tested.

    The luck of training does not depend on how many rows are tested, that of testing does; so of a small hold-out the
    directions count less: a d / n times the tested share, squared, keeps the first what it is.
    """
    return len(np.unique(np.concatenate([test for _, test in splits]))) / len(data)


def _predictions(
    data: Data, test: np.ndarray, number: int, proba: np.ndarray, predicted: np.ndarray, positive: int, rule: str
) -> Predictions:
    place = data.row[test], data.line[test], data.group_row[test], np.full(len(test), number)
    rules = np.full(len(test), rule, object)
    return Predictions(data.classes, positive, *place, data.y[test], predicted, proba, rules)
