"""Cross-validated logistic regression on features that are larger than memory would like: a memory map of float16.

    python benchmarks/large.py --rows 10000000 --folder /tmp [--dtype float32] [--mixed] [--sampled]

Writes ROWS x 256 made-up features (5.1 GB for 10 million in float16, removed at the end), and fits all folds in one
sweep over them, as ``tk classify --head logistic --cv 5`` does. Prints the time, how often the rows were read, how much
memory the process held beside the mapped file, and the accuracy over rows that a fold left out. With ``--sampled`` the
solver of that name follows, and by how much its objective is larger. ``--mixed``: columns that hang together, as those
of encoders do: their variances along the principal directions fall as 1 / k.
"""

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from classify.solvers.logistic import Problems, Task, fit_logistic
from classify.solvers.logistic_sampled import fit_sampled

COLUMNS, BLOCK = 256, 1 << 16


def make(path, rows, dtype, mixed, seed=0):
    """Two classes, a little apart in every column; and which class each row has."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, 2, rows)
    apart = rng.normal(0, 0.12, COLUMNS).astype(np.float32)
    x = np.memmap(path, dtype, "w+", shape=(rows, COLUMNS))
    turn = np.linalg.qr(rng.standard_normal((COLUMNS, COLUMNS)))[0] / np.sqrt(np.arange(1, COLUMNS + 1))[:, None]
    for start in range(0, rows, BLOCK):
        here = y[start : start + BLOCK]
        noise = rng.standard_normal((len(here), COLUMNS), np.float32)
        noise += (2 * here[:, None] - 1) * apart
        x[start : start + BLOCK] = noise @ turn.astype(np.float32) if mixed else noise
    x.flush()
    return np.memmap(path, dtype, "r", shape=(rows, COLUMNS)), y


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
    parser.add_argument("--dtype", default="float16")
    parser.add_argument("--mixed", action="store_true")
    parser.add_argument("--sampled", action="store_true")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as folder:
        start = time.perf_counter()
        x, y = make(Path(folder) / "x", given.rows, given.dtype, given.mixed)
        print(f"made {x.nbytes / 1e9:.2f} GB in {time.perf_counter() - start:.0f} s", flush=True)
        memory, passes = Memory(), count_passes()
        fold = np.random.default_rng(1).integers(0, given.folds, given.rows)
        counts = (fold[:, None] != np.arange(given.folds)).astype(np.float32)
        best = None
        for fit in [fit_logistic, fit_sampled][: 1 + given.sampled]:
            passes.clear()
            start, cpu = time.perf_counter(), time.process_time()
            solution = fit(x, y, counts, [Task(number) for number in range(given.folds)], 2, 100)
            seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
            print(f"{fit.__name__}, {given.rows:,} x {COLUMNS}, {given.folds} folds: {seconds:.1f} s ({cpu:.1f} s CPU)")
            print(f"  {sum(passes) / given.rows:.1f} passes of the objective; steps {solution.steps.tolist()}")
            print(f"  largest memory beside the file: {memory.most / 1e6:.2f} GB")
            print(f"  accuracy on left-out rows: {accuracy(x, y, fold, solution):.4f}", flush=True)
            if best is not None:
                print(f"  objective above that of the first, at most: {(solution.objectives / best - 1).max():.1e}")
            best = solution.objectives


def count_passes():
    """A list to which the rows of each evaluation of the objective are added."""
    rows, of_one = [], Problems.value_and_gradient

    def counted(self, u, which):
        rows.append(len(self.x))
        return of_one(self, u, which)

    Problems.value_and_gradient = counted
    return rows


def accuracy(x, y, fold, solution, rows=200_000):
    """Of the first rows, each by the model of the fold that left it out."""
    head = np.asarray(x[:rows], np.float32)
    weights, intercepts = np.asarray(solution.weights), np.asarray(solution.intercepts)
    scores = np.einsum("nd,nd->n", head, weights[fold[:rows], :, 0]) + intercepts[fold[:rows], 0]
    return ((scores > 0) == y[:rows]).mean()


if __name__ == "__main__":
    main()
