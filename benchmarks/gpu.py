"""What a GPU gains: every encoder and head with tk's own commands, on it and without it.

    python benchmarks/gpu.py TABLE --transformer FOLDER --elmo FOLDER --bert FOLDER --use FOLDER
    python benchmarks/gpu.py TABLE --transformer FOLDER --rehearse

Each encoder encodes the table on the GPU, once in each precision that it has, and its first ``--cpu-rows`` rows on the
processor, in processes of their own. A line says how far the vectors of the same texts are apart (largest difference,
smallest cosine), texts a second of both (of the time that the store says texts took: loading and the first compilation
are in the command's time alone) and their ratio, and how busy the GPU was and how much memory was taken, by nvidia-smi
every ``EVERY`` seconds from the first time that it was busy to the last. Then heads are trained in five folds on the
vectors (lstm on words): largest difference of a probability, seconds of both commands and their ratio.

Without a GPU the script ends with one line, since there is no ratio to be told. ``--rehearse`` goes through all steps
with the processor in the GPU's place, and prints no ratio.
"""

import argparse
import csv
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT))
from embed import read_table
from embed.machine import gpu
from stores import FeatureStore

EVERY = 0.25
HEADS = {"dense": "vectors", "lstm": "words", "conv": "words"}
PRECISIONS = {"transformer": ("float32", "bfloat16", "float16"), "bert": ("float32", "bfloat16", "float16")}
QUERY = ["nvidia-smi", "--query-gpu=utilization.gpu,memory.used", "--format=csv,noheader,nounits", "--id=0"]


class Watch:
    """Samples what nvidia-smi says while a command runs: ``busy`` in per cent, ``memory`` in MiB; None without it."""

    def __init__(self):
        self.samples, self._end = [], threading.Event()

    def __enter__(self):
        if shutil.which(QUERY[0]):
            self._thread = threading.Thread(target=self._look)
            self._thread.start()
        return self

    def _look(self):
        while not self._end.wait(EVERY):
            done = subprocess.run(QUERY, capture_output=True, text=True, check=False)
            if done.returncode == 0:
                self.samples.append([float(number) for number in done.stdout.split("\n")[0].split(",")])

    def __exit__(self, *_):
        self._end.set()
        if hasattr(self, "_thread"):
            self._thread.join()

    def __str__(self):
        at_work = [number for number, (busy, _) in enumerate(self.samples) if busy]
        if not at_work:
            return "GPU not seen at work"
        busy = np.mean([busy for busy, _ in self.samples[at_work[0] : at_work[-1] + 1]])
        return f"busy {busy:.0f} %, {max(memory for _, memory in self.samples):,.0f} MiB"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("table", type=Path)
    for name in ("transformer", "bert", "elmo", "use"):
        parser.add_argument(f"--{name}", type=Path, help="folder of a model")
    parser.add_argument("--cpu-rows", type=int, default=2000)
    parser.add_argument("--rehearse", action="store_true")
    given = parser.parse_args()
    there, why = gpu()
    if not there and not given.rehearse:
        sys.exit(f"no ratio without a GPU ({why}); --rehearse goes through all steps on the processor")
    print(f"GPU: {why if there else 'none; rehearsed on the processor'}")
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        few = shortened(given.table, given.cpu_rows)
        for name in ("transformer", "bert", "elmo", "use"):
            if model := getattr(given, name):
                for precision in PRECISIONS.get(name, ("",)):
                    encoder(name, model.absolute(), precision, given.table.absolute(), few, given.rehearse)
        for name, source in HEADS.items():
            head(name, source, few, given.rehearse)


def shortened(table, rows):
    """A table of the first rows."""
    block = next(read_table(table).blocks(rows))
    with open("few.csv", "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("label", "text"), *zip(block.labels, block.texts, strict=True)])
    return Path("few.csv").absolute()


def tk(args, on_gpu):
    """Seconds of a command, and what was seen of the GPU meanwhile."""
    hidden = {} if on_gpu else {"CUDA_VISIBLE_DEVICES": "-1"}
    environment = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"} | hidden
    start = time.perf_counter()
    with Watch() as watch:
        done = subprocess.run(
            [sys.executable, "-m", "cli", "--quiet", *map(str, args)],
            env=environment,
            stdout=subprocess.PIPE,
            check=False,
        )
    if done.returncode:
        sys.exit(f"tk {' '.join(map(str, args))} failed")
    return time.perf_counter() - start, watch


def encoder(name, model, precision, table, few, rehearsed):
    """A line about an encoder in one precision."""
    args = ["embed", "--encoder", name, "--model", model, "--no-reuse", "--overwrite"]
    low = ["--precision", precision] if precision else []
    there = few if rehearsed else table
    seconds, watch = tk(
        [*args, *low, "--data", there, "--out", "gpu.h5", "--device", "cpu" if rehearsed else "gpu"], True
    )
    exact = ["--precision", "float32"] if precision else []
    tk([*args, *exact, "--data", few, "--out", "cpu.h5", "--device", "cpu"], False)
    with FeatureStore("gpu.h5") as one, FeatureStore("cpu.h5") as other:
        rates = [1 / max(store.seconds_per_text or 1e-9, 1e-9) for store in (one, other)]
        rows = min(len(one.text_hash), len(other.text_hash))
        a, b = (np.asarray(store.read().outputs["pooled"][:rows], np.float64) for store in (one, other))
    lengths = np.linalg.norm(a, axis=1) * np.linalg.norm(b, axis=1)
    cosine = ((a * b).sum(1)[lengths > 0] / lengths[lengths > 0]).min(initial=1)
    ratio = "" if rehearsed else f", {rates[0] / rates[1]:.1f} times the processor's {rates[1]:,.0f} in float32"
    print(f"{name} {precision or 'as published'}: largest difference {np.abs(a - b).max():.2g}, cosine {cosine:.6f}")
    print(f"  {rates[0]:,.0f} texts a second{ratio}; {watch}; {seconds:.1f} s in all", flush=True)


def head(name, source, few, rehearsed):
    """A line about a head, trained in five folds."""
    store = "words.h5" if source == "words" else "static.h5"
    if not Path(store).is_file():
        tk(["embed", "--encoder", "words" if source == "words" else "static", "--data", few, "--out", store], False)
    args = ["classify", "--features", store, "--head", name, "--cv", "5"]
    runs = [Path("runs") / f"{name}.{where}" for where in ("gpu", "cpu")]
    seconds, watch = tk([*args, "--out", runs[0]], True)
    alone, _ = tk([*args, "--out", runs[1]], False)
    one, other = map(probabilities, runs)
    ratio = "" if rehearsed else f", {alone / seconds:.1f} times as fast as the processor ({alone:.1f} s)"
    print(f"head {name}: largest difference of a probability {np.abs(one - other).max():.2g}")
    print(f"  {seconds:.1f} s{ratio}; {watch}", flush=True)


def probabilities(run):
    """The numbers of the out-of-fold predictions."""
    with open(run / "predictions.csv", newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    columns = [name for name in rows[0] if name.startswith("p_")]
    return np.array([[float(row[name]) for name in columns] for row in rows])


if __name__ == "__main__":
    main()
