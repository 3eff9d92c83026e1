"""How new rows differ from those that a run was trained on: lengths, empty texts, unknown words, features."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from classify import heads
from classify.data import matrix
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.runs import Run
from classify.scoring.auc import areas
from classify.sources import opened
from classify.typed_json import Jsonable
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError

SAMPLE = 2000  # rows of each table that are told apart by their features
FOLDS = 5
FEW = 20  # rows of a table, under which nothing is told apart


@dataclass(frozen=True)
class Drift(Jsonable):
    """New rows against those of the training table; None where one of the two is not known.

    Attributes:
        median_words: of a text, trained on and new.
        empty: share of texts without a word, trained on and new.
        unknown: share of the words that the encoder does not know, trained on and new, where it counts them.
        features_auc: how well a logistic regression tells new rows from those trained on, by their features (classifier
            two-sample test; Lopez-Paz, Oquab 2017): 0.5 is not at all, 1 is for certain.
        missing: why something is None.
    """

    median_words: tuple[float, float] | None
    empty: tuple[float, float] | None
    unknown: tuple[float, float] | None
    features_auc: float | None
    missing: str = ""


def measure_drift(run: Run, stores: Sequence[FeatureStore], rows: np.ndarray) -> Drift:
    """How ``rows`` of ``stores`` differ from the rows that the run was trained on."""
    trained = run.recipe.features
    parts = trained.joined or [trained]
    try:
        with opened(parts[0]) as first:
            old, new = _words(first, np.arange(len(first))), _words(stores[0], rows)
            lengths = None if old is None or new is None else (float(np.median(old)), float(np.median(new)))
            empty = None if old is None or new is None else (float((old == 0).mean()), float((new == 0).mean()))
            unknown = _pair(_unknown(first), _unknown(stores[0]))
            if first.kind != "pooled" or min(len(first), len(rows)) < FEW:
                return Drift(lengths, empty, unknown, None, "vectors of more rows are needed to compare features")
            chosen = _sample(np.arange(len(first)), 0), _sample(rows, 1)
        before = []
        for part in parts:
            with opened(part) as store:
                before.append(matrix(store.take(chosen[0])))
        after = [matrix(store.take(chosen[1])) for store in stores]
        return Drift(lengths, empty, unknown, told_apart(np.hstack(before), np.hstack(after)))
    except (InputError, FailureError) as error:
        return Drift(None, None, None, None, str(error))


def told_apart(before: np.ndarray, after: np.ndarray, seed: int = 0) -> float:
    """ROC-AUC, out of fold, of a logistic regression that is to tell the rows of two matrices apart.

    Args:
        before, after: float32 ``[n, D]`` and ``[m, D]``.
        seed: of the folds.
    """
    x = np.concatenate([before, after])
    y = np.repeat([0, 1], [len(before), len(after)])
    part = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    tasks = [FitTask(np.flatnonzero(part != number), number) for number in range(FOLDS)]
    proba = np.empty(len(y))
    for number, model in enumerate(fit(heads.parse("logistic:C=0.01"), x, y, tasks, 2)):
        test = np.flatnonzero(part == number)
        proba[test] = model.predict(x[test])[0][:, 1]
    return float(areas(y == 1, proba, np.zeros(len(y), int), np.ones((1, len(y))))[0, 0])


def _sample(rows: np.ndarray, seed: int) -> np.ndarray:
    if len(rows) <= SAMPLE:
        return rows
    return np.sort(np.random.default_rng(seed).choice(rows, SAMPLE, replace=False))


def _words(store: FeatureStore, rows: np.ndarray) -> np.ndarray | None:
    """Int ``[n]``: words of each text; None where the store keeps none."""
    if store.texts is None:
        return None
    texts = list(store.texts[:])
    return np.array([len(str(texts[row]).split()) for row in rows])


def _unknown(store: FeatureStore) -> float | None:
    """Share of the words of all texts that the encoder did not know."""
    tokens, unknown = store.totals.get("tokens"), store.totals.get("unknown_tokens")
    return unknown / tokens if tokens and unknown is not None else None


def _pair(a: float | None, b: float | None) -> tuple[float, float] | None:
    return None if a is None or b is None else (a, b)
