"""``majority``: knows the class frequencies of the training rows and nothing else. What any head must beat."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify.heads.base import FitTask, Head, HeadFitOptions, X


@dataclass
class MajorityHead(Head):
    """Every text gets the class frequencies of the training rows as its probabilities."""

    name = "majority"
    kinds = frozenset({"pooled", "ids", "tokens"})

    def fit_folds(self, x: X, y: np.ndarray, n_classes: int, folds: Sequence[FitTask]) -> list[Head]:
        """As ``Head.fit_folds``; the features, which nobody looks at, are not copied."""
        return super().fit_folds(np.empty((len(x), 0)), y, n_classes, folds)

    def _fit(self, x: X, y: np.ndarray, how: HeadFitOptions) -> None:
        truth = y if self.multilabel_ else np.eye(len(self.seen_classes_))[y]
        self.prior_ = np.average(truth, 0, how.sample_weight)

    def _predict_proba(self, x: X) -> np.ndarray:
        return np.tile(self.prior_, (len(x), 1))

    def _save(self, folder: Path) -> None:
        (folder / "prior.json").write_text(json.dumps(self.prior_.tolist()), encoding="utf-8")

    def _load(self, folder: Path) -> None:
        self.prior_ = np.array(json.loads((folder / "prior.json").read_text(encoding="utf-8")))
