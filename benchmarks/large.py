"""Cross-validated logistic regression on features that are larger than memory would like: a memory map of float16.

    python benchmarks/large.py --rows 10000000 --folder /tmp

Writes ROWS x 256 made-up features (5.1 GB for 10 million, removed at the end), and fits all folds in one sweep over
them, as ``tk classify --head logistic --cv 5`` does. Prints the time, how much memory the process held beside the
mapped file, and the accuracy over rows that a fold left out.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from classify.solvers.logistic import Task, fit_logistic

COLUMNS, BLOCK = 256, 1 << 16


def make(path, rows, seed=0):
    """Two classes, a little apart in every column; and which class each row has."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    apart = rng.normal(0, 0.12, COLUMNS).astype(np.float32)
    x = np.memmap(path, np.float16, "w+", shape=(rows, COLUMNS))
    for start in range(0, rows, BLOCK):
        here = y[start : start + BLOCK]
        noise = rng.standard_normal((len(here), COLUMNS), np.float32)
        x[start : start + BLOCK] = noise + (2 * here[:, None] - 1) * apart
    x.flush()
    return np.memmap(path, np.float16, "r", shape=(rows, COLUMNS)), y


class Memory:
    """The largest memory of this process that is not a mapped file (Linux), sampled."""

    def __init__(self):
        self.most = 0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self):
        while True:
            status = Path("/proc/self/status").read_text()
            self.most = max(self.most, int(status.split("RssAnon:")[1].split()[0]))
            time.sleep(0.05)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--folder")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        start = time.perf_counter()
        x, y = make(Path(folder) / "x.f16", given.rows)
        print(f"made {x.nbytes / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s", flush=True)
        memory, start = Memory(), time.perf_counter()
        fold = np.random.default_rng(1).integers(0, given.folds, given.rows)
        counts = (fold[:, None] != np.arange(given.folds)).astype(np.float32)
        solution = fit_logistic(x, y, counts, [Task(number) for number in range(given.folds)], 2, 100)
        seconds = time.perf_counter() - start
        print(f"{given.rows:,} x {COLUMNS}, {given.folds} folds: {seconds:.1f} s, {solution.steps} steps")
        print(f"largest memory beside the file: {memory.most / 1e6:.2f} GB")
        print(f"accuracy on left-out rows: {accuracy(x, y, fold, solution):.4f}")


def accuracy(x, y, fold, solution, rows=200_000):
    """Of the first rows, each by the model of the fold that left it out."""
    head = np.asarray(x[:rows], np.float32)
    weights, intercepts = np.asarray(solution.weights), np.asarray(solution.intercepts)
    scores = np.einsum("nd,nd->n", head, weights[fold[:rows], :, 0]) + intercepts[fold[:rows], 0]
    return ((scores > 0) == y[:rows]).mean()


if __name__ == "__main__":
    main()
