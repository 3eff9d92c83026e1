"""Probabilities -> probabilities that come true as often as they say, learned from predictions of unseen rows.

``sigmoid`` is Platt's (1999, "Probabilistic Outputs for Support Vector Machines"), on the logit of the probability;
``isotonic`` is Zadrozny and Elkan's (2002, "Transforming Classifier Scores into Accurate Multiclass Probability
Estimates"). Of more than two classes each is calibrated against the rest, and the rows are scaled to sum 1.
``temperature`` is one number for all classes, by which their logits are divided (Guo et al. 2017, "On Calibration of
Modern Neural Networks"): it changes how sure the probabilities are, and no decision.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classify.scoring.scored import log_loss

KINDS = ("sigmoid", "isotonic", "temperature")
ISOTONIC_ROWS = 1000  # of each class, below which its steps follow chance
EPS = 1e-12


@dataclass(frozen=True)
class Calibration:
    """What was learned.

    Attributes:
        kind: ``sigmoid``, ``isotonic`` or ``temperature``.
        curves: one a class: slope and intercept for ``sigmoid``; probabilities before and after for ``isotonic``, which
            is linear between them. Of two classes only the second has one.
        multilabel: whether the classes are labels, each with a probability of its own.
    """

    kind: str
    curves: list[tuple[list[float], list[float]]]
    multilabel: bool

    @classmethod
    def fit(cls, kind: str, proba: np.ndarray, y: np.ndarray) -> Calibration:
        """Learn from probabilities ``[n, C]`` of rows that the model had not seen, and their classes (see ``Head``)."""
        multilabel = y.ndim == 2
        if kind == "temperature":
            return cls(kind, [([_temperature(proba, y)], [])], multilabel)
        truth = y if multilabel else np.eye(proba.shape[1])[y]
        columns = [1] if not multilabel and proba.shape[1] == 2 else range(proba.shape[1])
        return cls(kind, [_curve(kind, proba[:, c], truth[:, c]) for c in columns], multilabel)

    @classmethod
    def from_dict(cls, state: dict) -> Calibration:
        """What ``dataclasses.asdict`` wrote; runs of version 0.1 call ``multilabel`` ``several``."""
        multilabel = state["several"] if "several" in state else state["multilabel"]
        return cls(state["kind"], state["curves"], multilabel)

    @property
    def increasing(self) -> bool:
        """Whether what was more probable before is so afterwards; a sigmoid of a head that errs turns them round."""
        return self.kind != "sigmoid" or all(slope > 0 for (slope,), _ in self.curves)

    def apply(self, proba: np.ndarray) -> np.ndarray:
        """Calibrated probabilities, ``[n, C]``."""
        if self.kind == "temperature":
            return _tempered(proba, self.curves[0][0][0], self.multilabel)
        if len(self.curves) == 1 and not self.multilabel:
            own = _follow(self.kind, self.curves[0], proba[:, 1])
            return np.stack([1 - own, own], axis=1)
        own = np.stack([_follow(self.kind, curve, proba[:, c]) for c, curve in enumerate(self.curves)], axis=1)
        return own if self.multilabel else own / np.maximum(own.sum(1, keepdims=True), EPS)


def _curve(kind: str, p: np.ndarray, truth: np.ndarray) -> tuple[list[float], list[float]]:
    if truth.min() == truth.max():  # one value only: nothing to learn
        return ([1.0], [0.0]) if kind == "sigmoid" else ([0.0, 1.0], [0.0, 1.0])
    if kind == "sigmoid":
        from sklearn.linear_model import LogisticRegression

        model = LogisticRegression(C=1e6).fit(_logit(p)[:, None], truth)
        return [float(model.coef_[0, 0])], [float(model.intercept_[0])]
    from sklearn.isotonic import IsotonicRegression

    model = IsotonicRegression(y_min=0, y_max=1, out_of_bounds="clip").fit(p, truth)
    return model.X_thresholds_.tolist(), model.y_thresholds_.tolist()


def _follow(kind: str, curve: tuple[list[float], list[float]], p: np.ndarray) -> np.ndarray:
    if kind == "sigmoid":
        return 1 / (1 + np.exp(-np.clip(curve[0][0] * _logit(p) + curve[1][0], -700, 700)))
    return np.interp(p, *curve)


def _tempered(proba: np.ndarray, temperature: float, multilabel: bool) -> np.ndarray:
    if multilabel:
        return 1 / (1 + np.exp(-np.clip(_logit(proba) / temperature, -700, 700)))
    logs = np.log(np.clip(proba, EPS, 1)) / temperature
    found = np.exp(logs - logs.max(1, keepdims=True))
    return found / found.sum(1, keepdims=True)


def _temperature(proba: np.ndarray, y: np.ndarray) -> float:
    """The one with the lowest log loss, between 0.05 and 20."""
    from scipy.optimize import minimize_scalar

    def loss(log: float) -> float:
        return log_loss(_tempered(proba, float(np.exp(log)), y.ndim == 2), y)

    return float(np.exp(minimize_scalar(loss, bounds=(-3, 3), method="bounded").x))


def _logit(p: np.ndarray) -> np.ndarray:
    p = np.clip(p, EPS, 1 - EPS)
    return np.log(p / (1 - p))
