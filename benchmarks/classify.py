"""Cross-validation of all folds at once against scikit-learn's fold by fold: each figure a ratio within one run.

Usage: python benchmarks/classify.py [--rows 20000] [--dimension 1024] [--folds 10]
       python benchmarks/classify.py --dense               (against a loop over Keras)
       python benchmarks/classify.py --store 1000000       (time and peak memory of a sweep over a store of float16)
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from classify import heads
from classify.heads.base import FitTask
from stores import Block, FeatureStore, PooledFeatures, write_store
from stores.writer import Extent


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--dimension", type=int, default=1024)
    parser.add_argument("--folds", type=int, default=10)
    parser.add_argument("--dense", action="store_true")
    parser.add_argument("--store", type=int)
    arguments = parser.parse_args()
    if arguments.store:
        with tempfile.TemporaryDirectory() as folder:
            larger_than_memory(Path(folder) / "x.h5", arguments.store, arguments.dimension, arguments.folds)
    elif arguments.dense:
        compare_dense(*made(arguments.rows, arguments.dimension), arguments.folds)
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


def ours(name, x, y, splits, **options):
    """Accuracy of each fold."""
    fitted = heads.load(name, **options).fit_folds(x, y, 2, [FitTask(train, 0) for train, _ in splits])
    tests = [test for _, test in splits]
    return [(head.predict_proba(x, t).argmax(1) == y[t]).mean() for head, t in zip(fitted, tests, strict=True)]


def gap(rival, x, y, split):
    """How much higher our objective is than the rival's, in float64."""
    rows = split[0]
    (head,) = heads.load("logistic").fit_folds(x, y, 2, [FitTask(rows, 0)])
    scaler, theirs = rival.fit(x[rows], y[rows])
    z = (x[rows] - scaler.mean_) / scaler.scale_
    weights = head.weights_[:, 0] * scaler.scale_
    intercept = head.intercepts_[0] + scaler.mean_ @ head.weights_[:, 0]
    sign = 2 * y[rows] - 1
    value = lambda w, b: np.logaddexp(0, -sign * (z @ w + b)).sum() + w @ w / 2
    best = value(theirs.coef_[0], theirs.intercept_[0])
    return (value(weights, intercept) - best) / best


def compare_dense(x, y, k, epochs=2):
    """All folds of ``dense`` against one ``fit`` of the same network in Keras after the other."""
    from sklearn.model_selection import StratifiedKFold

    splits = list(StratifiedKFold(k, shuffle=True, random_state=0).split(x, y))
    ours("dense", x[:64], y[:64], [(np.arange(64), np.arange(64))], epochs=1)  # TensorFlow is loaded
    start = time.perf_counter()
    score = np.mean(ours("dense", x, y, splits, epochs=epochs))
    middle = time.perf_counter()
    theirs = np.mean([keras_fold(x[a], y[a], x[b], y[b], epochs) for a, b in splits])
    seconds, rival = middle - start, time.perf_counter() - middle
    print(
        f"dense, {epochs} epochs: tk {seconds:.1f} s; Keras, a fit a fold {rival:.1f} s ({rival / seconds:.1f} x); "
        f"accuracy {score:.4f}, {theirs:.4f}"
    )


def keras_fold(x, y, test, truth, epochs):
    """The published network, as one would write it."""
    import keras

    scale = keras.layers.Normalization()
    scale.adapt(x)
    penalty = keras.regularizers.L2(0.001)
    hidden = keras.layers.Dense(1024, activation="relu", kernel_regularizer=penalty)
    network = keras.Sequential([scale, hidden, keras.layers.Dense(1, activation="sigmoid")])
    network.compile(keras.optimizers.Adam(2e-4), "binary_crossentropy")
    network.fit(x, y, 32, epochs, verbose=0)
    return ((network.predict(test, 1024, verbose=0)[:, 0] > 0.5) == truth).mean()


def larger_than_memory(path, rows, dimension, k):
    """All folds from a store of float16, a block at a time."""
    from classify.data import load_data

    weights = np.random.default_rng(1).standard_normal(dimension) * 0.15
    extent = Extent(["no", "yes"], rows, 0, {}, 0)
    attributes = {
        "identity": {"encoder": "bench"}, "identity_digest": "bench", "versions": {}, "command": "bench",
        "recipe": {}, "source": {}, "totals": {"rows": rows}, "times": (0.0, 0.0, 0.0),
    }  # fmt: skip
    write_store(
        path,
        (made_block(start, min(8192, rows - start), weights) for start in range(0, rows, 8192)),
        extent,
        attributes,
    )
    peak = Peak()
    start = time.perf_counter()
    with FeatureStore(path) as store:
        store.verify()
    del store  # and with it its maps of the file
    print(f"verify: {time.perf_counter() - start:.1f} s")
    start = time.perf_counter()
    data = load_data(path)
    print(f"load_data, verify included: {time.perf_counter() - start:.1f} s, {type(data.x).__name__} {data.x.dtype}")
    fold = np.arange(rows) % k
    folds = [FitTask(np.flatnonzero(fold != j), 0) for j in range(k)]
    for name in ("nb", "logistic"):
        start = time.perf_counter()
        fitted = heads.load(name).fit_folds(data.x, data.y, 2, folds)
        middle = time.perf_counter()
        right = [(head.predict_proba(data.x, t := np.flatnonzero(fold == j)).argmax(1) == data.y[t]).mean()
                 for j, head in enumerate(fitted)]  # fmt: skip
        end = time.perf_counter()
        steps = [head.history_["steps"][0] for head in fitted if head.history_]
        print(f"{name}: fit {middle - start:.1f} s, predict {end - middle:.1f} s, accuracy {np.mean(right):.4f}, "
              f"steps {max(steps, default=0)}; {peak.said()}", flush=True)  # fmt: skip


def made_block(start, n, weights):
    """Some rows of a store."""
    rng = np.random.default_rng(start)
    x = rng.standard_normal((n, len(weights)), np.float32)
    labels = np.where(rng.random(n) < 1 / (1 + np.exp(-(x @ weights))), "yes", "no").tolist()
    features = PooledFeatures({"pooled": x.astype(np.float16)}, np.ones((n, 3), np.int32))
    hashes = np.arange(start, start + n).astype("<u8").repeat(2).view(np.uint8).reshape(n, 16)
    return Block(np.arange(start, start + n) + 2, hashes, labels, None, features)


class Peak:
    """The most memory of this process's own, without pages of files, looked at every 20 ms."""

    def __init__(self):
        self.own = 0
        threading.Thread(target=self.validation, daemon=True).start()

    def validation(self):
        """Look, for ever."""
        while True:
            status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
            self.own = max(self.own, int(status["RssAnon"].split()[0]))
            time.sleep(0.02)

    def said(self):
        """What was seen."""
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
        return f"peak so far {self.own / 1024:,.0f} MiB, {peak:,.0f} MiB with the pages of the file"


if __name__ == "__main__":
    main()
