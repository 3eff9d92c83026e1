"""How new rows differ from those that a run was trained on: lengths, empty texts, unknown words, features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np

from classify import heads
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.runs import Run
from classify.scoring.auc import areas
from classify.sources import opened
from classify.typed_json import Jsonable
from stores.features import Features
from stores.reader import FeatureStore
from stores.shared.errors import FailureError, InputError

SAMPLE = 2000  # rows of each table that are told apart by their features
FOLDS = 5
ROUNDING = 1e-4  # of its length: how far the vectors of one text lie apart, encoded twice
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


def measure_drift(run: Run, given: Mapping[str, FeatureStore], rows: np.ndarray) -> Drift:
    """How ``rows`` of stores differ from the rows that the run was trained on.

    Args:
        run: finished.
        given: digest of an identity -> the store of the new rows; those that have no counterpart among the stores that
            the run was trained on are not compared.
        rows: int ``[n]``.
    """
    trained = {part.identity_digest: part for part in run.recipe.features.stores(test=False)}
    pairs = [(part, given[digest]) for digest, part in trained.items() if digest in given]
    if not pairs:
        return Drift(None, None, None, None, "the run was trained on a store that joins these; join them, too")
    try:
        with ExitStack() as stack:
            both = [(stack.enter_context(opened(part)), new) for part, new in pairs]
            old, new = both[0]
            before, after = _words(old, np.arange(len(old))), _words(new, rows)
            words = None if before is None or after is None else (before, after)
            lengths = None if words is None else (float(np.median(words[0])), float(np.median(words[1])))
            empty = None if words is None else (float((words[0] == 0).mean()), float((words[1] == 0).mean()))
            unknown = _pair(_unknown(old), _unknown(new))
            vectors = [(a, b) for a, b in both if a.kind == "pooled" and len(a) == len(old)]
            if not vectors:
                why = f"{old.kind} features are compared by lengths and unknown words; vectors of a text more closely"
                return Drift(lengths, empty, unknown, None, why)
            if min(len(old), len(rows)) < FEW:
                return Drift(lengths, empty, unknown, None, f"to compare features takes {FEW} rows on both sides")
            chosen = _sample(np.arange(len(old)), 0), _sample(rows, 1)
            x, other = (np.hstack([pair[side].take(chosen[side]).matrix() for pair in vectors]) for side in (0, 1))
        return Drift(lengths, empty, unknown, told_apart(x, other))
    except (InputError, FailureError) as error:
        return Drift(None, None, None, None, str(error))


class SampledRows:
    """Some of the rows that are predicted, each as likely, however many there are: those of the least keys.

    A key is a function of the number of the row alone, so that the sample is the same after an interruption.

    Attributes:
        rows: how many were seen.
        texts: of the sampled rows; of those whose vectors are not known.
        vectors: float32 ``[m, D]``, of the others; None while there are none.
    """

    def __init__(self) -> None:
        self.rows = 0
        self._key = np.empty(0, np.uint64)
        self._kept: list[np.ndarray | str] = []

    def add(self, texts: Sequence[str], vectors: np.ndarray | None) -> None:
        """Take in a block of rows with their vectors, ``[n, D]``; None: they were predicted by an earlier process."""
        numbers = np.arange(self.rows, self.rows + len(texts), dtype=np.uint64)
        self.rows += len(texts)
        key = np.concatenate([self._key, _mixed(numbers)])
        chosen = np.sort(np.argsort(key, kind="stable")[:SAMPLE])
        old = len(self._key)
        kept: list[np.ndarray | str] = []
        for place in chosen.tolist():
            if place < old:
                kept.append(self._kept[place])
            else:
                kept.append(texts[place - old] if vectors is None else np.array(vectors[place - old], np.float32))
        self._key, self._kept = key[chosen], kept

    @property
    def texts(self) -> list[str]:
        """Of sampled rows without vectors."""
        return [each for each in self._kept if isinstance(each, str)]

    @property
    def vectors(self) -> np.ndarray | None:
        """float32 ``[m, D]``: of the other sampled rows."""
        found = [each for each in self._kept if isinstance(each, np.ndarray)]
        return np.stack(found) if found else None


def drift_of(run: Run, vectors: np.ndarray | None) -> tuple[float | None, str]:
    """How well new rows are told from those that the run was trained on, see ``Drift.features_auc``; or why not known.

    Args:
        run: finished.
        vectors: float32 ``[m, D]``, see ``vectors_of``; None if there are none.
    """
    if vectors is None or len(vectors) < FEW:
        return None, "too few rows" if vectors is not None else "no vectors"
    trained = {part.identity_digest: part for part in run.recipe.features.stores(test=False)}
    try:
        with ExitStack() as stack:
            stores = [stack.enter_context(opened(part)) for part in trained.values()]
            pooled = [store for store in stores if store.kind == "pooled" and len(store) == len(stores[0])]
            rows = _sample(np.arange(len(stores[0])), 0)
            before = np.hstack([store.take(rows).matrix() for store in pooled]) if pooled else np.empty((0, 0))
    except (InputError, FailureError) as error:
        return None, f"the rows that the run was trained on are not here: {str(error).partition('; ')[0]}"
    if len(before) < FEW or before.shape[1] != vectors.shape[1]:
        return None, "too few rows were trained on" if len(before) < FEW else "its vectors have another width"
    return told_apart(before, vectors), ""


def vectors_of(features: Sequence[Features]) -> np.ndarray | None:
    """float32 ``[n, D]``: the vectors of some rows by all encoders that give one a text, side by side."""
    pooled = [each.matrix() for each in features if each.kind == "pooled"]
    return np.hstack(pooled).astype(np.float32, copy=False) if pooled else None


def _mixed(numbers: np.ndarray) -> np.ndarray:
    """uint64 ``[n]``: a number for each that looks as if it were drawn (Steele, Lea, Flood 2014, splitmix64)."""
    with np.errstate(over="ignore"):
        z = (numbers + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


def told_apart(before: np.ndarray, after: np.ndarray, seed: int = 0) -> float:
    """ROC-AUC, out of fold, of a logistic regression that is to tell the rows of two matrices apart.

    What is in both is in one fold: 0.5 for the same rows once more. A model that knew such a row as one of the other
    matrix would take it for that, and the area be far below 0.5.

    Args:
        before, after: float32 ``[n, D]`` and ``[m, D]``.
        seed: of the folds.
    """
    x = np.concatenate([before, after])
    y = np.repeat([0, 1], [len(before), len(after)])
    part = np.random.default_rng(seed).permutation(len(y)) % FOLDS
    alike = _alike(x)
    share = np.bincount(alike, y) / np.bincount(alike)  # [groups]: of their rows, those of the second matrix
    first = np.unique(alike, return_index=True)[1]
    part = np.where(((share > 0) & (share < 1))[alike], part[first][alike], part)
    tasks = [FitTask(np.flatnonzero(part != number), number) for number in range(FOLDS)]
    tasks = [task for task in tasks if 0 < y[task.rows].sum() < len(task.rows) < len(y)]
    proba = np.full(len(y), 0.5)  # stays where all rows of one matrix are in the fold
    for task, model in zip(tasks, fit(heads.parse("logistic:C=0.01"), x, y, tasks, 2), strict=True):
        test = np.flatnonzero(part == task.seed)
        proba[test] = model.predict(x[test])[0][:, 1]
    return float(areas(y == 1, proba)[0])


def _alike(x: np.ndarray) -> np.ndarray:
    """int ``[n]``: the number of the group of each row; rows of a group are the same but for rounding.

    Such rows are neighbours when all are sorted along a direction that was drawn.
    """
    direction = np.random.default_rng(0).standard_normal(x.shape[1])
    key = x @ (direction / np.linalg.norm(direction))
    order = np.argsort(key, kind="stable")
    reach = ROUNDING * np.linalg.norm(x[order], axis=1)[1:]
    same = np.diff(key[order]) <= reach  # |d x| <= |x| for a direction d of length 1
    place = np.flatnonzero(same)
    apart = np.linalg.norm(x[order[place + 1]] - x[order[place]], axis=1)
    same[place] = apart <= reach[place]
    group = np.empty(len(x), int)
    group[order] = np.concatenate([[0], np.cumsum(~same)])
    return group


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
