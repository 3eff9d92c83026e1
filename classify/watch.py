"""What a prediction was like as a whole: counts, unknown words, drift; and the conditions under which it has failed."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from classify.analysis.drift import SampledRows
from classify.conformal import ABSTAIN
from classify.typed_json import Jsonable
from stores.features import Features
from stores.shared.errors import InputError
from stores.shared.suggest import listing

CONDITION = re.compile(r"\s*(share\..+?|\w+)\s*(>=|<=|>|<)\s*([-+.\deE]+)\s*")
MEASURES = ("rows", "empty", "abstained", "broken", "unknown", "drift")  # all but the first are shares, 0 to 1
SHOWN = 10  # classes that the line names, the most frequent
SHARE = "share."  # before the name of a class: of the predicted rows


@dataclass
class Counts(Jsonable):
    """Sums over the rows so far; what a checkpoint keeps.

    Attributes:
        rows: that were read, broken ones not among them.
        broken, empty, abstained: of these rows; the broken ones beside.
        classes: class -> rows that were predicted so; of several labels, rows that have each.
        tokens, unknown_tokens: words of the texts, and those that the first encoder does not know.
    """

    rows: int = 0
    broken: int = 0
    empty: int = 0
    abstained: int = 0
    classes: dict[str, int] = field(default_factory=dict)
    tokens: int = 0
    unknown_tokens: int = 0


class Watch:
    """Counts what is predicted.

    Args:
        classes: of the run.
        counts: those of an earlier process, which this one goes on from.

    Attributes:
        counts: so far.
        sample: some of the rows, which are compared with those that the run was trained on.
    """

    def __init__(self, classes: Sequence[str], counts: Counts | None = None) -> None:
        self.counts = counts or Counts(classes=dict.fromkeys(classes, 0))
        self.sample = SampledRows()

    def add(
        self, results: Iterable[dict[str, Any]], labels: Iterable[Sequence[str]], features: Sequence[Features]
    ) -> None:
        """Take in the results of a block of rows, the labels of each, and the features that they were made from."""
        found: Counter[str] = Counter()
        for result, names in zip(results, labels, strict=True):
            self.counts.rows += 1
            self.counts.empty += bool(result["empty"])
            self.counts.abstained += result.get("answer") == ABSTAIN
            if not result["empty"]:
                found.update(names)  # not "predicted": a name may hold the | that is between the labels there
        for name in self.counts.classes:
            self.counts.classes[name] += found[name]
        tokens, unknown, _ = features[0].counts.sum(0, dtype=np.int64).tolist()
        self.counts.tokens += tokens
        self.counts.unknown_tokens += unknown

    def measures(self, drift: float | None) -> dict[str, float | None]:
        """Name -> value of all that a condition can be about; None where it is not known."""
        counts = self.counts
        told = max(counts.rows - counts.empty, 1)
        found: dict[str, float | None] = {"rows": counts.rows, "drift": drift}
        found |= {name: getattr(counts, name) / max(counts.rows, 1) for name in ("empty", "abstained")}
        found["broken"] = counts.broken / max(counts.rows + counts.broken, 1)
        found["unknown"] = counts.unknown_tokens / counts.tokens if counts.tokens else None
        return found | {f"{SHARE}{name}": number / told for name, number in counts.classes.items()}

    def line(self, drift: float | None, missing: str = "") -> str:
        """All of it in one line; ``missing``: why the drift is not known."""
        counts, found = self.counts, self.measures(drift)
        shown = sorted(counts.classes, key=lambda name: -counts.classes[name])[:SHOWN]
        listed = [f"{name} {counts.classes[name]:,}" for name in counts.classes if name in shown]
        more = len(counts.classes) - len(listed)
        parts = [", ".join(listed + ([f"{more} other classes"] if more else []))]
        parts += [
            f"{number:,} {name}" for name in ("abstained", "empty", "broken") if (number := getattr(counts, name))
        ]
        unknown = found["unknown"]
        parts += [] if unknown is None else [f"unknown words {unknown:.1%}"]
        parts.append(f"drift not known ({missing})" if drift is None else f"drift {drift:.3f} (0.5 or less: none)")
        return f"{counts.rows:,} rows: {'; '.join(parts)}"


@dataclass(frozen=True)
class Condition:
    """``MEASURE>NUMBER``: if it holds, the prediction has failed."""

    text: str
    measure: str
    relation: str
    bound: float

    @classmethod
    def parse(cls, text: str, classes: Sequence[str]) -> Condition:
        """From ``drift>0.8`` or ``share.spam>=0.5``; ``InputError`` for what is none."""
        known = [*MEASURES, *(f"{SHARE}{name}" for name in classes)]
        match = CONDITION.fullmatch(text)
        try:
            if match is None:
                raise ValueError
            bound = float(match[3])
        except ValueError:
            raise InputError(
                f"`fail_if={text!r}`: give a measure, one of > >= < <=, and a number, such as drift>0.8"
            ) from None
        if match[1] not in known:
            raise InputError(f"`fail_if={text!r}`: the measures are {listing(match[1], known)}")
        return cls(text, match[1], match[2], bound)

    def failure(self, measures: dict[str, float | None], missing: str = "") -> str:
        """What is to be said where it holds, or cannot be judged; empty if not; ``missing``: why drift is not known."""
        value = measures[self.measure]
        if value is None:
            why = missing if self.measure == "drift" else "no words were counted"
            return f"{self.text}: {self.measure} is not known ({why}), so it cannot be judged"
        holds = {">": value > self.bound, ">=": value >= self.bound, "<": value < self.bound, "<=": value <= self.bound}
        return f"{self.text}: {self.measure} is {value:.6g}" if holds[self.relation] else ""
