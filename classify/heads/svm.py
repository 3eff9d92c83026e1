"""``svm``: a linear support vector machine, whose margins are turned into probabilities on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from classify.heads._sklearn import CalibratedHead, Estimator


@dataclass
class SvmHead(CalibratedHead):
    """Linear support vector machine on standardised vectors or TF-IDF, with Platt's sigmoid for probabilities.

    The sigmoid is fitted on margins of training rows that were held out by three folds; the machine itself is fitted on
    all training rows.

    Options:
        C: inverse strength of the L2 penalty, above 0; chosen on inner folds unless it is given.
    """

    name = "svm"
    grid: ClassVar[dict[str, tuple]] = {"C": (0.001, 0.01, 0.1)}
    C: float = 0.01

    def grid_of(self, kind: str) -> dict[str, tuple]:
        """As ``Head.grid_of``: weaker penalties on words."""
        return {"C": (0.1, 1.0, 10.0)} if kind == "ids" else self.grid

    def _machine(self, seed: int) -> Estimator:
        from sklearn.svm import LinearSVC

        return LinearSVC(C=self.C, random_state=seed, dual="auto", max_iter=5000)
