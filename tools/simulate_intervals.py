"""How often the 95 % intervals hold the truth, and how often the paired tests err, on problems with known truth.

    python -m tools.simulate_intervals [--times 600]

Answers of classifiers are drawn from tables of chances, so that their true accuracy and F1 are known (see
``tests/helpers/simulated.py``). The standard error of a coverage near 95 % is 0.9 points for 600 times.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from itertools import combinations
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1] / "tests"))
from helpers.simulated import chances, sample, truth_of

from classify.analysis.significance import bootstrap_p, discordant, holm, mcnemar, resampled_t
from classify.scoring.intervals import bootstrap, resampled
from classify.scoring.predictions import Predictions

PROBLEMS = {  # classes' shares, share right (of the first class a little more), texts, rows a text at most
    "2 classes alike, 200 texts": ([0.5, 0.5], 0.85, 0.05, 200, 1),
    "2 classes alike, 1,000 texts": ([0.5, 0.5], 0.85, 0.05, 1000, 1),
    "13 % positive, 500 texts": ([0.87, 0.13], 0.85, 0.10, 500, 1),
    "13 % positive, 500 texts, up to 5 copies": ([0.87, 0.13], 0.85, 0.10, 500, 5),
    "4 classes, one of 10 %, 400 texts": ([0.4, 0.3, 0.2, 0.1], 0.75, 0.10, 400, 1),
    "hard: 13 % positive, 98 % right, 200 texts": ([0.87, 0.13], 0.97, 0.01, 200, 1),
}
PAIRS = {  # shares right, how many classifiers have the first and how many the second
    "2 equal classifiers": [0.85, 0.85],
    "4 equal classifiers": [0.85] * 4,
    "0.85 against 0.89": [0.85, 0.89],
    "0.85 against 0.92": [0.85, 0.92],
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=600, help="samples of each problem")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    print(f"coverage of the 95 % intervals, {given.times} samples each")
    for name, (prior, hit, tilt, groups, copies) in PROBLEMS.items():
        found = coverage(np.array(prior), hit, tilt, groups, copies, given.times, given.seed)
        print(f"  {name:45} " + "  ".join(f"{metric} {share:.1%}" for metric, share in found.items()), flush=True)
    print(f"share of samples in which a test finds a difference at 5 % in F1 or accuracy, {given.times} samples each")
    for name, hits in PAIRS.items():
        print(
            f"  {name:45} " + "  ".join(f"{t} {s:.1%}" for t, s in found_differences(hits, given).items()), flush=True
        )


def coverage(
    prior: np.ndarray, hit: float, tilt: float, groups: int, copies: int, times: int, seed: int
) -> dict[str, float]:
    """Share of samples whose interval holds the truth, of accuracy and macro F1."""
    table = chances(len(prior), hit, tilt)
    truth, held = truth_of(prior, table), Counter()
    for i in range(times):
        (predictions,) = sample(np.random.default_rng([seed, i]), prior, [table], groups, copies)
        intervals = bootstrap(predictions, i)
        for name, value in truth.items():
            low, high = intervals[name]
            held[name] += low <= value <= high
    return {name: held[name] / times for name in truth}


def found_differences(hits: list[float], given: argparse.Namespace) -> dict[str, float]:
    """Share of samples in which each test, corrected for the number of pairs, tells some two apart."""
    found = Counter()
    tables = [chances(2, hit) for hit in hits]
    for i in range(given.times):
        rng = np.random.default_rng([given.seed, i])
        every = sample(rng, np.array([0.7, 0.3]), tables, 400, copies=2, shared=0.5)
        drawn = resampled(every, every[0].group, i)
        pairs = list(combinations(range(len(hits)), 2))
        tests = {
            "bootstrap F1": [bootstrap_p(drawn[a]["f1_macro"] - drawn[b]["f1_macro"]) for a, b in pairs],
            "bootstrap accuracy": [bootstrap_p(drawn[a]["accuracy"] - drawn[b]["accuracy"]) for a, b in pairs],
            "McNemar": [mcnemar(*discordant(every[a].right, every[b].right, every[a].group)).p for a, b in pairs],
            "t-test F1": [_over_folds(every[a], every[b]) for a, b in pairs],
        }
        for name, p in tests.items():
            found[name] += min(holm(p)) < 0.05
    return {name: found[name] / given.times for name in tests}


def _over_folds(a: Predictions, b: Predictions) -> float:
    folds = [np.flatnonzero(a.fold == fold) for fold in np.unique(a.fold)]
    scores = [[float(p.take(rows).measure()["f1_macro"][0]) for rows in folds] for p in (a, b)]
    p = resampled_t(np.subtract(*scores), 4, 1).p
    return 1.0 if p is None else p


if __name__ == "__main__":
    main()
