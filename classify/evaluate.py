"""Head and splits -> out-of-fold predictions and their scores."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from classify.data import Data
from classify.fitting.model import FittedModel, fit
from classify.fitting.options import FitOptions
from classify.heads.base import FitTask, Head, X
from classify.records import FoldScore
from classify.runs import Score, single_numbers, summary
from classify.scoring.intervals import bootstrap
from classify.scoring.predictions import Predictions
from classify.splits.folds import Split, shrunk
from stores.shared.errors import InputError


def evaluate(
    data: Data,
    x: X,
    head: Head,
    splits: Sequence[Split],
    training: FitOptions,
    seed: int,
    positive: int,
    report: tuple[int, ...] = (),
    final: bool = False,
) -> tuple[Score, list[FittedModel]]:
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
        positive: of two classes, the one that AUC is about.
        report: epochs after which to note the test rows' probabilities, see ``HeadFitOptions``.
        final: whether a model of all labelled rows (without those of a test store) is fitted along; it comes last.

    Returns:
        the score, and the models.
    """
    notes_losses = bool(report) or (hasattr(head, "epochs") and not getattr(head, "patience", 0))
    tasks = [
        FitTask(train, seed + number, test if notes_losses else None, report=report)
        for number, (train, test) in enumerate(splits)
    ]
    if final:
        rows = np.arange(len(data)) if data.tested is None else np.flatnonzero(~data.tested)
        tasks.append(FitTask(rows, seed))
    start = time.perf_counter()
    models = fit(head, x, data.y, tasks, len(data.classes), training, data.groups, positive)
    seconds = (time.perf_counter() - start) / len(tasks)
    found, folds = [], []
    for number, ((train, test), model) in enumerate(zip(splits, models, strict=False)):
        proba, predicted = model.predict(x, test)
        found.append(_predictions(data, test, number, proba, predicted, positive))
        folds.append(
            FoldScore(
                train_rows=len(train),
                fitted_rows=float(model.fitted.sum()) if not data.multilabel else len(train),
                test_rows=len(test),
                seconds=seconds,
                history=model.heads[0].history_,
                chosen=model.choice.options,
                thresholds=model.choice.thresholds,
                metrics=single_numbers(found[-1].measure()),
            )
        )
    return _score(found, folds, seed), models


def learning_curve(
    data: Data,
    head: Head,
    splits: Sequence[Split],
    shares: Sequence[float],
    training: FitOptions,
    seed: int,
    positive: int,
) -> list[dict]:
    """Scores on the same test rows of models trained on shares of the training rows, JSON-able."""
    curve = []
    for share in shares:
        smaller = [
            (shrunk(train, data.y, data.groups, share, seed + number), test)
            for number, (train, test) in enumerate(splits)
        ]
        score, _ = evaluate(data, data.x, head, smaller, training, seed, positive)
        rows = float(np.mean([len(train) for train, _ in smaller]))
        curve.append({"share": share, "train_rows": rows, "overall": summary(score, data.classes).overall})
    return curve


def at_epochs(
    data: Data, splits: Sequence[Split], models: Sequence[FittedModel], epochs: Sequence[int], seed: int, positive: int
) -> list[dict]:
    """Scores of the test rows after each of ``epochs`` of one training, JSON-able."""
    found = []
    for epoch in epochs:
        predictions, folds = [], []
        for number, ((_, test), model) in enumerate(zip(splits, models, strict=False)):
            own = np.mean([head.reported_[epoch] for head in model.heads], axis=0)
            if len(own) != len(test):
                raise InputError("--report-epochs: a test row has a class that none of its training rows has")
            predictions.append(_predictions(data, test, number, *model.finish(own), positive))
            folds.append(FoldScore(0, 0.0, len(test), 0.0, {}, {}, None, single_numbers(predictions[-1].measure())))
        found.append({"epoch": epoch, "overall": summary(_score(predictions, folds, seed), data.classes).overall})
    return found


def _score(found: Sequence[Predictions], folds: list[FoldScore], seed: int) -> Score:
    arrays = ("line", "group", "fold", "y", "predicted", "proba")
    together = replace(found[0], **{name: np.concatenate([getattr(p, name) for p in found]) for name in arrays})
    return Score(together, folds, together.measure(), bootstrap(together, seed))


def _predictions(
    data: Data, test: np.ndarray, number: int, proba: np.ndarray, predicted: np.ndarray, positive: int
) -> Predictions:
    fold = np.full(len(test), number)
    return Predictions(
        data.classes, positive, data.line[test], data.group_line[test], fold, data.y[test], predicted, proba
    )
