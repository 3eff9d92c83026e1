"""How often does ``tk compare`` call equal learners different, and others? Real training, many tables.

    python -m tools.simulate_verdicts --tables 200 --rows 200 500 1000 --columns 50 256

Two learners see the same rows, each its own columns: ``INFORMATIVE`` of them shifted by the class, the rest noise.
Equal learners have equal shifts, so that every call is a false alarm; a better one has a larger shift, and
calls are power.
"""

from __future__ import annotations

import argparse
from collections import defaultdict

import numpy as np

from classify import heads
from classify.analysis.significance import UNBOUNDED, corrected_error, paired_z
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.scoring.bootstrap import resampled
from classify.scoring.intervals import effective_directions
from classify.scoring.metrics import metrics_of
from classify.scoring.predictions import Predictions
from classify.splits.folds import stratified_kfold

INFORMATIVE, SHIFT, BETTER = 10, 0.5, 0.62
RESAMPLES = 300
FOLDS = 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--tables", type=int, default=200)
    parser.add_argument("--rows", type=int, nargs="+", default=[200, 1000])
    parser.add_argument("--columns", type=int, nargs="+", default=[50])
    parser.add_argument("--positive", type=float, nargs="+", default=[0.1, 0.5])
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--head", default="logistic", help="logistic:C=1 is fitted harder than is good for it")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args()
    for rows in args.rows:
        for columns in args.columns:
            for share in args.positive:
                for shift in (SHIFT, BETTER):
                    called = simulate(rows, columns, share, shift, args)
                    what = "equal " if shift == SHIFT else "better"
                    cells = "  ".join(f"{name} {100 * np.mean(found):.0f}" for name, found in called.items())
                    print(f"{rows:5} rows {columns:4} columns {share:.0%} {what}: {cells}", flush=True)


def simulate(rows: int, columns: int, share: float, shift: float, args: argparse.Namespace) -> dict[str, list[bool]]:
    """For each metric, in which tables the two learners were called different at the 5 % level."""
    called: dict[str, list[bool]] = defaultdict(list)
    for seed in range(args.tables):
        rng = np.random.default_rng([args.seed, seed, rows, columns, round(100 * share)])
        y = (rng.random(rows) < share).astype(int)
        if min(y.sum(), rows - y.sum()) < 10:
            continue
        features = [learner(y, columns, s, rng) for s in (SHIFT, shift)]
        pair = [predict(x, y, args, seed) for x in features]
        freedom = max(effective_directions(x) for x in features) / rows
        drawn = resampled(pair, pair[0].group, seed, RESAMPLES)
        measured = [p.measure() for p in pair]
        by_fold = [[p.take(np.flatnonzero(p.fold == f)).measure() for f in np.unique(p.fold)] for p in pair]
        for metric in metrics_of("binary", per_class=False):
            name = metric.name
            if metric.table == 0 or metric.higher_is_better is None or metric.interval == "none":
                continue
            values = [float(m[name][0]) for m in measured]
            folds = np.array([float(b[name][0] - a[name][0]) for a, b in zip(*by_fold, strict=True)])
            between = corrected_error(folds, FOLDS - 1, 1)
            resamples = drawn[1][name] - drawn[0][name]
            rarest = int(min(y.sum(), rows - y.sum()))
            own = freedom if name in UNBOUNDED else 0.0
            test = paired_z(values[1] - values[0], resamples, rarest, between, own)
            called[name].append(test.p is not None and test.p < 0.05)
    return called


def learner(y: np.ndarray, columns: int, shift: float, rng: np.random.Generator) -> np.ndarray:
    """What one of the learners sees, float32 ``[n, columns]``."""
    x = rng.normal(size=(len(y), columns)).astype(np.float32)
    x[:, :INFORMATIVE] += shift * y[:, None]
    return x


def predict(x: np.ndarray, y: np.ndarray, args: argparse.Namespace, seed: int) -> Predictions:
    """Out-of-fold predictions of the head as it is by default, its options chosen on inner folds."""
    row = np.arange(len(y))
    splits = [pair for r in range(args.repeats) for pair in stratified_kfold(y, row, FOLDS, seed + r, ["a", "b"])]
    tasks = [FitTask(train, number) for number, (train, _) in enumerate(splits)]
    head = heads.parse(args.head)
    grid = {name: values for name, values in head.grid.items() if name not in head.given}
    models = fit(head, x, y, tasks, 2, FitOptions(tune=grid, must_tune=False))
    parts = []
    for number, ((_, test), model) in enumerate(zip(splits, models, strict=True)):
        proba, predicted = model.predict(x, test)
        parts.append((test, np.full(len(test), number), y[test], predicted, proba))
    line, fold, truth, predicted, proba = (np.concatenate(column) for column in zip(*parts, strict=True))
    return Predictions(["a", "b"], 1, line, line, line, fold, truth, predicted, proba)


if __name__ == "__main__":
    main()
