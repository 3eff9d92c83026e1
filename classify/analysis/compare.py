"""Runs on the same rows -> scores side by side, paired tests, cost; no printing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import combinations

import numpy as np

from classify.analysis.align import same_folds
from classify.analysis.comparison import ComparedRows, ComparedRun, Comparison
from classify.analysis.paired_runs import LEVEL, PairTests, paired_runs
from classify.analysis.picked import picked
from classify.analysis.significance import holm
from classify.runs import Run
from classify.scoring.metrics import Metric, metrics_of
from stores.shared.errors import InputError
from stores.shared.reporter import SILENT, Progress, Reporter
from stores.shared.suggest import listing

TESTS = ("test", "bootstrap", "mcnemar", "t_test")
ROPE = 0.01  # differences that nobody minds, unless the user says otherwise
VISIBLE = 2.8  # standard errors of a difference that is called in 80 % of tables: 1.96 + 0.84


def compare(
    runs: Sequence[Run], by: str = "f1_macro", common: bool = False, rope: float = ROPE, reporter: Reporter = SILENT
) -> Comparison:
    """Compare runs on the same rows.

    Every difference is taken on the same bootstrap resamples, drawn by group of identical texts with the seed of the
    first run. The interval of a score is the one of the run itself where all that it has predicted is compared, and is
    made again from the rows in common where not. p-values are corrected by Holm's method over all pairs of runs, not
    only over the pairs with the best, since the best is known only after looking. A run is distinguishable from the
    best if the corrected p of ``significance.paired_z``, which is about ``by``, is below 0.05. It is practically the
    same if the difference is within ``rope`` with a probability of 0.95; that can be so although the difference is
    certain.

    Args:
        runs: at least two, of one table.
        by: the metric that decides, see ``deciding``.
        common: whether rows that not all have tested are left out.
        rope: differences up to this one are practically none (region of practical equivalence).
        reporter: told what is being done.

    Raises:
        InputError: if there are fewer than two runs, they are not of the same rows, ``rope`` is negative, or ``by`` is
            no metric or has no value.
        FailureError: if a run cannot be read.
    """
    if len(runs) < 2:
        raise InputError("give two runs or more to compare")
    if not rope >= 0:
        raise InputError(f"`rope={rope}`: give a difference of 0 or more that would not matter")
    metric = deciding(by, runs[0].recipe.problem)
    reporter.progress(Progress("comparing", None, f"resamples of {len(runs)} runs"))
    paired = paired_runs(runs, by, common, rope)
    pairs, made = list(combinations(range(len(runs)), 2)), {}
    for number, (a, b) in enumerate(pairs):
        which = f"{paired.names[a]} with {paired.names[b]}"
        reporter.progress(Progress("comparing", number / len(pairs), which, "pairs"))
        made[a, b] = paired.tests(a, b)
    tests = _corrected(made)
    order = paired.order()
    best = order[0]
    reporter.progress(Progress("comparing", None, f"intervals of {len(runs)} runs", "intervals"))
    entries = [paired.entry(i, best, tests.get((min(i, best), max(i, best)))) for i in order]
    first = runs[0].recipe
    errors = [entry.against.test.error for entry in entries if entry.against_best and entry.against.test.error]
    left_out = {name: _tested(run) - len(paired.group) for name, run in zip(paired.names, runs, strict=True)}
    entries = _with_frontier(entries)
    return Comparison(
        by=by,
        higher_is_better=bool(metric.higher_is_better),
        level=LEVEL,
        rope=rope,
        smallest_visible=max((VISIBLE * e for e in errors), default=None),
        smallest_bootstrap_p=min(1.0, 2 * len(pairs) / (paired.resamples + 1)),
        best_corrected=picked(paired.predictions, paired.group, by, first.seed),
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
    comparable = {metric.name: metric for metric in metrics_of(problem, per_class=False)
             if metric.higher_is_better is not None and metric.interval != "none"}  # fmt: skip
    if by not in comparable:
        raise InputError(f"`by={by!r}`: choose one of {listing(by, comparable)}")
    return comparable[by]


def _corrected(tests: dict[tuple[int, int], PairTests]) -> dict[tuple[int, int], PairTests]:
    """The same with ``p_holm``, each kind of test corrected over all pairs."""
    for name in TESTS:
        results = [getattr(pair, name) for pair in tests.values()]
        corrected = holm([test.p for test in results])
        made = [replace(test, p_holm=p) for test, p in zip(results, corrected, strict=True)]
        tests = {
            pair: replace(before, **{name: test}) for (pair, before), test in zip(tests.items(), made, strict=True)
        }
    return tests


def _tested(run: Run) -> int:
    return sum(fold.test_rows for fold in run.metrics.folds)


def _with_frontier(entries: list[ComparedRun]) -> list[ComparedRun]:
    """Marks those that no other run beats in both the score and the price; the entries are best first."""
    cheapest, marked = None, []
    for entry in entries:
        marked.append(replace(entry, frontier=cheapest is None or entry.cost.price < cheapest))
        cheapest = entry.cost.price if marked[-1].frontier else cheapest
    return marked
