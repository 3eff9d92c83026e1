"""How far off the time left is that ``tk embed`` shows, at a quarter, half and three quarters of the encoding.

Run as ``python -m benchmarks.eta --model FOLDER --data reviews.csv [--max-tokens 256]``.
"""

import argparse
import os
import tempfile
import time
from pathlib import Path

from commands.reporter import Pace
from embed import Recipe, Reporter, embed, read_table


def main():
    """Encode a table, and compare what was foretold with what came."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--encoder", default="bert")
    parser.add_argument("--max-tokens", type=int)
    given = parser.parse_args()
    os.environ["TK_STORE_INDEX"] = "off"  # no vectors of an earlier run
    options = {"model": given.model} | ({"max_tokens": given.max_tokens} if given.max_tokens else {})
    table, recipe, pace, seen = read_table(given.data), Recipe.of(given.encoder, **options), Pace(), []

    class Told(Reporter):
        def progress(self, done):
            pace.update(done)
            seen.append((time.monotonic(), pace.left, done.share))

    with tempfile.TemporaryDirectory() as folder:
        embed(table, recipe, Path(folder) / "a.h5", reporter=Told())
    start, end = seen[0][0], seen[-1][0]
    name = Path(given.data).name
    print(f"{name}: {table.most_rows:,} rows at most, {end - start:.1f} s from the first batch to the last")
    for share in (0.25, 0.5, 0.75):
        at, left, position = next(row for row in seen if row[0] >= start + share * (end - start))
        error = (left - (end - at)) / (end - start)
        print(
            f"{share:.0%} of the time: {end - at:6.1f} s were left, {left:6.1f} s were shown "
            f"({error:+.1%} of the whole); the bar was at {position:.0%}"
        )


if __name__ == "__main__":
    main()
