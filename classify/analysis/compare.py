"""Runs on the same rows -> scores side by side, paired tests, cost; one JSON-able mapping, no printing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from itertools import combinations

import numpy as np

from classify.analysis.align import align, names, same_folds
from classify.analysis.parameters import parameters
from classify.analysis.significance import (
    TestResult,
    bootstrap_p,
    discordant,
    holm,
    joined_groups,
    mcnemar,
    resampled_t,
)
from classify.runs import Run, plain
from classify.scoring.intervals import RESAMPLES, percentiles, resampled
from classify.scoring.predictions import Predictions
from classify.sources import encoding_cost, training_seconds
from stores.shared.errors import InputError

BY = ("f1_macro", "accuracy", "roc_auc", "pr_auc", "log_loss")
LOWER_IS_BETTER = ("log_loss",)
LEVEL = 0.05
COSTS = ("encode s", "texts/s", "train s", "store MB", "parameters")  # what ``cost_cells`` gives
PER_PAIR = 100  # resamples, so that the smallest p a bootstrap can give still tells after the correction


def compare(runs: Sequence[Run], by: str = "f1_macro", common: bool = False) -> dict:
    """Compare runs on the same rows.

    Every difference is taken on the same bootstrap resamples, drawn by group of identical texts with the seed of the
    first run; the first thousand of them make the interval of a score, so that it is the one of the run's own report
    where the seed is the same. p-values are corrected by Holm's method over all pairs of runs, not only over the pairs
    with the best, since the best is known only after looking. A run is distinguishable from the best if the corrected
    p of the bootstrap, which is about ``by``, is below 0.05.

    Args:
        runs: at least two, of one table.
        by: the metric that decides, one of ``BY``.
        common: whether rows that not all have tested are left out.

    Returns:
        ``by``, ``higher_is_better``, ``level``, ``resamples``, ``seed``; ``problem``, ``classes``, ``positive``;
        ``rows`` (predictions compared, ``groups`` of identical texts among them, ``left_out`` for each run),
        ``same_folds``; ``best`` and ``cheapest`` (names: of the runs that are not distinguishable from the best, the
        one that took the least time to encode and train); ``pairs`` (how many the p-values are corrected for); and
        ``runs``, best first, a mapping each:

        - ``name``, ``folder``, ``head``, ``options``, ``sampler``, ``encoders`` (names), ``features`` (path),
          ``created``
        - ``scores``: metric -> ``value``, ``low``, ``high`` (95 %), for every metric that is one number
        - ``folds``: ``by`` in each fold
        - ``against_best``: None for the best, else ``difference`` (``value``, ``low``, ``high``: this run minus the
          best), ``bootstrap``, ``mcnemar`` (about accuracy, with ``best_ahead`` and ``ahead``: groups in which
          the one or the other has more right) and ``t_test`` (None where the folds differ or there is one only);
          each of the three with ``method``, ``statistic``, ``p`` and ``p_holm``
        - ``distinguishable`` from the best
        - ``cost``: ``encode_seconds``, ``encode_texts_per_second``, ``train_seconds`` (all folds), ``seconds`` (both),
          ``store_bytes``, ``parameters``; None where it is not known
        - ``frontier``: whether no other run is both better and cheaper

    Raises:
        InputError: if there are fewer than two runs, they are not of the same rows, or ``by`` is no metric or has no
            value.
        FailureError: if a run cannot be read.
    """
    if len(runs) < 2:
        raise InputError("give two runs or more to compare")
    if by not in BY:
        raise InputError(f"--by {by}: choose one of {', '.join(BY)}")
    found = align(runs, common)
    group = joined_groups([p.group for p in found])
    pairs = list(combinations(range(len(runs)), 2))
    resamples, seed = max(RESAMPLES, PER_PAIR * len(pairs)), runs[0].recipe["seed"]
    drawn = resampled(found, group, seed, resamples)
    entries = [_about(*one) for one in zip(names(runs), runs, found, drawn, strict=True)]
    sign = -1 if by in LOWER_IS_BETTER else 1
    merit = [sign * entry["scores"][by]["value"] for entry in entries]
    if np.isnan(merit).any():
        raise InputError(
            f"--by {by} has no value in {entries[np.isnan(merit).argmax()]['name']}; choose another metric"
        )
    order = sorted(range(len(runs)), key=lambda i: (-merit[i], entries[i]["name"]))
    tests = {(i, j): _tests(found[i], found[j], drawn[i][by], drawn[j][by], group, by, runs[i]) for i, j in pairs}
    _correct(list(tests.values()))
    for i, entry in enumerate(entries):
        entry["folds"] = _by_fold(found[i], by)
        entry["against_best"] = None if i == order[0] else _against(entries, drawn, i, order[0], by, tests)
        p = entry["against_best"] and entry["against_best"]["bootstrap"]["p_holm"]
        entry["distinguishable"] = p is not None and p < LEVEL
    left_out = {e["name"]: _tested(run) - len(group) for e, run in zip(entries, runs, strict=True)}
    entries = [entries[i] for i in order]
    _mark_frontier(entries)
    result = {
        "by": by,
        "higher_is_better": sign > 0,
        "level": LEVEL,
        "resamples": resamples,
        "seed": seed,
        **{name: runs[0].recipe[name] for name in ("problem", "classes", "positive")},
        "rows": {"compared": len(group), "groups": len(np.unique(group)), "left_out": left_out},
        "same_folds": same_folds(found),
        "pairs": len(pairs),
        "best": entries[0]["name"],
        "cheapest": min((e for e in entries if not e["distinguishable"]), key=_price)["name"],
        "runs": entries,
    }
    return plain(result)


def cost_cells(cost: dict) -> list[str]:
    """The ``cost`` of a run in words, in the order of ``COSTS``; a dash for what is not known."""
    size = None if cost["store_bytes"] is None else cost["store_bytes"] / 1e6
    values = [(cost["encode_seconds"], ".2f"), (cost["encode_texts_per_second"], ",.0f"),
              (cost["train_seconds"], ".2f"), (size, ",.1f"), (cost["parameters"], ",")]  # fmt: skip
    return ["-" if value is None else format(value, form) for value, form in values]


def basis(found: dict) -> str:
    """What a comparison rests on, in one sentence."""
    rows, folds = found["rows"], "the same folds" if found["same_folds"] else "different folds"
    left = sum(rows["left_out"].values())
    parts = [f"{rows['compared']:,} predictions of {rows['groups']:,} distinct texts; {folds}"]
    parts += [f"{left:,} predictions left out that not all runs have"] if left else []
    parts.append(f"{found['resamples']:,} resamples, seed {found['seed']}")
    parts += [f"p corrected for {found['pairs']} pairs (Holm)"] if found["pairs"] > 1 else []
    return "; ".join(parts)


def _tests(
    a: Predictions, b: Predictions, drawn_a: np.ndarray, drawn_b: np.ndarray, group: np.ndarray, by: str, run: Run
) -> dict:
    """The three tests between two runs; those that cannot be made have p None."""
    ahead = discordant(a.right, b.right, group)
    t_test = TestResult("corrected resampled t-test", None, None)
    if len(np.unique(a.fold)) > 1 and same_folds([a, b]):
        train, test = (np.mean([f[name] for f in run.metrics["folds"]]) for name in ("train_rows", "test_rows"))
        t_test = resampled_t(np.array(_by_fold(a, by)) - np.array(_by_fold(b, by)), train, test)
    return {
        "bootstrap": asdict(TestResult("paired bootstrap of the difference", None, bootstrap_p(drawn_a - drawn_b))),
        "mcnemar": asdict(mcnemar(*ahead)) | {"ahead": ahead},
        "t_test": asdict(t_test),
    }


def _correct(tests: list[dict]) -> None:
    """Put ``p_holm`` into the tests of all pairs."""
    for name in ("bootstrap", "mcnemar", "t_test"):
        for test, p in zip(tests, holm([test[name]["p"] for test in tests]), strict=True):
            test[name]["p_holm"] = p


def _against(entries: list[dict], drawn: list[dict], own: int, best: int, by: str, tests: dict) -> dict:
    """The tests of a pair, seen from the run that is not the best."""
    made = dict(tests[min(own, best), max(own, best)])
    ahead = made["mcnemar"]["ahead"][:: 1 if best < own else -1]
    made["mcnemar"] = {k: v for k, v in made["mcnemar"].items() if k != "ahead"}
    made["mcnemar"] |= {"best_ahead": ahead[0], "ahead": ahead[1]}
    if made["t_test"]["p"] is None:
        made["t_test"] = None
    elif best < own and made["t_test"]["statistic"] is not None:  # it was made the other way round
        made["t_test"] = made["t_test"] | {"statistic": -made["t_test"]["statistic"]}
    value = entries[own]["scores"][by]["value"] - entries[best]["scores"][by]["value"]
    return {"difference": _interval(value, drawn[own][by] - drawn[best][by]), **made}


def _about(name: str, run: Run, predictions: Predictions, drawn: dict[str, np.ndarray]) -> dict:
    """What a run is, its scores, and what it cost."""
    recipe = run.recipe
    measured = predictions.measure()
    return {
        "name": name,
        "folder": str(run.folder),
        "head": recipe["head"]["name"],
        "options": recipe["head"]["options"],
        "sampler": recipe["sampler"],
        "encoders": _encoders(recipe["features"]),
        "features": recipe["features"]["path"],
        "created": recipe["created"],
        "scores": {name: _interval(float(measured[name][0]), v[:RESAMPLES]) for name, v in drawn.items()},
        "cost": _cost(run),
    }


def _cost(run: Run) -> dict:
    cost = encoding_cost(run) | {"train_seconds": training_seconds(run)}
    cost["seconds"] = None if cost["encode_seconds"] is None else cost["encode_seconds"] + cost["train_seconds"]
    own, members = parameters(run.folder / "model"), run.recipe.get("ensemble", {}).get("parameters", 0)
    return cost | {"parameters": own + members}


def _encoders(features: dict) -> list[str]:
    if "members" in features:
        found = [name for member in features["members"] for name in _encoders(member["features"])]
    else:
        found = [part["recipe"].get("encoder", "joined") for part in features.get("joined", [features])]
    return list(dict.fromkeys(found))


def _by_fold(predictions: Predictions, by: str) -> list[float]:
    rows = (np.flatnonzero(predictions.fold == fold) for fold in np.unique(predictions.fold))
    return [float(predictions.take(r).measure()[by][0]) for r in rows]


def _interval(value: float, drawn: np.ndarray) -> dict:
    low, high = percentiles(drawn)
    return {"value": value, "low": low, "high": high}


def _tested(run: Run) -> int:
    return sum(fold["test_rows"] for fold in run.metrics["folds"])


def _price(entry: dict) -> tuple:
    """What is known comes first; then by seconds, size of the model and of the store."""
    cost = entry["cost"]
    seconds = cost["train_seconds"] if cost["seconds"] is None else cost["seconds"]
    return cost["seconds"] is None, seconds, cost["parameters"], cost["store_bytes"] or 0


def _mark_frontier(entries: list[dict]) -> None:
    """Those that no other run beats in both the score and the price; the entries are best first."""
    cheapest = None
    for entry in entries:
        entry["frontier"] = cheapest is None or _price(entry) < cheapest
        cheapest = _price(entry) if entry["frontier"] else cheapest
