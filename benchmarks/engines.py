"""tk embed with 1 and 2 Ray workers of a core each, against the local engine on as many cores.

    python benchmarks/engines.py spam.csv --model FOLDER [--rows 3000]

Prints, for each way, the seconds of the whole (start of the cluster, workers and encoder included), and rows a second
between the first part that was complete and the last, when all is running.
"""

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import Cluster, Recipe, Reporter, StoreOptions, embed, read_table
from embed.engines.worker import keep_to_cores


@dataclass
class Run:
    """How long a run took, and when it had how many rows."""

    seconds: float
    steps: list[tuple[float, int]]

    @property
    def rate(self):
        """Rows a second between the first part and the last."""
        (begin, before), (end, after) = self.steps[0], self.steps[-1]
        return (after - before) / (end - begin)


class Steps(Reporter):
    """Keeps when which rows were done."""

    def __init__(self, steps):
        super().__init__()
        self.steps = steps

    def progress(self, progress):
        """After each part."""
        if progress.rows > (self.steps[-1][1] if self.steps else 0):
            self.steps.append((time.perf_counter(), progress.rows))


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


if __name__ == "__main__":
    main()
