"""How often the 95 % intervals hold the truth, with real training: the table in docs/guide/scores.md.

    python -m tools.simulate_intervals [--times 60] [--seed 1] [--store features/tweets.static.h5 ...] [--only TEXT]

Each data set is cross-validated with five folds by a head as it is by default, its options chosen on inner folds; a
model of all rows is kept, as in a run. Two truths, each the score on many rows that no model has seen:

- A, "these predictions": the mean of the models of the folds, that is of those that made the predictions;
- B, "the model that is kept": the one that is fitted on all rows. It has learned from a quarter more rows than those of
  the folds, and is mostly a little better than they are; so it is counted, too, how often it is worse than the interval
  says.

Made-up data: normal classes, apart in 10 columns, all other columns noise; true scores from fresh rows. Stores: tables
are drawn from their rows, and the true scores are those of all other rows. A store is no endless source: tables of more
than a tenth of it are left out. The standard error of a coverage of 95 % is 2.8 points for 60 data sets.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classify import heads
from classify.data import WORD_DIRECTIONS, load_data
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask, X
from classify.scoring.intervals import effective_directions, intervals
from classify.scoring.metrics import METRICS, measure, metrics_of
from classify.scoring.predictions import Predictions
from classify.splits.folds import stratified_kfold
from stores.features import Features

SHOWN = ("accuracy", "f1_macro", "f1_positive", "recall_positive", "roc_auc", "pr_auc", "log_loss", "brier")
APART = {2: 0.55, 3: 0.7, 4: 0.8, 6: 0.8}  # number of classes -> distance of their means in each of the 10 columns
FRESH = 6000  # fresh rows at least, and four times those of the table
FOLDS = 5


class Pool(NamedTuple):
    """Rows of a store that tables are drawn from, each text once."""

    x: X
    y: np.ndarray


@dataclass(frozen=True)
class Drawn:
    """A table, and rows that stand for all others: features, classes, and weights that restore the classes' shares."""

    x: X
    y: np.ndarray
    group: np.ndarray
    fresh_x: X
    fresh_y: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True)
class Setting:
    """A kind of table.

    Attributes:
        rows, shares: how many, and of each class.
        columns: 0 for the rows of the store ``source``.
        head: its name.
        repeats: of the folds.
        twins: whether half of the rows are copies of others, which no split parts.
    """

    rows: int
    shares: tuple[float, ...]
    columns: int
    source: str = ""
    head: str = "logistic"
    repeats: int = 1
    twins: bool = False

    def __str__(self) -> str:
        more = [self.head] if self.head != "logistic" else []
        more += [f"{self.repeats} repeats"] if self.repeats > 1 else []
        more += ["half of them copies"] if self.twins else []
        where = self.source or f"{self.columns} columns"
        shares = f"{len(self.shares)} classes, rarest {min(self.shares):.0%}"
        return ", ".join([f"{self.rows:,} rows", shares, where, *more])


class Truth(NamedTuple):
    """Of one metric and table: the interval, the mean true score of the models of the folds, and of the kept model."""

    low: float
    high: float
    folds: float
    kept: float


def made_up() -> list[Setting]:
    """Settings of normal classes."""
    two = {p: (1 - p, p) for p in (0.05, 0.1, 0.2, 0.5)}
    settings = [
        Setting(rows, two[p], columns)
        for columns in (50, 256, 768) for rows in (200, 500, 1000) for p in (0.05, 0.1, 0.5) if rows * p >= 20
    ]  # fmt: skip
    settings += [Setting(5000, two[p], 256) for p in (0.05, 0.5)]
    settings += [Setting(300, (0.5, 0.3, 0.2), 256), Setting(600, (0.3, 0.25, 0.2, 0.1, 0.1, 0.05), 256)]
    settings += [Setting(rows, (0.4, 0.3, 0.2, 0.1), 256) for rows in (500, 2000)]
    return [*settings, Setting(500, two[0.2], 256, repeats=3), Setting(500, two[0.2], 256, twins=True)]


def draw(setting: Setting, rng: np.random.Generator, pool: Pool | None) -> Drawn:
    """A table of this kind."""
    shares = np.array(setting.shares)
    distinct = setting.rows // 2 if setting.twins else setting.rows
    y = np.sort(rng.choice(len(shares), distinct, p=shares))
    made = _made(y, shares, setting.columns, rng) if pool is None else _from_store(y, shares, pool, rng)
    if setting.twins:
        rows = np.append(np.arange(distinct), rng.integers(distinct, size=setting.rows - distinct))
        made = replace(made, x=made.x[rows], y=made.y[rows], group=rows)
    return made


def _made(y: np.ndarray, shares: np.ndarray, columns: int, rng: np.random.Generator) -> Drawn:
    means = np.zeros((len(shares), columns))
    for c in range(1, len(shares)):
        means[c, (np.arange(10) + 4 * (c - 1)) % columns] = APART[len(shares)] * (1 if c % 2 else -1)
    fresh = np.repeat(np.arange(len(shares)), max(FRESH, 4 * len(y)) // len(shares))
    x, fresh_x = ((means[c] + rng.standard_normal((len(c), columns))).astype(np.float32) for c in (y, fresh))
    return Drawn(x, y, np.arange(len(y)), fresh_x, fresh, shares[fresh] * len(shares))


def _from_store(y: np.ndarray, shares: np.ndarray, pool: Pool, rng: np.random.Generator) -> Drawn:
    classes = pool.y
    each = np.bincount(y, minlength=len(shares))
    rows = [rng.permutation(np.flatnonzero(classes == c))[:count] for c, count in enumerate(each)]
    rest = np.setdiff1d(np.arange(len(classes)), np.concatenate(rows))
    weight = shares[classes[rest]] / (np.bincount(classes[rest], minlength=len(shares)) / len(rest))[classes[rest]]
    taken = np.concatenate(rows)
    return Drawn(pool.x[taken], classes[taken], np.arange(len(taken)), pool.x[rest], classes[rest], weight)


def predicted(drawn: Drawn, setting: Setting, seed: int) -> tuple[Predictions, list[dict[str, float]]]:
    """Out-of-fold predictions of a table, and the true scores of each model: those of the folds, last the kept one."""
    n_classes = len(setting.shares)
    names, rows = [str(c) for c in range(n_classes)], np.arange(len(drawn.y))
    splits = [
        split
        for r in range(setting.repeats)
        for split in stratified_kfold(drawn.y, drawn.group, FOLDS, seed + 1000 * r, names)
    ]
    tasks = [FitTask(train, i) for i, (train, _) in enumerate(splits)] + [FitTask(rows, 999)]
    head = heads.load(setting.head)
    grid = head.grid_of("ids" if isinstance(drawn.x, Features) else "pooled")
    models = fit(head, drawn.x, drawn.y, tasks, n_classes, FitOptions(tune=grid, must_tune=False), drawn.group)
    parts = []
    for number, ((_, test), model) in enumerate(zip(splits, models, strict=False)):
        parts.append((test, np.full(len(test), number), model.predict(drawn.x, test)[0]))
    row, fold, proba = (np.concatenate(column) for column in zip(*parts, strict=True))
    truths = []
    one = [m.name for m in metrics_of("binary" if n_classes == 2 else "multi-class", False)]
    for model in models:
        own = model.predict(drawn.fresh_x)[0]
        found = measure(drawn.fresh_y, own, own.argmax(1), 1, weights=drawn.weight[None])
        truths.append({name: float(found[name][0]) for name in one})
    group = drawn.group[row]
    return Predictions(names, 1, row, row, group, fold, drawn.y[row], proba.argmax(1), proba), truths


def held(drawn: Drawn, setting: Setting, seed: int) -> Iterator[tuple[str, Truth]]:
    """The metrics of one table that have an interval."""
    predictions, truths = predicted(drawn, setting, seed)
    directions = effective_directions(drawn.x) if isinstance(drawn.x, np.ndarray) else float(WORD_DIRECTIONS)
    for name, (low, high) in intervals(predictions, seed, directions).found.items():
        if name in SHOWN:
            folds = float(np.mean([truth[name] for truth in truths[:-1]]))
            yield name, Truth(low, high, folds, truths[-1][name])


class Coverage(NamedTuple):
    """Of one metric and setting, shares of tables: A and B held, B worse than the interval; and the mean width."""

    folds: float
    kept: float
    worse: float
    width: float


def coverage(setting: Setting, times: int, seed: int, pool: Pool | None = None) -> dict[str, Coverage]:
    """Metric -> how often its interval held; metrics that have one for less than half of the tables are left out."""
    found = defaultdict(list)
    for number in range(times):
        rng = np.random.default_rng([seed, number, setting.rows, setting.columns])
        drawn = draw(setting, rng, pool)
        if np.bincount(drawn.y, minlength=len(setting.shares)).min() >= FOLDS:
            for name, truth in held(drawn, setting, number):
                found[name].append(truth)
    return {name: covered(name, truths) for name, truths in found.items() if len(truths) >= times / 2}


def covered(name: str, truths: list[Truth]) -> Coverage:
    """The shares of the tables."""
    low, high, folds, kept = np.array(truths).T
    worse = kept < low if METRICS[name].higher_is_better else kept > high
    inside = [np.mean((low <= truth) & (truth <= high)) for truth in (folds, kept)]
    return Coverage(*map(float, (*inside, worse.mean(), (high - low).mean())))


def settings_of(path: Path) -> Iterator[tuple[Setting, Pool]]:
    """Tables of 200 to 2,000 rows from a store of two classes: of its vectors, and of the words of its texts."""
    data = load_data(path)
    _, first = np.unique(data.key, return_index=True)
    share = float(np.mean(data.y[first]))
    for rows in (200, 500, 1000, 2000):
        if rows <= len(first) / 10:
            yield Setting(rows, (1 - share, share), 0, path.stem), Pool(data.x[first], data.y[first])
    if data.texts is not None:
        yield Setting(500, (1 - share, share), 0, f"{path.stem}: words"), Pool(data.texts[first], data.y[first])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=60, help="tables of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", type=Path, action="append", default=[], help="of pooled features and two classes")
    parser.add_argument("--only", default="", help="settings whose line begins with this")
    given = parser.parse_args()
    settings: list[tuple[Setting, Pool | None]] = [(setting, None) for setting in made_up()]
    for path in given.store:
        settings += settings_of(path)
    print("A %/B % (B worse than the interval %) width")
    print("| tables | " + " | ".join(SHOWN) + " |\n| --- |" + " --- |" * len(SHOWN))
    for setting, pool in settings:
        if not str(setting).startswith(given.only):
            continue
        found = coverage(setting, given.times, given.seed, pool)
        cells = [
            f"{100 * found[m].folds:.0f}/{100 * found[m].kept:.0f} ({100 * found[m].worse:.0f}) {found[m].width:.3f}"
            if m in found else "-"
            for m in SHOWN
        ]  # fmt: skip
        print(f"| {setting} | " + " | ".join(cells) + " |", flush=True)


if __name__ == "__main__":
    main()
