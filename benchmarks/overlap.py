"""Where the time of tk embed goes, step by step: the share of it in which the encoder computes.

    python benchmarks/overlap.py TABLE --encoder static
    python benchmarks/overlap.py TABLE --encoder bert --model FOLDER

A line of 60 characters shows the steps in the order of time: r reads, cleans and looks up, C computes, w writes a
part, a puts them together.
"""

import argparse
import os
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import Recipe, StoreOptions, embed, read_table
from embed.engines import local


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table")
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--model")
    parser.add_argument("--part-rows", type=int)
    given = parser.parse_args()
    os.environ["TK_STORE_INDEX"] = "off"  # no vectors of an earlier run
    recipe = Recipe.of(given.encoder, **({"model": given.model} if given.model else {}))
    recipe.encode(["a text, so that the encoder is loaded"], reuse=False)
    spans = []

    class Timed(local.LocalEngine):
        """Notes when each step of a part ends."""

        def make(self, job):
            begin = time.perf_counter()
            made = recipe.encode(job.new_texts, reuse=False) if len(job.new) else None
            computed = time.perf_counter()
            self._maker.write(job, made, 0.0)
            spans.append((begin, computed, time.perf_counter()))
            self._done(job.number, len(job.rows))

    import embed.engines as engines

    engines.LocalEngine = Timed
    with tempfile.TemporaryDirectory() as folder:
        start = time.perf_counter()
        embed(read_table(given.table), recipe, Path(folder) / "a.h5", store=StoreOptions(part_rows=given.part_rows))
        end = time.perf_counter()
    report(start, spans, end)


def report(start, spans, end):
    computing = sum(computed - begin for begin, computed, _ in spans)
    writing = sum(written - computed for _, computed, written in spans)
    last = spans[-1][-1]
    print(f"{len(spans)} parts, {end - start:.2f} s: compute {computing / (end - start):.1%}, write parts")
    print(
        f"  {writing / (end - start):.1%}, put together {(end - last) / (end - start):.1%}, the rest reads and looks up"
    )
    line = ""
    for i in range(60):
        at = start + (i + 0.5) / 60 * (end - start)
        line += next(
            ("C" if at < computed else "w" for begin, computed, written in spans if begin <= at < written),
            "a" if at > last else "r",
        )
    print(line)


if __name__ == "__main__":
    main()
