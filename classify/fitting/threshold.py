"""Probabilities of unseen rows -> the threshold from which on a row is taken for positive."""

from __future__ import annotations

import re
import warnings
from dataclasses import dataclass

import numpy as np

from stores.shared.errors import InputError

GOALS = ("precision", "recall")


@dataclass(frozen=True)
class Rule:
    """How a threshold is found.

    Attributes:
        kind: ``value``, ``f1`` (the largest F1), ``precision`` or ``recall`` (at least ``value``, and of
            those thresholds the one with the most of the other).
        value: the threshold, or the goal.
    """

    kind: str
    value: float = 0.0

    @property
    def fixed(self) -> bool:
        """Whether nothing has to be looked at."""
        return self.kind == "value"


def parse_rule(text: str) -> Rule:
    """The rule of ``0.3``, ``f1``, ``precision>=0.99`` or ``recall>=0.9``.

    Raises:
        InputError: if it is none of these.
    """
    if text == "f1":
        return Rule("f1")
    goal = re.fullmatch(r"(\w+)\s*>=\s*([0-9.]+)", text)
    kind, number = (goal[1], goal[2]) if goal else ("value", text)
    try:
        value = float(number)
    except ValueError:
        value = -1.0
    if kind not in ("value", *GOALS) or not 0 < value <= 1:
        raise InputError(f"threshold {text!r}: give a number between 0 and 1, f1, or precision>=0.99, recall>=0.9")
    return Rule(kind, value)


def choose(rule: Rule, p: np.ndarray, truth: np.ndarray) -> float:
    """The threshold; rows with ``p`` at or above it are positive.

    It lies in the middle between two neighbouring probabilities, so that rounding decides nothing.

    Args:
        rule: how.
        p: float ``[n]``, probability of the positive class, from models that had not seen the rows.
        truth: 0/1 ``[n]``.
    """
    if rule.fixed:
        return rule.value
    order = np.argsort(-p, kind="stable")
    score, hit = p[order], truth[order].astype(float)
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))  # each step takes all rows of one probability
    found, taken = np.cumsum(hit)[last], last + 1.0
    precision, recall = found / taken, found / max(hit.sum(), 1)
    if rule.kind == "f1":
        best = np.argmax(2 * found / (taken + hit.sum()))
    else:
        wanted, other = (precision, recall) if rule.kind == "precision" else (recall, precision)
        good = wanted >= rule.value
        if not good.any():
            warnings.warn(
                f"no threshold reaches {rule.kind} {rule.value:g} on the inner folds; the best there is "
                f"{wanted.max():.3f}, and that one is taken",
                stacklevel=2,
            )
            good = wanted == wanted.max()
        best = np.flatnonzero(good)[np.argmax(other[good])]
    below = score[last[best] + 1] if last[best] + 1 < len(score) else 0.0
    return float((score[last[best]] + below) / 2)
