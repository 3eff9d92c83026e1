"""What a comparison of runs says, as records: scores side by side, tests against the best, cost."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from classify.analysis.cost import Cost
from classify.typed_json import Jsonable


@dataclass(frozen=True)
class Interval(Jsonable):
    """A value with its 95 % interval; None where there is none."""

    value: float | None
    low: float | None
    high: float | None

    @property
    def numbers(self) -> tuple[float, float, float]:
        """Value and bounds, NaN where there is none."""
        return _number(self.value), _number(self.low), _number(self.high)


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


@dataclass(frozen=True)
class PairedTest(Jsonable):
    """A test between a run and the best.

    Attributes:
        method: which test.
        statistic: its value; None where it has none.
        p: two-sided; None where the test cannot be made.
        p_holm: corrected for all pairs of runs.
    """

    method: str
    statistic: float | None
    p: float | None
    p_holm: float | None


@dataclass(frozen=True)
class McNemarTest(PairedTest):
    """McNemar's test, about accuracy: groups in which the best, or this run, has more rows right."""

    best_ahead: int
    ahead: int


@dataclass(frozen=True)
class DecidingTest(PairedTest):
    """The test that decides: the difference over its standard error, which has the luck of training in it.

    Attributes:
        error: the standard error; None if it cannot be told.
        practically_same: probability that the true difference is within the region of practical equivalence.
    """

    error: float | None
    practically_same: float | None


@dataclass(frozen=True)
class AgainstBest(Jsonable):
    """This run minus the best, and the tests of that; ``t_test`` is None where folds differ or there is only one."""

    difference: Interval
    test: DecidingTest
    bootstrap: PairedTest
    mcnemar: McNemarTest
    t_test: PairedTest | None


@dataclass(frozen=True)
class ComparedRun(Jsonable):
    """One of the runs.

    Attributes:
        name, folder, head, options, sampler, created: of the run.
        encoders: names.
        features: path.
        scores: metric -> value and interval, for every metric that is one number.
        folds: the deciding metric in each fold.
        against_best: None for the best.
        distinguishable: from the best.
        verdict: ``best``, ``worse``, ``practically the same``, or ``not distinguishable``.
        cost: see there.
        frontier: whether no other run is both better and cheaper.
        epochs: validation loss and metrics -> mean over the folds of each epoch; empty for heads without epochs.
    """

    name: str
    folder: str
    head: str
    options: dict[str, Any]
    sampler: str
    encoders: list[str]
    features: str
    created: str
    scores: dict[str, Interval]
    folds: list[float]
    against_best: AgainstBest | None
    distinguishable: bool
    verdict: str
    cost: Cost
    frontier: bool
    epochs: dict[str, list[float]] = field(default_factory=dict)

    @property
    def against(self) -> AgainstBest:
        """The tests against the best, of a run that is not the best."""
        if self.against_best is None:
            raise ValueError(f"{self.name} is the best; there is nothing to compare it with")
        return self.against_best


@dataclass(frozen=True)
class ComparedRows(Jsonable):
    """Predictions compared, groups of identical texts among them, and how many of each run are left out."""

    compared: int
    groups: int
    left_out: dict[str, int]


@dataclass(frozen=True)
class Comparison(Jsonable):
    """Runs on the same rows.

    Attributes:
        by: the metric that decides.
        higher_is_better: of this metric.
        level: p below which a run is distinguishable from the best.
        rope: half the width of the region of practical equivalence, in units of the metric.
        smallest_visible: the difference that is seen in 80 % of tables like this one, with the largest of the standard
            errors; None where none is known.
        smallest_bootstrap_p: that the bootstrap can give after the correction for all pairs.
        best_corrected: the score of the best, corrected for having been picked from several.
        resamples, seed: of the bootstrap.
        problem, classes, positive: of the table.
        rows: what was compared.
        same_folds: whether all runs had the same.
        pairs: how many the p-values are corrected for.
        best: name of the run with the best score.
        cheapest: of those that are not distinguishable from the best, the one that took the least time.
        runs: best first.
    """

    by: str
    higher_is_better: bool
    level: float
    rope: float
    smallest_visible: float | None
    smallest_bootstrap_p: float
    best_corrected: Interval
    resamples: int
    seed: int
    problem: str
    classes: list[str]
    positive: str | None
    rows: ComparedRows
    same_folds: bool
    pairs: int
    best: str
    cheapest: str
    runs: list[ComparedRun]

    def _repr_html_(self) -> str:
        from classify.reports.notebook import comparison_html

        return comparison_html(self)

    @property
    def basis(self) -> str:
        """What the comparison rests on, in one sentence."""
        folds, left = "the same folds" if self.same_folds else "different folds", sum(self.rows.left_out.values())
        parts = [f"{self.rows.compared:,} predictions of {self.rows.groups:,} distinct texts; {folds}"]
        parts += [f"{left:,} predictions left out that not all runs have"] if left else []
        parts.append(f"{self.resamples:,} resamples, seed {self.seed}")
        parts += [f"p corrected for {self.pairs} pairs (Holm)"] if self.pairs > 1 else []
        return "; ".join(parts)
