"""The encoder transformer against sentence-transformers, ONNX Runtime and OpenVINO: one model, whole files, medians.

Usage: python benchmarks/bert.py MODEL --sms spam.csv [--imdb aclImdb_subset.tar.gz] [--reviews 400] [--repeats 3]

MODEL is the folder of all-MiniLM-L6-v2. Each way gets the texts and gives vectors, tokenising included. Each rival
first tries its settings (padded tokens in a batch and batches at once, longest texts first; PyTorch: texts in a batch)
on every sixteenth text, and then runs in its best one; the ways take turns, and the median time of each counts.
``start`` is a process of its own, from its start to the vector of one text; graphs are made before. The error is the
largest 1 - cosine to the first way in float32. Single times go to the error output.
"""

from __future__ import annotations

import argparse
import csv
import io
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "benchmarks")]
from bert_rivals import export, ways


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("--sms", type=Path)
    parser.add_argument("--imdb", type=Path)
    parser.add_argument("--limits", type=int, nargs="+", default=[128, 256, 512], help="tokens of a review")
    parser.add_argument("--reviews", type=int, default=400, help="whole reviews, both classes by turns")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", nargs="+", help="names of ways")
    parser.add_argument("--graphs", type=Path, help="folder of the graphs, which are made if it has none")
    parser.add_argument("--start", help="name of one way, which gives one vector")
    arguments = parser.parse_args()
    if arguments.start:
        ways(arguments.model, arguments.graphs)[arguments.start]().run(["call me when you are home"], 128, None)
        return
    with tempfile.TemporaryDirectory() as folder:
        opened = opened_ways(arguments.model, arguments.graphs or Path(folder), arguments.only)
        if arguments.sms:
            sms = read_sms(arguments.sms)
            compare(opened, f"All {len(sms):,} SMS, cut at 128", sms, 128, arguments.repeats)
        if arguments.imdb:
            reviews = read_imdb(arguments.imdb, arguments.reviews)
            for most in arguments.limits:
                compare(opened, f"{len(reviews):,} IMDB reviews, cut at {most}", reviews, most, arguments.repeats)


def read_sms(path):
    with open(path, encoding="cp1252", errors="replace", newline="") as file:
        return [row[1] for row in csv.reader(file)][1:]


def read_imdb(path, most):
    """Reviews of the training set, both classes by turns in the order of their names."""
    with tarfile.open(path) as tar:
        members = [m for m in tar if m.name.startswith("aclImdb/train/") and "/unsup" not in m.name]
        members = sorted((m for m in members if m.name.count("/") == 3 and m.isfile()), key=lambda m: m.name[-9:])
        return [io.TextIOWrapper(tar.extractfile(m), encoding="utf-8").read() for m in members[:most]]


def opened_ways(model, graphs, only):
    """Name -> way, and seconds of a process that starts and gives one vector."""
    if not (graphs / "int8.onnx").is_file():
        begin = time.perf_counter()
        export(model, graphs)
        print(f"export, optimisation and quantisation of the graphs: {time.perf_counter() - begin:.1f} s\n", flush=True)
    found = {}
    for name, open_way in ways(model, graphs).items():
        if only and name not in only:
            continue
        begin = time.perf_counter()
        command = [sys.executable, __file__, str(model), "--graphs", str(graphs), "--start", name]
        subprocess.run(command, check=True, stderr=subprocess.DEVNULL)
        start = time.perf_counter() - begin
        way = open_way()
        way.run(["call me when you are home"] * 600, 128, None)  # more than NumPy does for short jobs
        found[name] = way, start
    return found


def compare(opened, what, texts, most, repeats):
    """Times by turns, as a table."""
    best, times, vectors = {}, {name: [] for name in opened}, {}
    for name, (way, _) in opened.items():
        tried = {}
        for setting in way.settings if len(way.settings) > 1 else ():
            way.run(texts[:64], most, setting)
            begin = time.perf_counter()
            way.run(texts[::16], most, setting)
            tried[setting] = time.perf_counter() - begin
        best[name] = min(tried, key=tried.get, default=None)
    for _ in range(repeats):
        for name, (way, _) in opened.items():
            begin = time.perf_counter()
            vectors[name] = way.run(texts, most, best[name])
            times[name].append(time.perf_counter() - begin)
            print(f"{name}: {times[name][-1]:.2f} s", file=sys.stderr)
    exact = next((vectors[name] for name in vectors if name.endswith("float32")), next(iter(vectors.values())))
    print(f"{what}\n\n| | seconds | texts a second | start | error | setting |\n| --- | --- | --- | --- | --- | --- |")
    for name, (_, start) in opened.items():
        seconds, error = float(np.median(times[name])), 1 - (cosine(vectors[name], exact)).min()
        rate, setting = len(texts) / seconds, best[name] or ""
        print(f"| {name} | {seconds:.2f} | {rate:,.0f} | {start:.1f} | {error:.0e} | {setting} |", flush=True)
    print()


def cosine(a, b):
    """Of each row of ``a`` with that of ``b``, in float64."""
    a, b = (x.astype(np.float64) for x in (a, b))
    return (a * b).sum(1) / np.linalg.norm(a, axis=1) / np.linalg.norm(b, axis=1)


if __name__ == "__main__":
    main()
