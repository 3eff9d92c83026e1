"""Out-of-fold predictions and a coverage -> sets of classes that hold the true one that often; more than one: abstain.

Split-conformal prediction (Vovk, Gammerman, Shafer 2005; Angelopoulos, Bates 2023, "Conformal Prediction: A Gentle
Introduction", section 1) with the score 1 - p(true class). The scores are those of rows that the models had not seen;
the model that is kept was trained on somewhat more rows, so that its sets hold the true class at least about as often.
What is promised holds on average over rows like those of the table, not for every kind of row.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from classify.runs import Run
from classify.scoring.predictions import Predictions
from stores.shared.errors import InputError

ABSTAIN = "abstain"
ROUNDED = 1e-6  # probabilities are printed to six digits


@dataclass(frozen=True)
class ConformalSets:
    """From which probability on a class is in the set.

    Attributes:
        classes: names.
        least: float ``[C]``, the least probability of each class that puts it into the set; below 0 where too few rows
            are known, so that the class is always in it.
        coverage: how often the true class is to be in the set.
    """

    classes: list[str]
    least: np.ndarray
    coverage: float

    @classmethod
    def of_run(cls, run: Run, coverage: float, by_class: bool = False) -> ConformalSets:
        """From the out-of-fold predictions of a run.

        Args:
            run: finished.
            coverage: between 0 and 1.
            by_class: whether the coverage is to hold for each class by itself.

        Raises:
            InputError: for a coverage that is none, or a run with several labels a row.
        """
        if not 0 < coverage < 1:
            raise InputError(f"`coverage={coverage}`: give a number between 0 and 1, such as 0.95")
        if run.recipe.multilabel:
            raise InputError("`coverage`: a run with several labels a row has no sets of classes")
        return cls.fit(run.predictions(), coverage, by_class)

    @classmethod
    def fit(cls, predictions: Predictions, coverage: float, by_class: bool = False) -> ConformalSets:
        """From out-of-fold predictions; of repeated folds the first of each row counts."""
        p = predictions.take(np.flatnonzero(predictions.repeat == 0))
        own = p.proba[np.arange(len(p)), p.y]
        width = len(p.classes)
        parts = [own[p.y == c] for c in range(width)] if by_class else [own] * width
        return cls(p.classes, np.array([_least(part, coverage) for part in parts]), coverage)

    def sets(self, proba: np.ndarray) -> np.ndarray:
        """Bool ``[n, C]``: which classes are in the set of each row; ``proba`` ``[n, C]``."""
        return np.asarray(proba) >= self.least - ROUNDED

    def add(self, results: Iterable[dict[str, Any]]) -> Iterator[dict[str, Any]]:
        """The results of a predictor with ``set`` (classes with ``|`` between) and ``answer`` after the prediction.

        The answer is the class where the set has one, else ``abstain``. An empty text has neither.
        """
        for result in results:
            proba = [result[f"p_{name}"] for name in self.classes]
            names: list[str] | None = None
            if None not in proba:
                inside = self.sets(np.array([proba], float))[0]
                names = [name for name, there in zip(self.classes, inside, strict=True) if there]
            answer = None if names is None else names[0] if len(names) == 1 else ABSTAIN
            yield _after(result, "predicted", {"set": None if names is None else "|".join(names), "answer": answer})


def _least(own: np.ndarray, coverage: float) -> float:
    """The probability that the true class has in at least ``coverage`` of rows: the k-th largest, k of n + 1.

    With n rows, k = ceil((n + 1) coverage); more than n: there are too few rows to promise anything.
    """
    rank = math.ceil((len(own) + 1) * coverage)
    return -1.0 if rank > len(own) else float(np.sort(own)[::-1][rank - 1])


def _after(result: dict[str, Any], key: str, more: dict[str, Any]) -> dict[str, Any]:
    """``more`` behind ``key``."""
    out: dict[str, Any] = {}
    for name, value in result.items():
        out[name] = value
        if name == key:
            out |= more
    return out
