"""How time and memory of a cross-validated and scored head grow with rows, classes, columns and tokens.

Usage: python benchmarks/scaling.py [--rows 10000,100000,1000000] [--classes 2,10,150] [--columns 64,384,1024]
                                    [--tokens 10,100,1000] [--million 256]

Each size is a fresh process: made-up vectors, ``logistic`` (C=1) in 5 folds, then all scores with their intervals
(the resamples of Brier skill and calibration error among them), and the resamples of every metric that
``tk evaluate`` draws. Of tokens: 2,000 texts of so many words by Zipf's law, ``logistic`` (C=1) on words and pairs of
words. ``--million``: a million rows of so many columns. Times are seconds of processor time, so that other work on the
machine counts little; memory is the peak beside the vectors, which lie in memory (Linux only). The exponent is the
slope of the logarithms by least squares over all sizes: 1 is linear.
"""

from __future__ import annotations

import argparse
import platform
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from classify import heads
from classify.heads.base import FitTask
from classify.scoring.bootstrap import resampled
from classify.scoring.intervals import intervals
from classify.scoring.predictions import Predictions
from stores.features import IdFeatures

DEFAULTS = {"rows": "10000,100000,1000000", "classes": "2,10,150", "columns": "64,384,1024",
            "tokens": "10,100,1000", "million": "256"}  # fmt: skip
STEPS = ("fit and predict", "scores and intervals", "resamples of all")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in DEFAULTS.items():
        parser.add_argument(f"--{name}", default=default, help="none: an empty text")
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        what, *shape = given.one.split(",")
        print(*(measure_words if what == "tokens" else measure)(*map(int, shape)))
        return
    print(f"{heading()}; processor seconds, and MiB beside the vectors")
    grow("rows", sizes(given.rows), lambda n: (n, 2, 64))
    grow("classes", sizes(given.classes), lambda n: (15_000, n, 64))
    grow("columns", sizes(given.columns), lambda n: (20_000, 2, n))
    grow("tokens", sizes(given.tokens), lambda n: (2_000, n))
    grow("million", sizes(given.million), lambda n: (1_000_000, 2, n))


def sizes(text):
    return [int(part) for part in text.split(",") if part]


def heading():
    """The date and the processor."""
    return f"{date.today()}, {processor()}"


def processor():
    """Its name, where the system tells."""
    lines = Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{names[0]}, {len(names)} cores" if names else platform.processor()


def grow(what, values, shape):
    """Measure each size, and print how it grows."""
    found = []
    for value in values:
        one = ",".join(map(str, (what, *shape(value))))
        done = subprocess.run([sys.executable, __file__, "--one", one], capture_output=True, text=True, check=True)
        found.append([float(part) for part in done.stdout.split()])
        line = "  ".join(f"{step} {t:.2f} s" for step, t in zip(STEPS, found[-1][:-1], strict=False))
        print(f"{value:9,} {what:8} {line}  {found[-1][-1]:.0f} MiB", flush=True)
    if len(values) > 1:
        times = np.log(np.maximum([row[:-1] for row in found], 1e-3))
        powers = np.polyfit(np.log(values), times, 1)[0]
        print(f"{'exponent':>18} " + "  ".join(f"{step} {p:.2f}" for step, p in zip(STEPS, powers, strict=False)))


def measure(n, n_classes, columns):
    """Processor seconds of each step, and the peak memory in MiB beside the vectors."""
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n)
    x, centres = np.empty((n, columns), np.float32), rng.standard_normal((n_classes, columns), np.float32) * 0.5
    for start in range(0, n, 8192):
        block = x[start : start + 8192]
        rng.standard_normal(out=block, dtype=np.float32)
        block += centres[y[start : start + 8192]]
    fold, rows, before = rng.integers(5, size=n), np.arange(n), fresh_peak()
    heads.load("logistic").fit(x[:100], np.arange(100) % 2, 2, 0)  # libraries are loaded
    times = [time.process_time()]
    tasks = [FitTask(np.flatnonzero(fold != k), 0) for k in range(5)]
    proba = np.empty((n, n_classes))
    for k, head in enumerate(heads.load("logistic").fit_folds(x, y, n_classes, tasks)):
        proba[fold == k] = head.predict_proba(x, np.flatnonzero(fold == k))
    times.append(time.process_time())
    names = [f"class {c}" for c in range(n_classes)]
    found = Predictions(names, n_classes - 1, rows, rows, rows, fold, y, proba.argmax(1), proba)
    found.measure()
    intervals(found, 0, float(columns))
    times.append(time.process_time())
    resampled([found], rows, 0)
    times.append(time.process_time())
    return [*np.diff(times), peak() - before]


def measure_words(n, tokens):
    """The same of logistic regression on ``n`` texts of so many words: fit and predict alone."""
    rng = np.random.default_rng(0)
    y = rng.integers(2, size=n)
    ids = np.minimum(rng.zipf(1.3, (n, tokens)), 100_000) + y[:, None] * rng.integers(0, 2, (n, tokens))
    texts = IdFeatures.from_tokens([[f"w{i}" for i in row] for row in ids.tolist()])
    heads.load("logistic").fit(texts[np.arange(100)], np.arange(100) % 2, 2, 0)  # libraries are loaded
    fold, before, start = rng.integers(5, size=n), fresh_peak(), time.process_time()
    tasks = [FitTask(np.flatnonzero(fold != k), 0) for k in range(5)]
    for k, head in enumerate(heads.load("logistic").fit_folds(texts, y, 2, tasks)):
        head.predict_proba(texts, np.flatnonzero(fold == k))
    return [time.process_time() - start, peak() - before]


def fresh_peak():
    """MiB that are held now; from now on ``peak`` counts afresh."""
    Path("/proc/self/clear_refs").write_text("5")
    return peak()


def peak():
    """The most that this process has held, in MiB."""
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmHWM")).split()[1]) / 1024


if __name__ == "__main__":
    main()
