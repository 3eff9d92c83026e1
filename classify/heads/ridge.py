"""``ridge``: least squares on classes, whose outputs are turned into probabilities on held-out rows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from classify.heads._sklearn import CalibratedHead, Estimator
from stores.shared.errors import InputError


@dataclass
class RidgeHead(CalibratedHead):
    """Ridge regression of the classes as -1 and 1, on standardised vectors or TF-IDF, with Platt's sigmoid.

    The sigmoid is fitted on outputs for training rows that were held out by three folds; the regression itself is
    fitted on all training rows.

    Options:
        alpha: strength of the L2 penalty, above 0; chosen on inner folds unless it is given.
    """

    name = "ridge"
    grid: ClassVar[dict[str, tuple]] = {"alpha": (1.0, 10.0, 100.0, 1000.0, 10000.0)}
    alpha: float = 1000.0

    def __post_init__(self) -> None:
        if not self.alpha > 0:
            raise InputError(f"head ridge: alpha={self.alpha:g} is not above 0")

    def grid_of(self, kind: str) -> dict[str, tuple]:
        """As ``Head.grid_of``: weaker penalties on words, whose rows have length 1."""
        return {"alpha": (0.1, 1.0, 10.0)} if kind == "ids" else self.grid

    def _machine(self, seed: int) -> Estimator:
        from sklearn.linear_model import RidgeClassifier

        return RidgeClassifier(alpha=self.alpha, random_state=seed)
