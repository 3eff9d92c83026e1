"""Reading tables against pandas.read_csv in chunks: rows per second, as ratios within one run; and flat memory.

Usage: python benchmarks/reading.py spam.csv train.csv ...     (each repeated to 60 MB)
       python benchmarks/reading.py --memory 10 100 1000       (peak memory of reading made-up tables of so many MB)
"""

from __future__ import annotations

import argparse
import csv
import gzip
import io
import os
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import read_table
from embed.reading.decode import decode_whole

MEGABYTES, ROWS, TIMES = 60, 8192, 7
OURS, LOOKED, PANDAS = "tk, blocks", "tk, read_table and blocks", "pandas, chunks"
OUR_LISTS = "tk, blocks, columns as lists"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--memory", type=int, nargs="*")
    parser.add_argument("--read-only", type=Path)
    arguments = parser.parse_args()
    if arguments.read_only:
        print(sum(len(block) for block in read_table(arguments.read_only).blocks(ROWS)))
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.memory or ():
            memory(Path(folder) / "made.csv", size)
        for table in arguments.tables:
            compare(table, Path(folder) / "grown.csv")


def compare(source, path):
    """Rows a second of both readers, the best of ``TIMES`` runs of each, in turn; all give the columns that tk uses."""
    import pandas as pd

    grow(source, path)
    table = read_table(path)

    def ours():
        return sum(map(len, table.blocks(ROWS)))

    def our_lists():
        return sum(max(map(len, as_lists(block))) for block in table.blocks(ROWS))

    pandas = partial(pd.read_csv, path, chunksize=ROWS, usecols=table.columns.all)

    def lists():
        return sum(max(len(chunk[name].tolist()) for name in table.columns.all) for chunk in pandas())

    def looked():
        read_table(path)
        return ours()

    def module():
        with open(path, newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    runs = {
        OURS: ours,
        LOOKED: looked,
        PANDAS: lambda: sum(map(len, pandas())),
        OUR_LISTS: our_lists,
        "pandas, chunks, columns as lists": lists,
        "pandas, chunks, dtype=object": lambda: sum(map(len, pandas(dtype=object))),
        "csv.reader": module,
    }
    best = dict.fromkeys(runs, np.inf)
    for _ in range(TIMES):
        for name, run in runs.items():
            start = time.perf_counter()
            rows = run()
            best[name] = min(best[name], time.perf_counter() - start)
    print(f"{source.name}: {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
    for name, seconds in best.items():
        like = OURS if name in (OURS, LOOKED, PANDAS) else OUR_LISTS  # which of them make no Python texts
        print(f"  {name:42} {seconds:7.3f} s {rows / seconds / 1e6:6.2f} M rows/s {best[like] / seconds:6.2f}")


def as_lists(block):
    """The columns of a block as Python lists."""
    labels = block.labels.T.tolist() if block.label_names else [block.labels]
    return [column for column in (block.texts, block.ids, block.splits, *labels) if column is not None]


def grow(source, path):
    """The rows of a table again and again, up to ``MEGABYTES``, in UTF-8, without cells under unnamed columns."""
    data = (gzip.open if source.suffix == ".gz" else open)(source, "rb").read()
    header, *rows = csv.reader(io.StringIO(decode_whole(data, None)[0], newline=""))
    named = [i for i, name in enumerate(header) if name]
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([header[i] for i in named])
        while file.tell() < MEGABYTES * 1_000_000:
            writer.writerows([row[i] for i in named] for row in rows)


def memory(path, megabytes):
    """Peak memory of a process that reads a table of so many megabytes, whose texts hold quotes and line breaks."""
    piece = "".join(f'ham,"text {i} of a table, ""made up""\nin two lines, é"\r\n' for i in range(20_000)).encode()
    with open(path, "wb") as file:
        file.write(b"label,text\r\n")
        while file.tell() < megabytes * 1_000_000:
            file.write(piece)
    process = subprocess.Popen([sys.executable, __file__, "--read-only", str(path)], stdout=subprocess.PIPE, text=True)
    rows = int(process.stdout.read())
    _, _, usage = os.wait4(process.pid, 0)
    print(f"{megabytes:>6,} MB, {rows:>11,} rows: {usage.ru_maxrss / 1024:,.0f} MiB", flush=True)


if __name__ == "__main__":
    main()
