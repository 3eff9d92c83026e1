"""Cross-validation of all folds at once against scikit-learn's fold by fold: each figure a ratio within one run.

Usage: python benchmarks/classify.py [--rows 20000] [--dimension 1024] [--folds 10]
       python benchmarks/classify.py --store 1000000       (time and peak memory of a sweep over a store of float16)
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from classify import heads
from classify.heads._base import Fold


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--store", type=int)
    arguments = parser.parse_args()
    if arguments.store:
        with tempfile.TemporaryDirectory() as folder:
            larger_than_memory(Path(folder) / "x.npy", arguments.store, arguments.dimension, arguments.folds)
    else:
        compare(*made(arguments.rows, arguments.dimension), arguments.folds)


def made(rows, dimension):
    """Features with a common part, as encoders give them, and two classes that overlap."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal((rows, dimension), np.float32)
    x[:, : dimension // 5] += rng.standard_normal((rows, 1)) * 0.3
    weights = rng.standard_normal(dimension) * 0.15
    return x, (rng.random(rows) < 1 / (1 + np.exp(-(x @ weights)))).astype(int)


def compare(x, y, k):
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold, cross_validate
    from sklearn.naive_bayes import GaussianNB
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    splits = list(StratifiedKFold(k, shuffle=True, random_state=0).split(x, y))
    print(f"{len(x):,} x {x.shape[1]} float32, {k} folds; seconds, the best of three in turn")
    rivals = {
        "logistic": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)),
        "logistic, tol=1e-6": make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, tol=1e-6)),
        "nb": GaussianNB(),
    }
    for name, rival in rivals.items():
        head = name.split(",")[0]
        runs = {"tk": lambda head=head: ours(head, x, y, splits)}
        for jobs in (1, 2):
            runs[f"scikit-learn, n_jobs={jobs}"] = lambda rival=rival, jobs=jobs: cross_validate(
                rival, x, y, cv=splits, n_jobs=jobs, scoring="accuracy"
            )["test_score"]
        best = {which: np.inf for which in runs}
        scores = {}
        for _ in range(3):
            for which, run in runs.items():
                start = time.perf_counter()
                scores[which] = np.mean(run())
                best[which] = min(best[which], time.perf_counter() - start)
        line = "  ".join(f"{which} {s:.2f} s ({s / best['tk']:.1f} x)" for which, s in best.items())
        print(f"{name:20} {line}; accuracy {', '.join(f'{s:.4f}' for s in scores.values())}", flush=True)
        if name.startswith("logistic"):
            print(
                f"{'':20} objective of the first fold: tk - scikit-learn, relative: {gap(rival, x, y, splits[0]):.1e}"
            )


def ours(name, x, y, splits):
    """Accuracy of each fold."""
    fitted = heads.load(name).fit_folds(x, y, 2, [Fold(train, 0) for train, _ in splits])
    tests = [test for _, test in splits]
    return [(head.predict_proba(x, t).argmax(1) == y[t]).mean() for head, t in zip(fitted, tests, strict=True)]


def gap(rival, x, y, split):
    """How much higher our objective is than the rival's, in float64."""
    rows = split[0]
    (head,) = heads.load("logistic").fit_folds(x, y, 2, [Fold(rows, 0)])
    scaler, theirs = rival.fit(x[rows], y[rows])
    z = (x[rows] - scaler.mean_) / scaler.scale_
    weights = head.weights_[:, 0] * scaler.scale_
    intercept = head.intercepts_[0] + scaler.mean_ @ head.weights_[:, 0]
    sign = 2 * y[rows] - 1
    value = lambda w, b: np.logaddexp(0, -sign * (z @ w + b)).sum() + w @ w / 2
    best = value(theirs.coef_[0], theirs.intercept_[0])
    return (value(weights, intercept) - best) / best


def larger_than_memory(path, rows, dimension, k):
    """All folds from a memory map of float16, a block at a time."""
    x = np.lib.format.open_memmap(path, "w+", np.float16, (rows, dimension))
    rng = np.random.default_rng(0)
    weights = rng.standard_normal(dimension) * 0.15
    y = np.empty(rows, int)
    for start in range(0, rows, 8192):
        block = rng.standard_normal((min(8192, rows - start), dimension), np.float32)
        x[start : start + 8192] = block
        y[start : start + 8192] = rng.random(len(block)) < 1 / (1 + np.exp(-(block @ weights)))
    x.flush()
    del x
    x, fold = np.load(path, mmap_mode="r"), np.arange(rows) % k
    start = time.perf_counter()
    fitted = heads.load("logistic").fit_folds(x, y, 2, [Fold(np.flatnonzero(fold != j), 0) for j in range(k)])
    seconds = time.perf_counter() - start
    steps = [head.history_["steps"][0] for head in fitted]
    print(f"{rows:,} x {dimension} float16, {k} folds: {seconds:.1f} s, {max(steps)} steps, {memory()}")


def memory():
    """What this process ever held, and what of it is its own, not pages of the file."""
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return f"peak {peak:,.0f} MiB with the file's pages, {int(status['RssAnon'].split()[0]) / 1024:,.0f} MiB without"


if __name__ == "__main__":
    main()
