"""The Universal Sentence Encoder: batches of like length against the module's own graph on texts in file order.

    python -m benchmarks.use --model FOLDER --data TABLE [--rows 2000] [--budgets 4096,8192,16384] [--at-once 1,2]
        [--rounds 2]

Every way encodes the same distinct texts in one process, by turns; the best of some rounds counts, in seconds of the
processor and of the clock. The rival is a loop over the texts as they stand in the file, so many a call.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable

import numpy as np

from embed import load_encoder, read_table
from embed.batches import Batches

CALLS = (32, 64, 256)  # texts a call of the rival


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", required=True)
    parser.add_argument("--data", required=True)
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--budgets", default="4096,8192,16384,32768,65536", help="padded words a batch")
    parser.add_argument("--at-once", default="1,2", help="batches, each in a thread")
    parser.add_argument("--rounds", type=int, default=2)
    given = parser.parse_args()
    texts = [text for rows in read_table(given.data).blocks(8192) for text in rows.texts if text.strip()]
    texts = list(dict.fromkeys(texts))[: given.rows]
    encoder = load_encoder("use", model=given.model)
    expected = encoder.encode(texts).outputs["pooled"]

    def in_order(size: int) -> Callable[[], np.ndarray]:
        return lambda: np.concatenate(
            [encoder._call([text.encode() for text in texts[i : i + size]]) for i in range(0, len(texts), size)]
        )

    def by_length(budget: int, at_once: int) -> Callable[[], np.ndarray]:
        def encode() -> np.ndarray:
            encoder._batches = Batches(budget, at_once=at_once)
            return encoder.encode(texts).outputs["pooled"]

        return encode

    ways = {f"own graph, {size} texts a call": in_order(size) for size in CALLS}
    for at_once in map(int, given.at_once.split(",")):
        for budget in map(int, given.budgets.split(",")):
            ways[f"tk, {budget} words a batch, {at_once} at once"] = by_length(budget, at_once)
    best: dict[str, np.ndarray] = {}
    for _ in range(given.rounds):
        for way, encode in ways.items():
            start, used = time.perf_counter(), time.process_time()
            found = encode()
            seconds = np.array([time.process_time() - used, time.perf_counter() - start])
            assert np.abs(found - expected).max() < 1e-5
            best[way] = np.minimum(best.get(way, seconds), seconds)
    first = np.min([best[way] for way in ways if way.startswith("own")], 0)
    print(f"{len(texts):,} texts")
    for way, (used, seconds) in best.items():
        faster, sooner = first / (used, seconds)
        ratios = f"{faster:5.2f} and {sooner:5.2f} times the best rival"
        print(f"{used:7.2f} s of the processor {seconds:7.2f} s  {ratios}  {way}")


if __name__ == "__main__":
    main()
