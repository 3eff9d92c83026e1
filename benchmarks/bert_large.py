"""BERT-large (24 layers of 1,024, random weights in the layout of TF-Hub's version 1) against the module's own graph.

Usage: python benchmarks/bert_large.py spam.csv

Rate in tokens a second, as a share of the largest float32 matrix product, times the graph in file order, and memory.
"""

from __future__ import annotations

import multiprocessing
import resource
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks"), str(ROOT / "tests")]
from bert import read_sms
from helpers import bert_models

from embed import load_encoder
from stores.shared.tensorflow import load_tensorflow

BATCH = 32


def full_size(texts):
    """24 layers, 1,024 wide, random weights in the layout of version 1: rate and memory, against its own graph."""
    heads, depth, width, inner = 16, 24, 1024, 4096
    letters = [chr(33 + i) for i in range(94)]
    pieces = [
        *bert_models.PIECES[:5],
        *letters,
        *(f"##{letter}" for letter in letters),
        *map("w{}".format, range(28_803)),
    ]
    sizes = {"WIDTH": width, "INNER": inner, "DEPTH": depth, "POSITIONS": 512, "PIECES": pieces}
    for name, value in sizes.items():
        setattr(bert_models, name, value)
    with tempfile.TemporaryDirectory() as folder:
        path = write_large(Path(folder) / "hub", heads, pieces)
        tf = load_tensorflow()
        before = memory()
        encoder = load_encoder("bert", model=str(path), casing="cased")
        lengths = encoder.encode(texts).counts[:, 0] + 2
        loaded = memory()
        module = tf.saved_model.load(str(path))
        ids = [np.random.default_rng(0).integers(5, 1000, n) for n in lengths]
        best, slow, top = np.inf, np.inf, 0.0
        for _ in range(2):
            top = peak(tf, top)
            start = time.perf_counter()
            encoder.encode(texts)
            best = min(best, time.perf_counter() - start)
            start = time.perf_counter()
            for at in range(0, len(ids), BATCH):
                padded = pad(ids[at : at + BATCH])
                module([tf.constant(x, tf.int32) for x in (padded, padded > 0, padded * 0)])[1].numpy()
            slow = min(slow, time.perf_counter() - start)
    share = operations(lengths, depth, width, inner) / best / top
    rate = lengths.sum() / best
    print(f"{depth} layers of {width:,}: {len(texts)} SMS of {lengths.mean():.0f} tokens, {rate:.0f} tokens/s")
    print(f"{share:.2f} of the largest product ({top / 1e9:.0f} GFLOP/s); its graph in file order {slow / best:.2f} x")
    print(f"peak memory {before:.1f} GiB before, {loaded:.1f} GiB after the first use with its probe")


def write_large(path, heads, pieces):
    """The module, by a process that is over before anything is measured; TensorFlow is not loaded yet."""

    def write():
        weights = {name: array * np.float32(0.1) for name, array in bert_models.arrays().items()}
        bert_models.hub(path, 1, weights=weights, heads=heads, pieces=pieces)

    process = multiprocessing.get_context("fork").Process(target=write)
    process.start()
    process.join()
    return path


def pad(batch, longest=0):
    """Texts as rows, padded with zeros to the longest or more: int32 [B, T]."""
    padded = np.zeros((len(batch), max(longest, *map(len, batch))), np.int32)
    for row, some in zip(padded, batch, strict=True):
        row[: len(some)] = some
    return padded


def operations(self, texts, most):
    """Of the products of matrices, on real tokens."""
    return operations(np.array([len(some) for some in self.ids(texts, most)]), self.layers, self.width, self.inner)


def peak(tf, best=0.0):
    """The largest rate of a float32 matrix product, operations a second."""
    for n in (2048, 4096):
        a = tf.random.normal([n, n])
        for _ in range(3):
            start = time.perf_counter()
            tf.matmul(a, a).numpy()
            best = max(best, 2 * n**3 / (time.perf_counter() - start))
    return best


def memory():
    """The largest memory of this process so far, GiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


if __name__ == "__main__":
    full_size(read_sms(Path(sys.argv[1]))[::20])
