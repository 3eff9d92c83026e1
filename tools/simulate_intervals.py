"""How often the 95 % intervals hold the truth, with real training: the table in docs/guide/scores.md.

    python -m tools.simulate_intervals --out coverage.jsonl [--times 60] [--seed 1] [--store features/tweets.static.h5]
    python -m tools.simulate_intervals --table coverage.jsonl

Each data set is cross-validated with five folds by a head as it is by default, its options chosen on inner folds; a
model of all rows is kept, as in a run. Two truths, each the score on many rows that no model has seen:

- A, "these predictions": the mean of the models of the folds, that is of those that made the predictions;
- B, "the model that is kept": the one that is fitted on all rows. It has learned from a quarter more rows than those of
  the folds, and is mostly a little better than they are; so it is counted, too, how often it is worse than the interval
  says.

Settings that are ``untuned`` have a fixed penalty, and so no inner folds that tell how much better the kept model is.
Of ``evaluated`` ones one model is fitted on a table and scored on another one, as ``tk evaluate`` does; A and B are the
same there, the true score of this model.

See ``tools.simulated_tables`` for the tables. A line of ``--out`` is a setting; those that are there are left out.
The standard error of a coverage of 95 % is 2.8 points for 60 data sets.
"""

from __future__ import annotations

import argparse
import json
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np

from classify import heads
from classify.data import WORD_DIRECTIONS
from classify.fitting.model import FittedModel
from classify.fitting.options import FitOptions
from classify.fitting.training import fit
from classify.heads.base import FitTask
from classify.scoring.intervals import effective_directions, intervals
from classify.scoring.kept import assumed_gains, expected_gains, extended
from classify.scoring.metrics import METRICS, measure, metrics_of, title_of
from classify.scoring.predictions import Predictions
from classify.scoring.scored import problem_of
from classify.splits.folds import stratified_kfold
from stores.features import Features
from tools.simulated_tables import Drawn, Pool, Setting, draw, made_up, settings_of

SHOWN = ("accuracy", "f1_macro", "f1_positive", "recall_positive", "roc_auc", "pr_auc", "log_loss", "brier")
FOLDS = 5


class Truth(NamedTuple):
    """Of one metric and table: the interval, the mean true score of the models of the folds, and of the kept model."""

    low: float
    high: float
    folds: float
    kept: float


class Coverage(NamedTuple):
    """Of one metric and setting, shares of tables: A and B held, B worse than the interval; and the mean width."""

    folds: float
    kept: float
    worse: float
    width: float


def trained(drawn: Drawn, setting: Setting, seed: int) -> tuple[Predictions, list[FittedModel], float]:
    """Out-of-fold predictions of a table, the models of the folds and last the kept one, and the rows of a fold's."""
    n_classes = len(setting.shares)
    names, rows = [str(c) for c in range(n_classes)], np.arange(len(drawn.y))
    splits = [
        split
        for r in range(setting.repeats)
        for split in stratified_kfold(drawn.y, drawn.group, FOLDS, seed + 1000 * r, names)
    ]
    tasks = [FitTask(train, i) for i, (train, _) in enumerate(splits)] + [FitTask(rows, 999)]
    models = fit(heads.parse(setting.head), drawn.x, drawn.y, tasks, n_classes, _options(drawn, setting), drawn.group)
    parts = []
    for number, ((_, test), model) in enumerate(zip(splits, models, strict=False)):
        proba, decided = model.predict(drawn.x, test)
        parts.append((test, np.full(len(test), number), decided, proba))
    row, fold, decided, proba = (np.concatenate(column) for column in zip(*parts, strict=True))
    predictions = Predictions(names, 1, row, row, drawn.group[row], fold, drawn.y[row], decided, proba)
    return predictions, models, float(np.mean([len(train) for train, _ in splits]))


def _options(drawn: Drawn, setting: Setting) -> FitOptions:
    """As ``tk classify`` has them by default, or with nothing chosen."""
    if setting.way == "untuned":
        return FitOptions()
    head, kind = heads.parse(setting.head), "ids" if isinstance(drawn.x, Features) else "pooled"
    return FitOptions(tune=head.grid_of(kind), must_tune=False, inner=head.inner_folds_of(kind), fewest_inner=3)


def true_scores(drawn: Drawn, model: FittedModel) -> dict[str, float]:
    """The metrics of a model on the fresh rows."""
    proba, decided = model.predict(drawn.fresh_x)
    found = measure(drawn.fresh_y, proba, decided, 1, weights=drawn.weight[None])
    problem = problem_of(drawn.fresh_y, proba.shape[1])
    return {metric.name: float(found[metric.name][0]) for metric in metrics_of(problem, False)}


def held(drawn: Drawn, setting: Setting, seed: int) -> Iterator[tuple[str, Truth]]:
    """The metrics of one table that have an interval, of models by cross-validation."""
    predictions, models, learned = trained(drawn, setting, seed)
    truths = [true_scores(drawn, model) for model in models]
    directions = effective_directions(drawn.x) if isinstance(drawn.x, np.ndarray) else float(WORD_DIRECTIONS)
    inner = [part for model in models[:-1] if (part := model.on_inner_folds()) is not None]
    found = intervals(predictions, seed, directions).found
    gains = assumed_gains(predictions, found)
    if len(inner) == len(models) - 1:
        gains = expected_gains(predictions, drawn.y, inner, learned, len(drawn.y))
    for name, (low, high) in extended(found, gains).items():
        if name in SHOWN:
            folds = float(np.mean([truth[name] for truth in truths[:-1]]))
            yield name, Truth(low, high, folds, truths[-1][name])


def held_by_one(drawn: Drawn, labelled: Drawn, setting: Setting, seed: int) -> Iterator[tuple[str, Truth]]:
    """The same of one model of ``drawn``, scored on the table ``labelled``."""
    n_classes, rows = len(setting.shares), np.arange(len(labelled.y))
    task = FitTask(np.arange(len(drawn.y)), seed)
    (model,) = fit(heads.parse(setting.head), drawn.x, drawn.y, [task], n_classes, _options(drawn, setting))
    proba, decided = model.predict(labelled.x)
    names = [str(c) for c in range(n_classes)]
    predictions = Predictions(names, 1, rows, rows, labelled.group, rows * 0, labelled.y, decided, proba)
    truth = true_scores(drawn, model)
    for name, (low, high) in intervals(predictions, seed, fixed=True).found.items():
        if name in SHOWN:
            yield name, Truth(low, high, truth[name], truth[name])


def coverage(setting: Setting, times: int, seed: int, pool: Pool | None = None) -> dict[str, Coverage]:
    """Metric -> how often its interval held; metrics that have one for less than half of the tables are left out."""
    found = defaultdict(list)
    for number in range(times):
        rng = np.random.default_rng([seed, number, setting.rows, setting.columns])
        drawn = draw(setting, rng, pool)
        if drawn.rarest >= FOLDS:
            if setting.way == "evaluated":
                truths = held_by_one(drawn, draw(setting, rng, pool), setting, number)
            else:
                truths = held(drawn, setting, number)
            for name, truth in truths:
                found[name].append(truth)
    return {name: covered(name, truths) for name, truths in found.items() if len(truths) >= times / 2}


def covered(name: str, truths: list[Truth]) -> Coverage:
    """The shares of the tables."""
    low, high, folds, kept = np.array(truths).T
    worse = kept < low if METRICS[name].higher_is_better else kept > high
    inside = [np.mean((low <= truth) & (truth <= high)) for truth in (folds, kept)]
    return Coverage(*map(float, (*inside, worse.mean(), (high - low).mean())))


def table(path: Path) -> Iterator[str]:
    """The lines of the table in the docs: of each kind of setting the mean and the worst, of A, B and B worse."""
    kinds: dict[str, list[dict]] = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        entry = json.loads(line)
        kinds[entry["kind"]].append(entry["found"])
    heads_ = [f"{kind} ({len(found)} {'setting' if len(found) == 1 else 'settings'})" for kind, found in kinds.items()]
    yield f"| score | {' | '.join(heads_)} |"
    yield "| --- |" + " --- |" * len(kinds)
    for name in SHOWN:
        cells = []
        for found in kinds.values():
            parts = np.array([one[name][:3] for one in found if name in one]).reshape(-1, 3) * 100
            worst = [*parts[:, :2].min(0), parts[:, 2].max()] if len(parts) else []
            pairs = zip(parts.mean(0), worst, strict=True) if len(parts) else ()
            cells.append(" / ".join(f"{mean:.0f} ({end:.0f})" for mean, end in pairs) or "-")
        title = {"f1_positive": "F1 of the positive class", "recall_positive": "recall of the positive class"}
        yield f"| {title.get(name, title_of(name))} | {' | '.join(cells)} |"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=60, help="tables of each kind")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--store", type=Path, action="append", default=[], help="of pooled features and two classes")
    parser.add_argument("--only", default="", help="settings whose line contains this")
    parser.add_argument("--out", type=Path, help="where the coverages are added, a line a setting")
    parser.add_argument("--table", type=Path, help="print the table of such a file, and do nothing else")
    given = parser.parse_args()
    if given.table:
        print("\n".join(table(given.table)))
        return
    settings: list[tuple[Setting, Pool | None]] = [(setting, None) for setting in made_up()]
    for path in given.store:
        settings += settings_of(path)
    there = given.out.read_text(encoding="utf-8").splitlines() if given.out and given.out.exists() else []
    done = {json.loads(line)["setting"] for line in there}
    for setting, pool in settings:
        if given.only not in str(setting) or str(setting) in done:
            continue
        found = coverage(setting, given.times, given.seed, pool)
        line = json.dumps({"setting": str(setting), "kind": setting.kind, "times": given.times, "found": found})
        print(line, flush=True)
        if given.out:
            with given.out.open("a", encoding="utf-8") as file:
                file.write(line + "\n")


if __name__ == "__main__":
    main()
