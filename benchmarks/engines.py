"""tk embed with 1 and 2 Ray workers of a core each, against the local engine on as many cores.

    python benchmarks/engines.py spam.csv --model FOLDER [--one-core]

Prints, for each way, the seconds of the whole (start of the cluster, workers and encoder included), and rows a second
from the part that completes a third of the rows to the last, when all workers are at work: the second one loads its
encoder while the first one computes. And the processor seconds of the driver, of Ray itself and of the workers
meanwhile, also as a share of that time.
"""

import argparse
import os
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import Cluster, Recipe, Reporter, StoreOptions, embed, read_table
from embed.engines.worker import keep_to_cores


@dataclass
class Run:
    """How long a run took, and when it had how many rows."""

    seconds: float
    steps: list[tuple[float, int, dict[str, float]]]

    @property
    def rest(self):
        """The step that completes a third of the rows, and the last."""
        return next(step for step in self.steps if step[1] * 3 >= self.steps[-1][1]), self.steps[-1]

    @property
    def rate(self):
        """Rows a second between them."""
        (begin, before, _), (end, after, _) = self.rest
        return (after - before) / (end - begin)

    @property
    def processor(self):
        """Who took how many processor seconds between them."""
        (begin, _, before), (end, _, after) = self.rest
        spent = {name: seconds - before.get(name, 0) for name, seconds in after.items()}
        return ", ".join(f"{name} {seconds:.1f} s ({seconds / (end - begin):.0%})" for name, seconds in spent.items())


def processor_seconds():
    """Of this process, the workers, and all else that Ray has started."""
    found = {"driver": sum(psutil.Process().cpu_times()[:2]), "Ray": 0.0, "workers": 0.0}
    for process in psutil.Process().children(recursive=True):
        with suppress(psutil.Error):
            name = "workers" if "Worker" in " ".join(process.cmdline()) else "Ray"
            found[name] += sum(process.cpu_times()[:2])
    return found


class Steps(Reporter):
    """Keeps when which rows were done."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def progress(self, progress):
        """After each part."""
        if progress.rows > (self.steps[-1][1] if self.steps else 0):
            self.steps.append((time.perf_counter(), progress.rows, processor_seconds()))


def run(table, recipe, cluster, part_rows):
    with tempfile.TemporaryDirectory() as folder:
        start, steps = time.perf_counter(), []
        out = Path(folder) / "a.h5"
        embed(
            table, recipe, out, store=StoreOptions(part_rows=part_rows), cluster=cluster, reporter=Steps(steps),
        )  # fmt: skip
        return Run(time.perf_counter() - start, steps)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--model", required=True, help="of the encoder bert")
    parser.add_argument("--part-rows", type=int, default=256)
    parser.add_argument("--one-core", action="store_true", help="hold the local engine to one core as well")
    given = parser.parse_args()
    if given.one_core:
        keep_to_cores(1)
    os.environ["TK_STORE_INDEX"] = "off"  # no vectors of an earlier run
    table = read_table(given.table)
    local = run(table, Recipe.of("bert", model=given.model), None, given.part_rows)
    print(f"local, {'1 core' if given.one_core else 'all cores'}: {local.seconds:.1f} s, {local.rate:.0f} rows/s")
    for workers in (1, 2):
        ray = run(table, Recipe.of("bert", model=given.model), Cluster(workers=workers), given.part_rows)
        print(f"ray, {workers} workers: {ray.seconds:.1f} s, {ray.rate:.0f} rows/s ({ray.rate / local.rate:.2f})")
        print(f"  meanwhile {ray.processor}")


if __name__ == "__main__":
    main()
