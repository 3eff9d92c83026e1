"""Goals such as ``f1_macro>=0.9``: what is to be reached, and whether a score reaches it."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np

from classify.analysis.comparison import Interval
from classify.metrics_json import Estimate
from classify.scoring.metrics import Metric, metrics_of
from classify.typed_json import Jsonable
from stores.shared.errors import InputError

GOAL = re.compile(r"\s*(\w+)\s*(>=|<=)\s*([-+.\deE]+)\s*")


@dataclass(frozen=True)
class Goal(Jsonable):
    """What was to be reached: ``metric`` at least (``>=``) or at most (``<=``) ``bound``; and whether it was.

    Attributes:
        reached: whether the value reaches it.
        end: the worse end of the 95 % interval of the value, None if it has none.
        certain: whether this end reaches it, too.
    """

    metric: str
    relation: str
    bound: float
    value: float | None
    reached: bool
    end: float | None
    certain: bool


def parse_goal(text: str, problem: str) -> tuple[Metric, str, float]:
    """Metric, relation and bound of ``f1_macro>=0.9``; ``InputError`` for what is none of this problem."""
    known = {metric.name: metric for metric in metrics_of(problem, per_class=False) if metric.interval != "none"}
    match = GOAL.fullmatch(text)
    try:
        if match is None or match[1] not in known:
            raise ValueError
        return known[match[1]], match[2], float(match[3])
    except ValueError:
        raise InputError(
            f"`goals={text!r}`: give a metric, >= or <=, and a number, such as f1_macro>=0.9; metrics are "
            f"{', '.join(known)}"
        ) from None


def judged(metric: Metric, relation: str, bound: float, score: Interval | Estimate) -> Goal:
    """Whether a goal is reached by this value, and by the worse end of its interval."""

    def reaches(number: float | None) -> bool:
        if number is None or np.isnan(number):
            return False
        return number >= bound if relation == ">=" else number <= bound

    end = score.low if relation == ">=" else score.high
    reached = reaches(score.value)
    return Goal(metric.name, relation, bound, score.value, reached, end, reached and reaches(end))
