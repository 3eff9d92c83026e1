"""The Universal Sentence Encoder: batches of like length against the module's own graph on texts in file order.

    python benchmarks/use.py --model FOLDER --data TABLE [--rows 2000] [--budgets 4096,8192,16384] [--at-once 1,2]
        [--rounds 3] [--precisions float32,bfloat16]

Every way encodes the same distinct texts in one process, by turns; the best of some rounds counts, in seconds of the
processor and of the clock. The rival is a loop over the texts as they stand in the file, so many a call, in float32.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable
from itertools import product
from typing import Any

import numpy as np
from scaling import heading

from embed import load_encoder, read_table
from embed.batches import Batches

CALLS = (32, 64, 256)  # texts a call of the rival


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--budgets", default="2048,4096,32768", help="padded words a batch")
    parser.add_argument("--at-once", default="1,2", help="batches, each in a thread")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--precisions", default="float32,bfloat16", help="the second where the processor has it")
    given = parser.parse_args()
    texts = [text for rows in read_table(given.data).blocks(8192) for text in rows.texts if text.strip()]
    texts = list(dict.fromkeys(texts))[: given.rows]
    encoders = {name: load_encoder("use", model=given.model, precision=name) for name in given.precisions.split(",")}
    expected = load_encoder("use", model=given.model).encode(texts).outputs["pooled"]
    print(heading())

    ways = ways_of(encoders, texts, numbers(given.budgets), numbers(given.at_once))
    farthest: dict[str, float] = {}
    best: dict[str, np.ndarray] = {}
    for _ in range(given.rounds):
        for way, encode in ways.items():
            start, used = time.perf_counter(), time.process_time()
            found = encode()
            seconds = np.array([time.process_time() - used, time.perf_counter() - start])
            farthest[way] = max(farthest.get(way, 0), _cosine_error(found, expected))
            best[way] = np.minimum(best.get(way, seconds), seconds)
    first = np.min([best[way] for way in ways if way.startswith("own")], 0)
    print(f"{len(texts):,} texts; times the best rival\n")
    print("| way | of the processor | seconds | times | times by the clock | cosine error at most |")
    print("| --- | --- | --- | --- | --- | --- |")
    for way, (used, seconds) in best.items():
        faster, sooner = first / (used, seconds)
        print(f"| {way} | {used:.2f} | {seconds:.2f} | {faster:.2f} | {sooner:.2f} | {farthest[way]:.0e} |")


def ways_of(encoders: dict[str, Any], texts: list[str], budgets: list[int], at_once: list[int]) -> dict[str, Callable]:
    """Every way by its name: the graph's own, and ``tk`` with each precision, budget and number of batches at once."""

    def in_order(size: int) -> Callable[[], np.ndarray]:
        own = encoders["float32"]
        return lambda: np.concatenate(
            [own._call([text.encode() for text in texts[i : i + size]]) for i in range(0, len(texts), size)]
        )

    def by_length(encoder: Any, budget: int, batches: int) -> Callable[[], np.ndarray]:
        def encode() -> np.ndarray:
            encoder._batches = Batches(budget, at_once=batches)
            return encoder.encode(texts).outputs["pooled"]

        return encode

    for encoder in encoders.values():
        encoder.encode(texts[:1])  # loads the module
    ways = {f"own graph, {size} texts a call": in_order(size) for size in CALLS}
    for name, encoder in encoders.items():
        for budget, batches in product(budgets, at_once):
            ways[f"tk, {name}, {budget} words a batch, {batches} at once"] = by_length(encoder, budget, batches)
    return ways


def numbers(given: str) -> list[int]:
    """Those with commas between."""
    return [int(number) for number in given.split(",")]


def _cosine_error(found: np.ndarray, expected: np.ndarray) -> float:
    """The largest 1 - cosine between rows."""
    found, expected = (x.astype(float) / np.linalg.norm(x.astype(float), axis=1)[:, None] for x in (found, expected))
    return float(np.max(1 - (found * expected).sum(1)))


if __name__ == "__main__":
    main()
