"""Predictions and labels -> rows that a person should look at: worst mistakes, doubtful labels, contradictions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from classify.predictions import Predictions


@dataclass(frozen=True)
class Doubt:
    """A row to look at.

    Attributes:
        prediction: one of its predictions.
        label: what it is labelled as.
        other: what it is taken for, or likely to be.
        proba: probability of the label.
    """

    prediction: int
    label: str
    other: str
    proba: float


def most_wrong(p: Predictions, limit: int) -> list[Doubt]:
    """Wrongly classified rows whose own label got the least probability, one a text."""
    rows, truth, proba = _flat(p)
    wrong = (p.y != p.predicted).ravel() if p.several else p.y != p.predicted
    return _least(p, rows, truth, proba, wrong, np.zeros(len(rows)), limit)


def suspected(p: Predictions, limit: int) -> list[Doubt]:
    """Rows that are likely to be labelled wrongly, by confident learning (Northcutt et al. 2021, section 3.1).

    A row is suspect if the probability of another class is at least what that class gets, in the mean, from the rows
    labelled so; with several labels each label is judged by itself.
    """
    rows, truth, proba = _flat(p)
    suspect, sure = np.zeros(len(rows), bool), np.zeros(len(rows))
    tasks = len(p.classes) if p.several else 1  # with several labels each is a task of two classes: absent, present
    for own in (slice(task, None, tasks) for task in range(tasks)):
        y, q = truth[own], proba[own]
        usual = np.array([q[y == c, c].mean() if (y == c).any() else np.inf for c in range(q.shape[1])])
        likely = np.where(q >= usual, q, 0)
        suspect[own] = (likely.argmax(1) != y) & likely.any(1)
        sure[own] = likely.max(1)
    return _least(p, rows, truth, proba, suspect, sure, limit)


def contradictions(p: Predictions, text: np.ndarray) -> list[np.ndarray]:
    """Predictions of the same text with different labels, a group each, one prediction a row.

    Args:
        p: the predictions.
        text: int ``[t]``, equal where the texts are.
    """
    first = np.unique(p.line, return_index=True)[1]
    labels = np.unique(p.y, axis=0, return_inverse=True)[1].ravel()[first]
    order = np.argsort(text[first], kind="stable")
    starts = np.flatnonzero(np.diff(text[first][order]))
    groups = np.split(order, starts + 1)
    return [first[group] for group in groups if len(np.unique(labels[group])) > 1]


def _flat(p: Predictions) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Row, truth and probabilities of each decision; with several labels there is one, of two classes, for each."""
    rows = np.arange(len(p))
    if not p.several:
        return rows, p.y, p.proba
    return np.repeat(rows, len(p.classes)), p.y.ravel(), np.stack([1 - p.proba.ravel(), p.proba.ravel()], 1)


def _least(
    p: Predictions, rows: np.ndarray, truth: np.ndarray, proba: np.ndarray, which: np.ndarray, other: np.ndarray,
    limit: int,
) -> list[Doubt]:  # fmt: skip
    """The doubtful decisions whose truth has the least probability (less that of the ``other``)."""
    own = proba[np.arange(len(truth)), truth]
    found, seen = [], set()
    chosen = np.flatnonzero(which)
    for i in chosen[np.argsort((own - other)[chosen], kind="stable")]:
        if p.group[rows[i]] in seen:
            continue
        seen.add(p.group[rows[i]])
        if p.several:
            name = p.classes[i % len(p.classes)]
            label, taken = (f"not {name}", name) if truth[i] == 0 else (name, f"not {name}")
        else:
            rest = np.where(np.arange(proba.shape[1]) == truth[i], -1, proba[i])
            label, taken = p.classes[truth[i]], p.classes[rest.argmax()]
        found.append(Doubt(int(rows[i]), label, taken, float(own[i])))
        if len(found) == limit:
            break
    return found
