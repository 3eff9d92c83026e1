"""Assembly and hash look-up at large row counts, with synthetic hashes: what each costs a row, and where it ends.

    python -m tools.simulate_scale --rows 1000000 10000000 --part-rows 65536

For each number of rows: the index of known texts is built from parts of that many rows, as a run builds it, and asked
for texts half of which it knows; parts of one float16 column are put together as an index (``--layout parts``).
The last figure of a line is the largest memory of the process so far.
``--assemble`` sets the largest row count for which real parts are written.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
import time
from pathlib import Path

import numpy as np

from stores import Block, PooledFeatures
from stores.hash_index import HashIndex
from stores.parts import Parts

ATTRIBUTES = {"identity": {}, "identity_digest": "0", "recipe": {}, "source": {}, "versions": {}, "command": ""}


def hashes_of(start: int, rows: int) -> np.ndarray:
    """Uint8 ``[rows, 16]`` that look random, two 64-bit mixes (splitmix64) of the row number."""
    numbers = np.arange(start, start + rows, dtype=np.uint64)
    return np.stack([mix(numbers), mix(numbers ^ np.uint64(1 << 60))], 1).view(np.uint8)


def mix(numbers: np.ndarray) -> np.ndarray:
    """splitmix64 (Steele, Lea and Flood, 2014, figure 9 and the authors' constants)."""
    z = numbers + np.uint64(0x9E3779B97F4A7C15)
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return z ^ (z >> np.uint64(31))


def look_up(rows: int, part_rows: int) -> None:
    """Build the index part by part, and ask it."""
    index, start = HashIndex(), time.perf_counter()
    for number, first in enumerate(range(0, rows, part_rows)):
        index.insert(hashes_of(first, min(part_rows, rows - first)), number)
    built, start = time.perf_counter() - start, time.perf_counter()
    asked = np.concatenate([hashes_of(rows // 2, 50_000), hashes_of(1 << 50, 50_000)])
    found = index.find(asked)[0].sum()
    seconds = time.perf_counter() - start
    print(
        f"{rows:>13,} rows  index {built:8.1f} s ({built / rows * 1e9:6.0f} ns a row)  find {seconds / 1e5 * 1e9:6.0f}"
        f" ns a text, {found:,} found  {memory():.2f} GB",
        flush=True,
    )


def memory() -> float:
    """The largest memory of this process so far, GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6


def assemble(rows: int, part_rows: int) -> None:
    """Write parts, and put them together as an index of them."""
    with tempfile.TemporaryDirectory() as folder:
        parts = Parts(Path(folder) / "a.h5", ATTRIBUTES, layout="parts")
        start = time.perf_counter()
        for number, first in enumerate(range(0, rows, part_rows)):
            size = min(part_rows, rows - first)
            features = PooledFeatures({"pooled": np.zeros((size, 1), np.float16)}, np.ones((size, 3), np.int32))
            block = Block(np.arange(first, first + size), hashes_of(first, size), [None] * size, None, features)
            parts.write(number, block, {"rows": size}, (0.0, 0.0, 0.0))
        written, start = time.perf_counter() - start, time.perf_counter()
        parts.assemble(number + 1, 0.0)
        put = time.perf_counter() - start
        size = (Path(folder) / "a.h5").stat().st_size
    print(
        f"{rows:>13,} rows  {number + 1} parts written in {written:.1f} s, put together in {put:.1f} s"
        f" ({put / rows * 1e9:.0f} ns, {size / rows:.1f} bytes a row)  {memory():.2f} GB",
        flush=True,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, nargs="+", default=[1_000_000])
    parser.add_argument("--part-rows", type=int, default=65_536)
    parser.add_argument("--assemble", type=int, default=10_000_000)
    given = parser.parse_args()
    for rows in given.rows:
        if rows <= given.assemble:
            assemble(rows, given.part_rows)
        look_up(rows, given.part_rows)


if __name__ == "__main__":
    main()
