"""How often the 95 % intervals hold the truth, with real training: the table in docs/guide/scores.md.

    python -m tools.simulate_intervals [--times 60] [--seed 1] [--store features/tweets.static.h5 ...]

Each data set is cross-validated with five folds by the ``logistic`` head as it is by default, its penalty chosen on
inner folds; a model of all rows is kept, as in a run. Two truths:

- A, "these predictions": the mean true score of models of tables of this size and kind;
- B, "the model that is kept": the true score of the one model fitted on all rows.

Made-up data: normal classes, apart in 10 columns, all other columns noise; true scores from 6,000 fresh rows. Stores:
tables are drawn from their rows, and the true scores are those of all other rows. A store is no endless source: tables
of more than a tenth of it are left out. The standard error of a coverage of 95 % is 2.8 points for 60 data sets.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from classify import heads
from classify.data import load_data
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.scoring.intervals import effective_directions, intervals
from classify.scoring.metrics import measure
from classify.scoring.predictions import Predictions
from classify.splits.folds import stratified_kfold

SHOWN = ("accuracy", "f1_macro", "f1_positive", "recall_positive", "roc_auc", "pr_auc", "log_loss", "brier")
APART = {2: 0.55, 4: 0.8, 6: 0.8}  # number of classes -> distance of their means in each of the 10 columns
FRESH = 6000


@dataclass(frozen=True)
class Drawn:
    """A table, and rows that stand for all others: features, classes, and weights that restore the classes' shares."""

    x: np.ndarray
    y: np.ndarray
    fresh_x: np.ndarray
    fresh_y: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Setting:
    """A kind of table: rows, shares of the classes, columns (0: the rows of the store ``source``)."""

    rows: int
    shares: tuple[float, ...]
    columns: int
    source: str = ""

    def __str__(self) -> str:
        where = self.source or f"{self.columns} columns"
        return f"{self.rows:,} rows, {len(self.shares)} classes, rarest {min(self.shares):.0%}, {where}"


def made_up() -> list[Setting]:
    """Settings of normal classes."""
    settings = [
        Setting(rows, (1 - p, p), columns)
        for columns in (50, 256, 768) for rows in (200, 500, 1000) for p in (0.05, 0.1, 0.5) if rows * p >= 20
    ]  # fmt: skip
    settings += [Setting(500, (0.4, 0.3, 0.2, 0.1), columns) for columns in (50, 256, 768)]
    return [*settings, Setting(600, (0.3, 0.25, 0.2, 0.1, 0.1, 0.05), 256)]


def draw(setting: Setting, rng: np.random.Generator, pool: tuple[np.ndarray, np.ndarray] | None) -> Drawn:
    """A table of this kind."""
    shares = np.array(setting.shares)
    y = np.sort(rng.choice(len(shares), setting.rows, p=shares))
    if pool is not None:
        return _from_store(y, shares, *pool, rng)
    means = np.zeros((len(shares), setting.columns))
    for c in range(1, len(shares)):
        means[c, (np.arange(10) + 4 * (c - 1)) % setting.columns] = APART[len(shares)] * (1 if c % 2 else -1)
    fresh = np.repeat(np.arange(len(shares)), FRESH // len(shares))
    x, fresh_x = ((means[c] + rng.standard_normal((len(c), setting.columns))).astype(np.float32) for c in (y, fresh))
    return Drawn(x, y, fresh_x, fresh, shares[fresh] * len(shares))


def _from_store(
    y: np.ndarray, shares: np.ndarray, x: np.ndarray, classes: np.ndarray, rng: np.random.Generator
) -> Drawn:
    each = np.bincount(y, minlength=len(shares))
    rows = [rng.permutation(np.flatnonzero(classes == c))[:count] for c, count in enumerate(each)]
    rest = np.setdiff1d(np.arange(len(classes)), np.concatenate(rows))
    weight = shares[classes[rest]] / (np.bincount(classes[rest], minlength=len(shares)) / len(rest))[classes[rest]]
    taken = np.concatenate(rows)
    return Drawn(x[taken], classes[taken], x[rest], classes[rest], weight)


def held(drawn: Drawn, n_classes: int, seed: int) -> Iterator[tuple[str, float, float, float]]:
    """Metric, low, high and the true score of the kept model, for one table."""
    names = [str(c) for c in range(n_classes)]
    rows = np.arange(len(drawn.y))
    splits = stratified_kfold(drawn.y, rows, 5, seed, names)
    tasks = [FitTask(train, i) for i, (train, _) in enumerate(splits)] + [FitTask(rows, 9)]
    head = heads.load("logistic")
    models = fit(head, drawn.x, drawn.y, tasks, n_classes, FitOptions(tune=head.grid, must_tune=False))
    proba, fold = np.empty((len(rows), n_classes)), np.empty(len(rows), int)
    for number, ((_, test), model) in enumerate(zip(splits, models, strict=False)):
        proba[test], fold[test] = model.predict(drawn.x, test)[0], number
    own = models[-1].predict(drawn.fresh_x)[0]
    truth = measure(drawn.fresh_y, own, own.argmax(1), 1, weights=drawn.weight[None])
    predictions = Predictions(names, 1, rows, rows, rows, fold, drawn.y, proba.argmax(1), proba)
    for name, (low, high) in intervals(predictions, seed, effective_directions(drawn.x)).found.items():
        yield name, low, high, float(truth[name][0])


def coverage(
    setting: Setting, times: int, seed: int, pool: tuple | None = None
) -> dict[str, tuple[float, float, float]]:
    """Metric -> share of tables whose interval holds A, and B, and the mean width."""
    found = defaultdict(list)
    for number in range(times):
        rng = np.random.default_rng([seed, number, setting.rows, setting.columns])
        drawn = draw(setting, rng, pool)
        if np.bincount(drawn.y, minlength=len(setting.shares)).min() >= 5:
            for name, *values in held(drawn, len(setting.shares), number):
                found[name].append(values)
    result = {}
    for name, values in found.items():
        low, high, truth = np.array(values).T
        if len(values) >= times / 2:  # of those that mostly have an interval
            a = truth.mean()
            result[name] = (
                np.mean((low <= a) & (a <= high)),
                np.mean((low <= truth) & (truth <= high)),
                (high - low).mean(),
            )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=60, help="tables of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", type=Path, action="append", default=[], help="of pooled features and two classes")
    given = parser.parse_args()
    settings = [(setting, None) for setting in made_up()]
    for path in given.store:
        data = load_data(path)
        _, first = np.unique(data.key, return_index=True)
        pool, share = (np.ascontiguousarray(data.x[first]), data.y[first]), float(np.mean(data.y[first]))
        sizes = [rows for rows in (200, 500, 1000, 2000) if rows <= len(first) / 10]
        settings += [(Setting(rows, (1 - share, share), 0, path.stem), pool) for rows in sizes]
    print("| tables | " + " | ".join(SHOWN) + " |\n| --- |" + " --- |" * len(SHOWN))
    for setting, pool in settings:
        found = coverage(setting, given.times, given.seed, pool)
        cells = [f"{found[m][0]:.0%}/{found[m][1]:.0%} ({found[m][2]:.3f})" if m in found else "-" for m in SHOWN]
        print(f"| {setting} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
