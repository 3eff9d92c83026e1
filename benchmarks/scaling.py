"""How time and memory of a cross-validated and scored head grow with rows, classes and columns, with the exponent.

Usage: python benchmarks/scaling.py [--rows 10000,100000,1000000] [--classes 2,10,150] [--columns 64,384,1024]

Each size is a fresh process: made-up vectors, ``logistic`` (C=1) in 5 folds, then all scores with their intervals
(the resamples of Brier skill and calibration error among them), and the resamples of every metric that
``tk evaluate`` draws. Times are seconds of processor time, so that other work on the machine counts little; memory is
the peak beside the vectors. The exponent is that of the growth between the smallest and the largest size: 1 is linear.
"""

from __future__ import annotations

import argparse
import math
import platform
import resource
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

STEPS = ("fit and predict", "scores and intervals", "resamples of all")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name, default in (("rows", "10000,100000,1000000"), ("classes", "2,10,150"), ("columns", "64,384,1024")):
        parser.add_argument(f"--{name}", default=default)
    parser.add_argument("--one", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.one:
        print(*measure(*map(int, given.one.split(","))))
        return
    print(f"{heading()}; processor seconds, and MiB beside the vectors")
    grow("rows", sizes(given.rows), lambda n: (n, 2, 64))
    grow("classes", sizes(given.classes), lambda n: (15_000, n, 64))
    grow("columns", sizes(given.columns), lambda n: (20_000, 2, n))


def sizes(text):
    return [int(part) for part in text.split(",")]


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
        one = ",".join(map(str, shape(value)))
        done = subprocess.run([sys.executable, __file__, "--one", one], capture_output=True, text=True, check=True)
        found.append([float(part) for part in done.stdout.split()])
        line = "  ".join(f"{step} {t:.2f} s" for step, t in zip(STEPS, found[-1], strict=False))
        print(f"{value:9,} {what:8} {line}  {found[-1][-1]:.0f} MiB", flush=True)
    if len(values) > 1:
        ends = zip(STEPS, found[0], found[-1], strict=False)  # of the times alone
        powers = [math.log(b / a) / math.log(values[-1] / values[0]) for _, a, b in ends]
        print(f"{'exponent':>18} " + "  ".join(f"{step} {p:.2f}" for step, p in zip(STEPS, powers, strict=False)))


def measure(n, n_classes, columns):
    """Processor seconds of each step, and the peak memory in MiB beside the vectors."""
    rng = np.random.default_rng(0)
    y = rng.integers(n_classes, size=n)
    x = rng.standard_normal((n, columns), np.float32)
    x += rng.standard_normal((n_classes, columns), np.float32)[y] * 0.5
    fold, rows, before = rng.integers(5, size=n), np.arange(n), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
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
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    return [*np.diff(times), peak / 1024]


if __name__ == "__main__":
    main()
