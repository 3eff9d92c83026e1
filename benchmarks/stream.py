"""The share of a run in which the encoder computes: of a simulated device, or of a real encoder.

    python benchmarks/stream.py --device-seconds 0.4
    python benchmarks/stream.py TABLE --encoder transformer --model FOLDER

Each way is run once with three threads and once with one, as the local engine would for a single part. Without a table,
made-up texts go through an encoder that cuts them into words and then sleeps for so many seconds a part, in which a
device would compute; it lets go of Python's lock while it does. A line of 60 characters shows which steps were under
way, in the order of time: C computes, r reads and cuts into tokens, w writes a part; R and W: nothing else went on.
Busy is the time from the first text that is computed to the last, and the share of it in which something is.
"""

import argparse
import csv
import os
import random
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import Recipe, StoreOptions, embed, read_table
from embed.encoders.base import Encoder
from embed.engines import local
from embed.part import PartWriter
from stores.features import PooledFeatures


class Sleeping(Encoder):
    """Cuts a text into words and letters, and sleeps as long as a device would take for a part."""

    name = "sleeping"
    kind = "pooled"
    part_rows = 4096

    def __init__(self, seconds, width=384):
        self.sleep = time.sleep
        self.seconds, self.vectors = seconds, np.random.default_rng(0).normal(size=(256, width)).astype(np.float32)

    def identity(self):
        """No store is made with it that lasts."""
        return {"encoder": self.name}

    def prepare(self, texts):
        """As much work as a tokenizer has: some 100 MB/s."""
        words = [[hash(word) & 255 for word in text.split()] for text in texts]
        counts = np.zeros((len(words), 3), np.int32)
        counts[:, 0] = list(map(len, words))
        return np.array([some[0] for some in words]), counts

    def encode_prepared(self, prepared):
        """Sleep, then vectors by the first word."""
        self.sleep(self.seconds)
        first, counts = prepared
        return PooledFeatures({"pooled": self.vectors[first]}, counts)

    def encode(self, texts):
        """Both."""
        return self.encode_prepared(self.prepare(texts))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", nargs="?")
    parser.add_argument("--encoder", default="static")
    parser.add_argument("--model")
    parser.add_argument("--rows", type=int, default=100_000, help="of the made-up table")
    parser.add_argument("--device-seconds", type=float, default=0.4, help="of a part of 4,096 rows")
    parser.add_argument("--part-rows", type=int)
    given = parser.parse_args()
    os.environ["TK_STORE_INDEX"] = "off"  # no vectors of an earlier run
    with tempfile.TemporaryDirectory() as folder:
        if given.table is None:
            given.table = made_up(Path(folder) / "table.csv", given.rows)
            recipe = Recipe(Sleeping(given.device_seconds), {})
        else:
            recipe = Recipe.of(given.encoder, **({"model": given.model} if given.model else {}))
            recipe.encode(["a text, so that the encoder is loaded"] * 300, reuse=False)
        for threads in (True, False):
            report("three threads" if threads else "one thread", *run(given, recipe, threads, Path(folder)))


def made_up(path, rows):
    """Texts of 5 to 30 words."""
    rng = random.Random(0)
    words = ["".join(rng.choices("abcdefghijklmnopqrstuvwxyz", k=rng.randint(2, 9))) for _ in range(20_000)]
    with open(path, "w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["label", "text"])
        table.writerows(["ab"[i % 2], " ".join(rng.choices(words, k=rng.randint(5, 30)))] for i in range(rows))
    return path


def run(given, recipe, threads, folder):
    """Spans of the steps, ``(step, begin, end)``, and begin and end of all; processor seconds."""
    spans = []

    def timed(step, real):
        def call(*args):
            begin = time.perf_counter()
            try:
                return real(*args)
            finally:
                spans.append((step, begin, time.perf_counter()))

        return call

    class Timed(local.LocalEngine):
        """With a thread for each step, or one for all."""

        def run(self, plans):
            self._threads = threads
            self._prepare, self._write = timed("r", self._prepare), timed("w", self._write)
            return super().run(iter_timed(plans))

    def iter_timed(plans):
        step = timed("r", lambda: next(plans, None))
        while (plan := step()) is not None:
            yield plan

    import embed.engines as engines

    engines.LocalEngine, real = Timed, PartWriter.encode
    if isinstance(recipe.encoder, Sleeping):
        recipe.encoder.sleep = timed("C", time.sleep)
    else:
        PartWriter.encode = lambda *args: timed("C", real)(*args)
    start, cpu = time.perf_counter(), time.process_time()
    try:
        options = StoreOptions(part_rows=given.part_rows)
        embed(read_table(given.table), recipe, folder / "a.h5", store=options, overwrite=True, reuse=False)
    finally:
        engines.LocalEngine, PartWriter.encode = local.LocalEngine, real
    (folder / "a.h5").unlink()
    return spans, start, time.perf_counter(), time.process_time() - cpu


def report(name, spans, start, end, cpu):
    computing = [(begin, ended) for step, begin, ended in spans if step == "C"]
    busy = sum(ended - begin for begin, ended in computing)
    first, last = computing[0][0], computing[-1][1]
    print(f"{name}: {len(computing)} parts, {end - start:.2f} s, {cpu:.2f} of the processor; computing {busy:.2f}")
    print(
        f"  busy {busy / (last - first):.1%} from the first to the last text; outside of it {end - start - busy:.2f} s"
    )
    line = ""
    for i in range(60):
        at = start + (i + 0.5) / 60 * (end - start)
        now = {step for step, begin, ended in spans if begin <= at < ended}
        line += "C" if "C" in now else "W" if now == {"w"} else "R" if now else "a" if at > last else "."
    print(f"  {line}")


if __name__ == "__main__":
    main()
