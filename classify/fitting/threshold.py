"""Probabilities of unseen rows -> the threshold from which on a row is taken for positive."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from stores.shared.errors import InputError

GOALS = ("precision", "recall")
LEVEL = 0.05  # chance that a goal is missed on other rows of the same source, for each threshold that is looked at
STEP = 1.5  # rows taken at one threshold over those at the one before, where a precision is looked for


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


@dataclass(frozen=True)
class Threshold:
    """What a rule came to.

    Attributes:
        value: rows with a probability at or above it are positive.
        missed: the best bound of the goal, where no threshold reaches that; else None.
    """

    value: float
    missed: float | None = None


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


def choose(rule: Rule, p: np.ndarray, truth: np.ndarray) -> Threshold:
    """The threshold; where none reaches the goal, the one whose bound comes nearest to it.

    It lies in the middle between two neighbouring probabilities, so that rounding decides nothing. A goal is to be met
    on other rows, too: it is compared not with the share that is found but with its one-sided lower bound (Clopper,
    Pearson 1934). For a recall the thresholds are looked at from the lowest up, to the first that fails; for a
    precision at a few numbers of rows taken, among which the level is shared out (Angelopoulos et al. 2021, "Learn
    then Test").

    Args:
        rule: how.
        p: float ``[n]``, probability of the positive class, from models that had not seen the rows.
        truth: 0/1 ``[n]``.
    """
    if rule.fixed:
        return Threshold(rule.value)
    order = np.argsort(-p, kind="stable")
    score, hit = p[order], truth[order].astype(float)
    last = np.flatnonzero(np.append(np.diff(score) != 0, True))  # each step takes all rows of one probability
    found, taken = np.cumsum(hit)[last], last + 1.0
    missed = None
    if rule.kind == "f1":
        best = int(np.argmax(2 * found / (taken + hit.sum())))
    else:
        best, missed = _recall_step(rule, found) if rule.kind == "recall" else _precision_step(rule, found, taken)
    below = score[last[best] + 1] if last[best] + 1 < len(score) else 0.0
    return Threshold(float((score[last[best]] + below) / 2), missed)


def _recall_step(rule: Rule, found: np.ndarray) -> tuple[int, float | None]:
    """The highest threshold at which the bound of the recall is still the goal; and the best bound if that is less."""
    bound = lower_bound(found, np.full(len(found), max(found[-1], 1.0)), LEVEL)
    good = np.flatnonzero(bound >= rule.value)
    if not len(good):
        return len(found) - 1, float(bound.max())
    return int(good[0]), None  # the bound only grows with the rows that are taken


def _precision_step(rule: Rule, found: np.ndarray, taken: np.ndarray) -> tuple[int, float | None]:
    """The lowest of a few thresholds at which the bound of the precision is the goal; and the best bound, if less."""
    fewest = np.log(LEVEL) / np.log(rule.value) if rule.value < 1 else np.inf  # rows that reach it if all are hits
    sizes = []
    while fewest <= taken[-1]:
        sizes.append(fewest)
        fewest = max(fewest * STEP, fewest + 1)
    steps = np.unique(np.searchsorted(taken, sizes)) if sizes else np.array([], int)
    steps = steps[steps < len(taken)]
    bound = lower_bound(found[steps], taken[steps], LEVEL / max(len(steps), 1))
    good = np.flatnonzero(bound >= rule.value)
    if len(good):
        return int(steps[good[-1]]), None
    if not len(steps):  # too few rows for the goal wherever the threshold is
        steps, bound = np.arange(len(taken)), lower_bound(found, taken, LEVEL)
    return int(steps[bound.argmax()]), float(bound.max())


def lower_bound(hits: np.ndarray, rows: np.ndarray, level: float) -> np.ndarray:
    """One-sided lower bound of a share, which is below it but for a chance of ``level`` (Clopper, Pearson 1934)."""
    from scipy.special import betaincinv

    hits = np.asarray(hits, float)
    inside = betaincinv(np.maximum(hits, 1), np.asarray(rows) - hits + 1, level)
    return np.where(hits > 0, inside, 0.0)


def missed_goal(rule: Rule, bounds: list[float], models: int) -> str:
    """What is to be said where no threshold reaches the goal, for some of so many models; ``bounds``: the best each."""
    low, high = f"{min(bounds):.3f}", f"{max(bounds):.3f}"
    best = f"the best bound is {low}" if low == high else f"the best bounds are {low} to {high}"
    return (
        f"no threshold reaches {rule.kind} {rule.value:g} on the inner folds with a certainty of {1 - LEVEL:.0%}, in "
        f"{len(bounds)} of {models} choices; {best}, and that threshold is taken"
    )


def parse_costs(text: str, classes: list[str]) -> np.ndarray:
    """``[C, C]``, what it costs to take a row of the first class for the second, of ``spam->ham=1,ham->spam=10``.

    What is not named costs 1, what is right 0.

    Raises:
        InputError: if the text is not of this form, names a class that there is not, or a cost below 0.
    """
    costs = 1.0 - np.eye(len(classes))
    for part in text.split(","):
        pair, _, number = part.rpartition("=")
        true, arrow, taken = pair.partition("->")
        try:
            value = float(number)
        except ValueError:
            value = -1.0
        if not arrow or value < 0:
            raise InputError(
                f"`cost={text!r}`: write TRUE->TAKEN=COST with commas between, such as spam->ham=1,ham->spam=10"
            )
        for name in (true.strip(), taken.strip()):
            if name not in classes:
                raise InputError(f"`cost={text!r}`: no class {name!r}; there are: {', '.join(classes)}")
        costs[classes.index(true.strip()), classes.index(taken.strip())] = value
    return costs
