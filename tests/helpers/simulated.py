"""Classifiers whose true scores are known, because their answers are drawn from a table of chances."""

from __future__ import annotations

import numpy as np

from classify.scoring.predictions import Predictions


def chances(n_classes: int, hit: float, tilt: float = 0.0) -> np.ndarray:
    """``[C, C]``: chance of each answer for each true class; right with ``hit``, of the first class ``tilt`` more."""
    table = np.full((n_classes, n_classes), (1 - hit) / (n_classes - 1))
    np.fill_diagonal(table, hit)
    table[0] = (1 - hit - tilt) / (n_classes - 1)
    table[0, 0] = hit + tilt
    return table


def truth_of(prior: np.ndarray, table: np.ndarray) -> dict[str, float]:
    """Accuracy and macro F1 of endless rows."""
    confusion = prior[:, None] * table
    hit = np.diag(confusion)
    return {"accuracy": hit.sum(), "f1_macro": (2 * hit / (confusion.sum(0) + confusion.sum(1))).mean()}


def answers(y: np.ndarray, table: np.ndarray, u: np.ndarray) -> np.ndarray:
    """Int ``[n]``: the answer for each row, from a uniform number ``u`` ``[n]``; equal numbers make equal luck."""
    return np.minimum((u[:, None] > np.cumsum(table[y], 1)).sum(1), table.shape[0] - 1)


def predictions(y: np.ndarray, answer: np.ndarray, group: np.ndarray, n_classes: int, folds: int = 5) -> Predictions:
    """Predictions with these answers, a little surer of them than of the others; folds go round the groups."""
    proba = np.full((len(y), n_classes), 0.3 / n_classes) + 0.7 * np.eye(n_classes)[answer]
    names = [f"class {c}" for c in range(n_classes)]
    return Predictions(
        names, n_classes - 1, np.arange(len(y)), np.arange(len(y)), group, group % folds, y, answer, proba
    )


def sample(
    rng: np.random.Generator,
    prior: np.ndarray,
    tables: list[np.ndarray],
    groups: int,
    copies: int = 1,
    shared: float = 0.0,
) -> list[Predictions]:
    """Predictions of the same rows by a classifier for each table.

    Args:
        rng: of everything.
        prior: ``[C]``, shares of the classes.
        tables: chances of each classifier.
        groups: how many texts.
        copies: rows a text, at most; all get the same answer.
        shared: share of the texts on which all classifiers have the same luck.
    """
    y = rng.choice(len(prior), groups, p=prior)
    luck = rng.random(groups)
    alike = rng.random(groups) < shared
    repeat = np.repeat(np.arange(groups), rng.integers(1, copies + 1, groups))
    found = []
    for table in tables:
        own = answers(y, table, np.where(alike, luck, rng.random(groups)))
        found.append(predictions(y[repeat], own[repeat], repeat, len(prior)))
    return found
