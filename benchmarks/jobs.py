"""Whole jobs against the script that a person would write: cold processes by turns, medians, peak memory of each.

Usage: python benchmarks/jobs.py [--sms spam.csv] [--model MINILM] [--emails emails.csv.gz] [--glove glove.6B.50d.txt]
                                 [--graphs FOLDER] [--rows 100000] [--repeats 3] [--only sms] [--profile]

A job is one or more commands in an empty folder; the time is from the start of the first process to the end of the
last, processor time and memory are those of the processes (children included). Before each process of a way the files
it reads are in the page cache. The graphs of MiniLM for ONNX Runtime (plain.onnx, int8.onnx) are made in FOLDER before,
if they are not there; without ``--graphs`` its scripts are left out. ``--rows`` texts are made up: 24 words as frequent
as Zipf's law says, the label by the weights of these. ``--profile`` prints where the processor time of each command of
tk goes, by functions.
"""

from __future__ import annotations

import argparse
import os
import pstats
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scaling import heading

ROOT = Path(__file__).parents[1]
SCRIPT = [sys.executable, str(ROOT / "benchmarks" / "job_scripts.py")]
PROFILED = (
    "import cProfile, runpy, sys; sys.argv[0] = 'tk'; "
    "cProfile.run(\"runpy.run_module('cli', run_name='__main__')\", sys.argv.pop(1))"
)


class Run(NamedTuple):
    """Seconds on the clock, of the processor, and the largest memory of a process in MiB."""

    wall: float
    cpu: float
    mib: float


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("sms", "emails", "glove", "model", "graphs"):
        parser.add_argument(f"--{name}", type=lambda path: str(Path(path).resolve()))
    parser.add_argument("--rows", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--only", help="jobs and ways whose names hold this")
    parser.add_argument("--profile", action="store_true")
    given = parser.parse_args()
    print(heading())
    with tempfile.TemporaryDirectory() as folder:
        given.made_up = made_up(Path(folder) / "made-up.csv", given.rows) if given.rows else None
        for job, ways in jobs(given).items():
            chosen = {way: steps for way, steps in ways.items() if not given.only or given.only in f"{job}: {way}"}
            if chosen:
                (profile if given.profile else compare)(job, chosen, given.repeats)


def jobs(given):
    """Job -> way -> its commands, of what there are files for."""
    found = {}
    if given.sms:
        static = [tk("embed", "--encoder", "static", "--data", given.sms, "--out", "x.h5"), tk("classify", "x.h5")]
        found["SMS, static or words: vectors, scores in 5 folds"] = {
            "tk, C tuned, baseline and report included": static,
            "TfidfVectorizer + LogisticRegression(C=10)": [[*SCRIPT, "tfidf", given.sms]],
            "the same, C by GridSearchCV inside the folds": [[*SCRIPT, "tfidf", given.sms, "--tuned"]],
        }
    if given.sms and given.model:
        ways = {}
        for precision in ("float32", "auto"):
            embed = tk("embed", "--encoder", "transformer", "--model", given.model, "--precision", precision,
                       "--data", given.sms, "--out", "x.h5")  # fmt: skip
            ways[f"tk, {precision}, report included"] = [embed, tk("classify", "x.h5")]
        for name, graph in graphs_of(given.model, given.graphs).items():
            ways[f"ONNX Runtime {name} + LogisticRegressionCV"] = [[*SCRIPT, "onnx", given.sms, graph, "--tuned"]]
        found["SMS, MiniLM: vectors, scores in 5 folds"] = ways
    if given.emails and given.glove:
        embed = tk("embed", "--encoder", "glove", "--model", given.glove, "--data", given.emails, "--out", "x.h5")
        found["e-mails, glove.6B.50d: mean vectors"] = {
            "tk, first use of the file": [["env", "TK_CACHE_DIR=cache", *embed]],
            "tk, later use of the file": [embed],
            "polars and a regular expression": [[*SCRIPT, "polars", given.emails, given.glove]],
            "pandas and a regular expression": [[*SCRIPT, "pandas", given.emails, given.glove]],
        }
    if given.emails:
        words = tk("embed", "--encoder", "words", "--data", given.emails, "--out", "x.h5")
        goal = tk("classify", "x.h5", "--goal", "recall>=0.99")
        found["e-mails, words: recall>=0.99 in 5 folds"] = {"tk, report included": [words, goal]}
    if given.made_up:
        embed = tk("embed", "--encoder", "static", "--data", given.made_up, "--out", "x.h5")
        found[f"{given.rows:,} made-up texts, static: vectors, scores in 5 folds"] = {
            "tk, C tuned, baseline included, no report": [embed, tk("classify", "x.h5", "--no-report")],
            "StandardScaler + LogisticRegression on these vectors": [embed, [*SCRIPT, "vectors", "x.h5"]],
            "the same, LogisticRegressionCV on three inner folds": [embed, [*SCRIPT, "vectors", "x.h5", "--tuned"]],
        }
    return found


def made_up(path, rows):
    """A table of texts whose label their words decide, but for a tenth."""
    random = np.random.default_rng(0)
    frequency = 1 / np.arange(1, 30_001)
    words = random.choice(len(frequency), (rows, 24), p=frequency / frequency.sum())
    score = random.normal(size=len(frequency))[words].sum(1) + random.normal(size=rows) * 2
    with open(path, "w") as file:
        file.write("text,label\n")
        for some, label in zip(words, np.where(score > 0, "yes", "no"), strict=True):
            file.write(" ".join(map(_word, some)) + f",{label}\n")
    return str(path)


def _word(number):
    """Letters for a number: texts that differ in digits alone count as alike."""
    letters = ""
    while number or not letters:
        number, letter = divmod(int(number), 26)
        letters += chr(ord("a") + letter)
    return letters


def graphs_of(model, folder):
    """Precision -> a graph of the model for ONNX Runtime, its tokenizer.json beside it; none without a folder."""
    if folder is None:
        return {}
    folder = Path(folder)
    if not (folder / "int8.onnx").is_file():
        folder.mkdir(exist_ok=True)
        code = (
            "import sys; from pathlib import Path; from benchmarks.bert_rivals import export; "
            "export(*map(Path, sys.argv[1:]))"
        )
        # a process of its own: the memory of this one would be counted as that of those it starts
        subprocess.run([sys.executable, "-c", code, model, folder], cwd=ROOT, check=True)
    shutil.copy(Path(model) / "tokenizer.json", folder)
    return {"float32": str(folder / "plain.onnx"), "int8": str(folder / "int8.onnx")}


def tk(*arguments):
    return [sys.executable, "-m", "cli", *arguments]


def compare(job, ways, repeats):
    """By turns, as a table of medians."""
    runs = {way: [] for way in ways}
    for _ in range(repeats):
        for way, steps in ways.items():
            runs[way].append(run(steps))
            print(f"{job}; {way}: {runs[way][-1]}", file=sys.stderr)
    print(f"\n{job}\n\n| way | seconds | of the processor | MiB |\n| --- | --- | --- | --- |")
    for way, each in runs.items():
        wall, cpu, mib = (statistics.median(values) for values in zip(*each, strict=True))
        print(f"| {way} | {wall:.2f} | {cpu:.2f} | {mib:.0f} |", flush=True)


def run(steps):
    """The commands one after the other in an empty folder."""
    kept = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"}
    kept.pop("PYTHONDONTWRITEBYTECODE", None)  # compiled once, as an installed package is
    begin, cpu, peak = time.perf_counter(), 0.0, 0
    with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nothing:
        for command in steps:
            process = subprocess.Popen(command, cwd=folder, env=kept, stdout=nothing, stderr=nothing)
            _, status, usage = os.wait4(process.pid, 0)
            if status:
                sys.exit(f"failed: {' '.join(command)}")
            cpu, peak = cpu + usage.ru_utime + usage.ru_stime, max(peak, usage.ru_maxrss)
    return Run(time.perf_counter() - begin, cpu, peak / 1024)  # Linux counts KiB


def profile(job, ways, _):
    """The functions in which the commands of tk spend most, imports as one."""
    for way, steps in ways.items():
        if not way.startswith("tk") or steps[0][0] == "env":
            continue
        with tempfile.TemporaryDirectory() as folder, open(os.devnull, "w") as nothing:
            for command in steps:
                profiled = [command[0], "-c", PROFILED, "profile", *command[3:]]
                environment = os.environ | {"PYTHONPATH": str(ROOT), "TK_STORE_INDEX": "off"}
                subprocess.run(profiled, cwd=folder, env=environment, stdout=nothing, stderr=nothing, check=True)
                stats = pstats.Stats(os.path.join(folder, "profile"))
                print(f"\n{job}; {way}: tk {command[3]}, {stats.total_tt:.2f} s under the profiler\n")
                print("| seconds, with what it calls | function |\n| --- | --- |")
                rows = sorted(((row[3], where) for where, row in stats.stats.items()), reverse=True)
                for seconds, (path, _, name) in [r for r in rows if wanted(r[1])][:25]:
                    print(f"| {seconds:.2f} | `{Path(path).stem}.{name}` |")


def wanted(where):
    """Functions of tk, the import of whole libraries, and the solver of scikit-learn."""
    path, _, name = where
    whole = name == "<module>" and Path(path).name == "__init__.py" and Path(path).parents[1].name == "site-packages"
    return whole or name == "_fit_liblinear" or (str(ROOT) in path and name[0] not in "<")


if __name__ == "__main__":
    main()
