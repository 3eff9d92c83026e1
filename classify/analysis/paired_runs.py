"""Several runs with their predictions of the same rows: what each is, and the tests between two of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from classify.analysis.align import align, names, same_folds
from classify.analysis.comparison import (
    AgainstBest,
    ComparedRun,
    DecidingTest,
    Interval,
    McNemarTest,
    PairedTest,
)
from classify.analysis.cost import run_cost
from classify.analysis.significance import (
    UNBOUNDED,
    TestResult,
    bootstrap_p,
    corrected_error,
    discordant,
    joined_groups,
    mcnemar,
    paired_z,
    resampled_t,
)
from classify.recipe_json import FeaturesRecord
from classify.runs import Run
from classify.scoring.bootstrap import RESAMPLES, resampled
from classify.scoring.epoch_metrics import VALIDATION
from classify.scoring.intervals import intervals
from classify.scoring.metrics import METRICS, metrics_of
from classify.scoring.predictions import Predictions
from stores.shared.errors import InputError

LEVEL = 0.05
PER_PAIR = 100  # resamples, so that the smallest p a bootstrap can give still tells after the correction
SURE = 0.95  # probability from which on a difference is taken to be practically none


@dataclass(frozen=True)
class PairedRuns:
    """Runs with their predictions of the same rows, ``t`` each.

    Attributes:
        runs, names, by: see ``compare``.
        predictions: aligned.
        group: int ``[t]``: what is drawn together.
        scores: of each run, metric -> value.
        drawn: of each run, ``by`` on the same resamples for all, ``[resamples]``.
        resamples: how many.
        rope: see ``compare``.
    """

    runs: Sequence[Run]
    names: list[str]
    by: str
    predictions: list[Predictions]
    group: np.ndarray
    scores: list[dict[str, float]]
    drawn: list[np.ndarray]
    resamples: int
    rope: float

    def order(self) -> list[int]:
        """Numbers of the runs, best first."""
        sign = 1 if METRICS[self.by].higher_is_better else -1
        merit = [sign * scores[self.by] for scores in self.scores]
        if np.isnan(merit).any():
            raise InputError(
                f"`by={self.by!r}` has no value in {self.names[int(np.isnan(merit).argmax())]}; choose another metric"
            )
        return sorted(range(len(self.runs)), key=lambda i: (-merit[i], self.names[i]))

    def tests(self, a: int, b: int) -> PairTests:
        """The tests between two runs; those that cannot be made have p None."""
        of_a, of_b = self.predictions[a], self.predictions[b]
        ahead = discordant(of_a.right, of_b.right, self.group)
        t_test, between = TestResult("corrected resampled t-test", None, None), 0.0
        if len(np.unique(of_a.fold)) > 1 and same_folds([of_a, of_b]):
            sizes = np.array([(f.train_rows, f.test_rows) for f in self.runs[a].metrics.folds], float).mean(0)
            gained = np.subtract(by_fold(of_a, self.by), by_fold(of_b, self.by))
            t_test = resampled_t(gained, float(sizes[0]), float(sizes[1]))
            between = corrected_error(gained, float(sizes[0]), float(sizes[1]))
        drawn = self.drawn[a] - self.drawn[b]
        freedom = 0.0
        if self.by in UNBOUNDED:
            freedom = max(self.runs[a].directions, self.runs[b].directions) / len(np.unique(of_a.row))
        made = paired_z(
            self.scores[a][self.by] - self.scores[b][self.by],
            drawn,
            rarest(self.predictions[0], self.group),
            between,
            freedom,
        )
        method = "difference over its standard error, with the luck of training"
        test = DecidingTest(method, made.z, made.p, None, made.error, made.within(self.rope))
        p = bootstrap_p(drawn)
        return PairTests(ahead, test, _paired_test(TestResult("paired bootstrap of the difference", None, p)),
                      _paired_test(mcnemar(*ahead)), _paired_test(t_test))  # fmt: skip

    def entry(self, i: int, best: int, tests: PairTests | None) -> ComparedRun:
        """What a run is, its scores, what it cost, and how it stands against the best."""
        run, recipe = self.runs[i], self.runs[i].recipe
        against = None if i == best or tests is None else self._against(i, best, tests)
        p = None if against is None else against.test.p_holm
        distinguishable = p is not None and p < LEVEL
        return ComparedRun(
            name=self.names[i],
            folder=str(run.folder),
            head=recipe.head.name,
            options=recipe.head.options,
            sampler=recipe.sampler,
            encoders=list(dict.fromkeys(_encoders(recipe.features))),
            features=recipe.features.path,
            created=recipe.created,
            scores=self._scores(i),
            folds=by_fold(self.predictions[i], self.by),
            against_best=against,
            distinguishable=distinguishable,
            verdict=_verdict(against, distinguishable),
            cost=run_cost(run),
            frontier=False,
            epochs=mean_epochs([fold.history for fold in run.metrics.folds]),
        )

    def _scores(self, i: int) -> dict[str, Interval]:
        """Values and intervals: those of the run itself if all that it has predicted is compared."""
        run, scores = self.runs[i], self.scores[i]
        if len(self.group) == sum(fold.test_rows for fold in run.metrics.folds):
            own = run.metrics.overall
            return {name: Interval(scores[name], own[name].low, own[name].high) for name in scores}
        held = intervals(self.predictions[i], run.recipe.seed, run.directions).found
        return {name: Interval(scores[name], *held.get(name, (None, None))) for name in scores}

    def _against(self, i: int, best: int, tests: PairTests) -> AgainstBest:
        """The tests of a pair, seen from the run that is not the best."""
        ahead = tests.ahead if best < i else tests.ahead[::-1]
        test, t_test = tests.test, tests.t_test
        if best < i:  # they were made the other way round
            test, t_test = replace(test, statistic=_turned(test)), replace(t_test, statistic=_turned(t_test))
        value = self.scores[i][self.by] - self.scores[best][self.by]
        half = None if test.error is None else 1.96 * test.error
        m = tests.mcnemar
        return AgainstBest(
            difference=Interval(value, *((None, None) if half is None else (value - half, value + half))),
            test=test,
            bootstrap=tests.bootstrap,
            mcnemar=McNemarTest(m.method, m.statistic, m.p, m.p_holm, *ahead),
            t_test=None if t_test.p is None else t_test,
        )


@dataclass(frozen=True)
class PairTests:
    """The tests of a pair, first minus second; ``ahead``: groups in which the one or the other has more right."""

    ahead: tuple[int, int]
    test: DecidingTest
    bootstrap: PairedTest
    mcnemar: PairedTest
    t_test: PairedTest


def _verdict(against: AgainstBest | None, distinguishable: bool) -> str:
    if against is None:
        return "best"
    same = against.test.practically_same
    if same is not None and same >= SURE:
        return "practically the same"
    return "worse" if distinguishable else "not distinguishable"


def paired_runs(runs: Sequence[Run], by: str, common: bool, rope: float) -> PairedRuns:
    """Read the predictions of the runs and draw the resamples, see ``classify.analysis.compare.compare``."""
    predictions = align(runs, common)
    group = joined_groups([p.group for p in predictions])
    resamples = max(RESAMPLES, PER_PAIR * len(runs) * (len(runs) - 1) // 2)
    drawn = [own[by] for own in resampled(predictions, group, runs[0].recipe.seed, resamples, [by])]
    known = [m.name for m in metrics_of(predictions[0].problem, per_class=False) if m.interval != "none"]
    measured = [p.measure() for p in predictions]
    scores = [{name: float(own[name][0]) for name in known} for own in measured]
    return PairedRuns(runs, names(runs), by, predictions, group, scores, drawn, resamples, rope)


def mean_epochs(histories: Sequence[dict[str, list]]) -> dict[str, list[float]]:
    """Of the values of validation rows: the mean over the folds of each epoch that all of them had."""
    names = [name for name in (histories[0] if histories else {}) if name.startswith(VALIDATION)]
    found = {}
    for name in names:
        curves = [np.array(history.get(name, []), float) for history in histories]
        shortest = min(map(len, curves))
        found[name] = np.mean([curve[:shortest] for curve in curves], axis=0).tolist()
    return {name: values for name, values in found.items() if values}


def _turned(test: PairedTest) -> float | None:
    return None if test.statistic is None else -test.statistic


def _paired_test(result: TestResult) -> PairedTest:
    return PairedTest(result.method, result.statistic, result.p, None)


def _encoders(features: FeaturesRecord) -> list[str]:
    if features.members:
        return [name for member in features.members for name in _encoders(member.features)]
    return [part.recipe.get("encoder", "joined") for part in features.joined or [features]]


def rarest(predictions: Predictions, group: np.ndarray) -> int:
    """Groups of the rarest class (of several labels: that are, or are not, of the label that this is least of)."""
    y, several = predictions.y, predictions.multilabel
    members = y == 1 if several else y[:, None] == np.arange(len(predictions.classes))
    sides = [members, ~members] if several else [members]
    counts = [len(np.unique(group[side[:, c]])) for side in sides for c in range(side.shape[1])]
    return min((count for count in counts if count), default=1)


def by_fold(predictions: Predictions, by: str) -> list[float]:
    """The metric in each fold."""
    rows = (np.flatnonzero(predictions.fold == fold) for fold in np.unique(predictions.fold))
    return [float(predictions.take(r).measure()[by][0]) for r in rows]
