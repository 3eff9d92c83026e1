"""Memory of one long text through ModernBERT's layers (random weights, 768 columns, 12 heads): with and without blocks.

Usage: python benchmarks/long_texts.py [--tokens 8192] [--precision float32]     (a process each; MiB and seconds)
"""

from __future__ import annotations

import argparse
import resource
import sys
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed.networks import transformer
from embed.networks.transformer_weights import Affine, Layer, TransformerWeights

WIDTH, HEADS, INNER, VOCABULARY = 768, 12, 1152, 1000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tokens", type=int, default=8192)
    parser.add_argument("--precision", default="float32")
    arguments = parser.parse_args()
    states = []
    for name, most in (("in blocks", transformer.SCORES), ("whole", 1 << 60)):
        with get_context("spawn").Pool(1) as pool:
            before, after, seconds, found = pool.apply(measure, (arguments.tokens, arguments.precision, most))
        print(f"{name:10} {before:6,.0f} MiB before, {after:6,.0f} MiB at most, {seconds:5.1f} s of the processor")
        states.append(found)
    print(f"largest difference {np.abs(states[0] - states[1]).max():.1e}")


def measure(tokens, precision, most):
    """MiB before and at most, processor seconds, and the last states float32 ``[tokens, WIDTH]``."""
    transformer.SCORES = most
    run = transformer.TransformerNetwork(two_layers(tokens), precision).compile([2])
    ids = np.random.default_rng(1).integers(0, VOCABULARY, tokens).astype(np.int32)
    run(ids[:16], np.array([16], np.int32))
    before = resource.getrusage(resource.RUSAGE_SELF)
    found = run(ids, np.array([tokens], np.int32))[0].numpy()
    after = resource.getrusage(resource.RUSAGE_SELF)
    seconds = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return before.ru_maxrss / 1024, after.ru_maxrss / 1024, seconds, found


def two_layers(tokens):
    """A global and a local layer with random weights; more layers reuse the same memory."""
    random = np.random.default_rng(0)

    def matrix(rows, columns):
        return Affine(random.normal(0, 0.02, (rows, columns)).astype(np.float32))

    def layer(window):
        attention = [matrix(WIDTH, WIDTH) for _ in range(4)]
        up, down = matrix(2 * INNER, WIDTH), matrix(WIDTH, INNER)
        return Layer(*attention, up, down, norm, norm, theta=10000.0 if window else 160000.0, window=window)

    norm = Affine(np.ones(WIDTH, np.float32))
    words = random.normal(0, 1, (VOCABULARY, WIDTH)).astype(np.float32)
    return TransformerWeights(words, norm, (layer(None), layer(64)), HEADS, "gelu", 1e-5, tokens, final_norm=norm)


if __name__ == "__main__":
    main()
