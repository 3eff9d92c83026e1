"""The feature store against plain h5py, np.load and NumPy's memory map: each figure a ratio within one run.

Usage: python benchmarks/stores.py [--rows 200000] [--folder FOLDER]      (FOLDER: on the disk to measure)
       python benchmarks/stores.py --memory 10000 100000 1000000          (peak memory of writing and assembling)
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import h5py
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from stores import FeatureStore, PooledFeatures, TokenFeatures
from stores.block import Block
from stores.parts import Parts
from stores.reuse_index import ReuseIndex, read_places
from stores.shared.fingerprint import hash_texts

WIDTH, PART = 1024, 8192
ATTRIBUTES = {
    "identity": {"encoder": "bench"}, "identity_digest": "bench", "versions": {}, "command": "bench",
    "recipe": {}, "source": {},
}  # fmt: skip


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=200_000)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--memory", type=int, nargs="*")
    parser.add_argument("--write-only", type=int)
    arguments = parser.parse_args()
    if arguments.write_only:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            write(Path(folder) / "a.h5", blocks_of(arguments.write_only))
    elif arguments.memory:
        memory(arguments.memory)
    else:
        with tempfile.TemporaryDirectory(dir=arguments.folder) as folder:
            compare(Path(folder), arguments.rows)


def compare(folder, rows):
    """Every ratio; the smallest of three runs of each, in turn."""
    values = block(0, rows)
    blocks = list(blocks_of(rows, values))
    path, plain, array = folder / "ours.h5", folder / "plain.h5", folder / "array.npy"
    print(f"{rows:,} x {WIDTH} float32, {values.nbytes / 1e6:,.0f} MB")
    index, kept = folder / "index.h5", folder / "index.h5.parts"
    rival = partial(write_plain, plain, values)
    report("write, parts and assembly synced", 3, partial(write, path, blocks), rival, ([path], [plain]))
    report("  the same with --layout parts", 3, partial(write, index, blocks, "parts"), rival, ([index, kept], [plain]))
    shutil.rmtree(kept)
    np.save(array, values)
    with FeatureStore(path) as store:
        report("read all in order", 3, store.to_numpy, lambda: np.load(array))
        chosen = np.random.default_rng(1).integers(rows, size=10_000)
        mapped = np.load(array, mmap_mode="r")
        report("gather 10,000 random rows", 9, lambda: store.features[chosen], lambda: np.asarray(mapped[chosen]))
        assert (store.features[chosen] == mapped[chosen]).all()
        with h5py.File(plain) as file:
            report(
                "  the same, h5py's own indexing", 1, lambda: store.features[chosen], lambda: gather_h5py(file, chosen)
            )
        hashes = store.text_hash[chosen]
        known = ReuseIndex("bench")
        start = time.perf_counter()
        known.add([path])
        read_places(known.look_up(hashes)[1])
        print(f"10,000 known texts found and joined: {time.perf_counter() - start:.3f} s")
    tokens(folder)


def blocks_of(rows, values=None):
    """Blocks of 8,192 rows, ready to be written."""
    for start in range(0, rows, PART):
        stop = min(start + PART, rows)
        part = block(start, stop) if values is None else values[start:stop]
        features = PooledFeatures({"pooled": part}, np.ones((stop - start, 3), np.int32))
        hashes = hash_texts([str(i) for i in range(start, stop)])
        yield Block(np.arange(start, stop), hashes, ["ham"] * (stop - start), None, features)


def write(path, blocks, layout="whole"):
    """Parts, each synced, then the whole, or an index of the parts."""
    parts = Parts(path, ATTRIBUTES, layout=layout, alone=True)
    for number, part in enumerate(blocks):
        parts.write(number, part, {}, (0.0, 0.0, 0.0))
    parts.assemble(number + 1, 0.0)


def write_plain(path, values):
    with h5py.File(path, "w") as file:
        file.create_dataset("features", data=values)
    with open(path, "rb+") as file:
        os.fsync(file.fileno())


def gather_h5py(file, rows):
    wanted, inverse = np.unique(rows, return_inverse=True)
    return file["features"][wanted][inverse]


def tokens(folder):
    """Bytes of token features against the bare numbers."""
    lengths = np.full(5000, 30)
    values = np.random.default_rng(2).normal(size=(lengths.sum(), 768)).astype(np.float16)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    features = TokenFeatures({"tokens": values}, np.ones((5000, 3), np.int32), offsets)
    parts = Parts(folder / "tokens.h5", ATTRIBUTES)
    hashes = hash_texts([str(i) for i in range(5000)])
    parts.write(0, Block(np.arange(5000), hashes, ["ham"] * 5000, None, features), {}, (0.0, 0.0, 0.0))
    parts.assemble(1, 0.0)
    size = (folder / "tokens.h5").stat().st_size
    print(f"5,000 texts of 30 tokens x 768 float16: {size / values.nbytes:.4f} x the bare bytes")


def memory(sizes):
    """Peak memory of a process that writes and assembles so many rows."""
    for rows in sizes:
        process = subprocess.Popen([sys.executable, __file__, "--write-only", str(rows)])
        _, _, usage = os.wait4(process.pid, 0)
        print(f"{rows:>9,} rows: {usage.ru_maxrss / 1024:,.0f} MiB", flush=True)


def block(start, stop):
    return np.random.default_rng(start).random((stop - start, WIDTH), np.float32)


def report(what, times, ours, rival, made=((), ())):
    """Seconds of both and their ratio; the files ``made`` by each are removed before its runs."""
    best = [np.inf, np.inf]
    for _ in range(times):
        for i, run in enumerate((ours, rival)):
            for path in made[i]:  # or the old file would take time, and memory, while the new one is written
                shutil.rmtree(path) if path.is_dir() else path.unlink(missing_ok=True)
            start = time.perf_counter()
            run()
            best[i] = min(best[i], time.perf_counter() - start)
    print(f"{what:36} {best[0]:8.3f} s  rival {best[1]:8.3f} s  ratio {best[0] / best[1]:6.2f}", flush=True)


if __name__ == "__main__":
    main()
