"""Runs on the same rows -> scores side by side, paired tests, cost; no printing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import combinations

import numpy as np

from classify.analysis.align import align, names, same_folds
from classify.analysis.comparison import (
    AgainstBest,
    ComparedRows,
    ComparedRun,
    Comparison,
    Interval,
    McNemarTest,
    PairedTest,
)
from classify.analysis.cost import run_cost
from classify.analysis.significance import (
    TestResult,
    bootstrap_p,
    discordant,
    holm,
    joined_groups,
    mcnemar,
    resampled_t,
)
from classify.records import FeaturesRecord
from classify.runs import Run
from classify.scoring.intervals import RESAMPLES, percentiles, resampled
from classify.scoring.metrics import METRICS, Metric, metrics_of
from classify.scoring.predictions import Predictions
from stores.shared.errors import InputError
from stores.shared.suggest import did_you_mean

LEVEL = 0.05
PER_PAIR = 100  # resamples, so that the smallest p a bootstrap can give still tells after the correction
TESTS = ("bootstrap", "mcnemar", "t_test")


def compare(runs: Sequence[Run], by: str = "f1_macro", common: bool = False) -> Comparison:
    """Compare runs on the same rows.

    Every difference is taken on the same bootstrap resamples, drawn by group of identical texts with the seed of the
    first run; the first thousand of them make the interval of a score, so that it is the one of the run's own report
    where the seed is the same. p-values are corrected by Holm's method over all pairs of runs, not only over the pairs
    with the best, since the best is known only after looking. A run is distinguishable from the best if the corrected
    p of the bootstrap, which is about ``by``, is below 0.05.

    Args:
        runs: at least two, of one table.
        by: the metric that decides, see ``deciding``.
        common: whether rows that not all have tested are left out.

    Raises:
        InputError: if there are fewer than two runs, they are not of the same rows, or ``by`` is no metric or has no
            value.
        FailureError: if a run cannot be read.
    """
    if len(runs) < 2:
        raise InputError("give two runs or more to compare")
    metric = deciding(by, runs[0].recipe.problem)
    paired = _paired(runs, by, common)
    pairs = list(combinations(range(len(runs)), 2))
    tests = _corrected({pair: paired.tests(*pair) for pair in pairs})
    order = paired.order()
    best = order[0]
    entries = [paired.entry(i, best, tests.get((min(i, best), max(i, best)))) for i in order]
    first = runs[0].recipe
    left_out = {name: _tested(run) - len(paired.group) for name, run in zip(paired.names, runs, strict=True)}
    entries = _with_frontier(entries)
    return Comparison(
        by=by,
        higher_is_better=bool(metric.higher_is_better),
        level=LEVEL,
        resamples=paired.resamples,
        seed=first.seed,
        problem=first.problem,
        classes=first.classes,
        positive=first.positive,
        rows=ComparedRows(len(paired.group), len(np.unique(paired.group)), left_out),
        same_folds=same_folds(paired.predictions),
        pairs=len(pairs),
        best=entries[0].name,
        cheapest=min((e for e in entries if not e.distinguishable), key=lambda entry: entry.cost.price).name,
        runs=entries,
    )


def deciding(by: str, problem: str) -> Metric:
    """The metric of this name, which can order runs: it is one number, has a best end, and an interval.

    Raises:
        InputError: if it is none of these; the message lists those that are.
    """
    known = {metric.name: metric for metric in metrics_of(problem, per_class=False)
             if metric.higher_is_better is not None and metric.interval != "none"}  # fmt: skip
    if by not in known:
        raise InputError(f"`by={by!r}`: choose one of {', '.join(known)}{did_you_mean(by, known)}")
    return known[by]


@dataclass(frozen=True)
class _Paired:
    """Runs with their predictions of the same rows, ``t`` each.

    Attributes:
        runs, names, by: see ``compare``.
        predictions: aligned.
        group: int ``[t]``: what is drawn together.
        scores: of each run, metric -> value.
        drawn: of each run, metric -> values ``[resamples]``, on the same resamples for all.
        resamples: how many.
    """

    runs: Sequence[Run]
    names: list[str]
    by: str
    predictions: list[Predictions]
    group: np.ndarray
    scores: list[dict[str, float]]
    drawn: list[dict[str, np.ndarray]]
    resamples: int

    def order(self) -> list[int]:
        """Numbers of the runs, best first."""
        sign = 1 if METRICS[self.by].higher_is_better else -1
        merit = [sign * scores[self.by] for scores in self.scores]
        if np.isnan(merit).any():
            raise InputError(
                f"by={self.by!r} has no value in {self.names[int(np.isnan(merit).argmax())]}; choose another metric"
            )
        return sorted(range(len(self.runs)), key=lambda i: (-merit[i], self.names[i]))

    def tests(self, a: int, b: int) -> _Tests:
        """The three tests between two runs; those that cannot be made have p None."""
        of_a, of_b = self.predictions[a], self.predictions[b]
        ahead = discordant(of_a.right, of_b.right, self.group)
        t_test = TestResult("corrected resampled t-test", None, None)
        if len(np.unique(of_a.fold)) > 1 and same_folds([of_a, of_b]):
            folds = self.runs[a].metrics.folds
            train, test = (float(np.mean([getattr(f, name) for f in folds])) for name in ("train_rows", "test_rows"))
            t_test = resampled_t(np.array(_by_fold(of_a, self.by)) - np.array(_by_fold(of_b, self.by)), train, test)
        p = bootstrap_p(self.drawn[a][self.by] - self.drawn[b][self.by])
        return _Tests(ahead, _paired_test(TestResult("paired bootstrap of the difference", None, p)),
                      _paired_test(mcnemar(*ahead)), _paired_test(t_test))  # fmt: skip

    def entry(self, i: int, best: int, tests: _Tests | None) -> ComparedRun:
        """What a run is, its scores, what it cost, and how it stands against the best."""
        run, recipe, drawn = self.runs[i], self.runs[i].recipe, self.drawn[i]
        against = None if i == best or tests is None else self._against(i, best, tests)
        p = None if against is None else against.bootstrap.p_holm
        return ComparedRun(
            name=self.names[i],
            folder=str(run.folder),
            head=recipe.head.name,
            options=recipe.head.options,
            sampler=recipe.sampler,
            encoders=list(dict.fromkeys(_encoders(recipe.features))),
            features=recipe.features.path,
            created=recipe.created,
            scores={name: _interval(self.scores[i][name], values[:RESAMPLES]) for name, values in drawn.items()},
            folds=_by_fold(self.predictions[i], self.by),
            against_best=against,
            distinguishable=p is not None and p < LEVEL,
            cost=run_cost(run),
            frontier=False,
        )

    def _against(self, i: int, best: int, tests: _Tests) -> AgainstBest:
        """The tests of a pair, seen from the run that is not the best."""
        ahead = tests.ahead if best < i else tests.ahead[::-1]
        test = tests.t_test
        if best < i and test.statistic is not None:  # it was made the other way round
            test = replace(test, statistic=-test.statistic)
        value = self.scores[i][self.by] - self.scores[best][self.by]
        m = tests.mcnemar
        return AgainstBest(
            difference=_interval(value, self.drawn[i][self.by] - self.drawn[best][self.by]),
            bootstrap=tests.bootstrap,
            mcnemar=McNemarTest(m.method, m.statistic, m.p, m.p_holm, *ahead),
            t_test=None if test.p is None else test,
        )


@dataclass(frozen=True)
class _Tests:
    """The tests of a pair, first minus second; ``ahead``: groups in which the one or the other has more right."""

    ahead: tuple[int, int]
    bootstrap: PairedTest
    mcnemar: PairedTest
    t_test: PairedTest


def _paired(runs: Sequence[Run], by: str, common: bool) -> _Paired:
    predictions = align(runs, common)
    group = joined_groups([p.group for p in predictions])
    resamples = max(RESAMPLES, PER_PAIR * len(runs) * (len(runs) - 1) // 2)
    drawn = resampled(predictions, group, runs[0].recipe.seed, resamples)
    scores = [{name: float(p.measure()[name][0]) for name in own} for p, own in zip(predictions, drawn, strict=True)]
    return _Paired(runs, names(runs), by, predictions, group, scores, drawn, resamples)


def _paired_test(result: TestResult) -> PairedTest:
    return PairedTest(result.method, result.statistic, result.p, None)


def _corrected(tests: dict[tuple[int, int], _Tests]) -> dict[tuple[int, int], _Tests]:
    """The same with ``p_holm``, each kind of test corrected over all pairs."""
    for name in TESTS:
        own = [getattr(pair, name) for pair in tests.values()]
        corrected = holm([test.p for test in own])
        made = [replace(test, p_holm=p) for test, p in zip(own, corrected, strict=True)]
        tests = {
            pair: replace(before, **{name: test}) for (pair, before), test in zip(tests.items(), made, strict=True)
        }
    return tests


def _encoders(features: FeaturesRecord) -> list[str]:
    if features.members:
        return [name for member in features.members for name in _encoders(member.features)]
    return [part.recipe.get("encoder", "joined") for part in features.joined or [features]]


def _by_fold(predictions: Predictions, by: str) -> list[float]:
    rows = (np.flatnonzero(predictions.fold == fold) for fold in np.unique(predictions.fold))
    return [float(predictions.take(r).measure()[by][0]) for r in rows]


def _interval(value: float, drawn: np.ndarray) -> Interval:
    low, high = percentiles(drawn)
    return Interval(value, low, high)


def _tested(run: Run) -> int:
    return sum(fold.test_rows for fold in run.metrics.folds)


def _with_frontier(entries: list[ComparedRun]) -> list[ComparedRun]:
    """Marks those that no other run beats in both the score and the price; the entries are best first."""
    cheapest, marked = None, []
    for entry in entries:
        marked.append(replace(entry, frontier=cheapest is None or entry.cost.price < cheapest))
        cheapest = entry.cost.price if marked[-1].frontier else cheapest
    return marked
