"""Reading tables against pandas.read_csv in chunks: rows per second, as ratios within one run; and flat memory.

Usage: python benchmarks/reading.py spam.csv train.csv ...     (each repeated to 60 MB; a process for each reader)
       python benchmarks/reading.py --together spam.csv ...    (one process for all, which keep memory for each other)
       python benchmarks/reading.py --memory 10 100 1000       (peak memory of reading made-up tables of so many MB)
       python benchmarks/reading.py --unclosed 10 20 40        (a table of so many MB with one quote that never closes)
       python benchmarks/reading.py --look spam.csv ...        (recognising a table as it is: all before its first row)
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
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[1]))
from embed import read_table
from embed.reading.decode import decode_whole
from stores.shared.errors import InputError

MEGABYTES, ROWS, ROUNDS, TIMES = 60, 8192, 2, 4


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tables", nargs="*", type=Path)
    parser.add_argument("--together", action="store_true")
    parser.add_argument("--memory", type=int, nargs="*")
    parser.add_argument("--unclosed", type=int, nargs="*")
    parser.add_argument("--look", action="store_true")
    parser.add_argument("--read-only", type=Path)
    arguments = parser.parse_args()
    if arguments.read_only:
        try:
            print(sum(len(block.texts) for block in read_table(arguments.read_only).blocks(ROWS)))
        except InputError as error:
            print(f"refused: {str(error).partition(';')[0]}")
        return
    with tempfile.TemporaryDirectory() as folder:
        for size in arguments.memory or ():
            memory(Path(folder) / "made.csv", size)
        for size in arguments.unclosed or ():
            unclosed(Path(folder) / "unclosed.csv", size)
        for table in arguments.tables:
            if arguments.look:
                look(table)
                continue
            compare(table, Path(folder) / "grown.csv", arguments.together)


def compare(source, path, together):
    """Rows a second of each reader, the best of its runs; all give the columns that tk uses."""
    grow(source, path)
    columns = read_table(path).columns.all
    best = dict.fromkeys(READERS, np.inf)
    with ProcessPoolExecutor(1, get_context("spawn"), max_tasks_per_child=1) as pool:
        for _ in range(ROUNDS):
            for name in READERS:
                asked = name, path, columns
                rows, seconds = measure(*asked) if together else pool.submit(measure, *asked).result()
                best[name] = min(best[name], seconds)
    print(f"{source.name}: {rows:,} rows, {path.stat().st_size / 1e6:,.0f} MB")
    for name, seconds in best.items():
        like = OURS if name in (OURS, LOOKED, PANDAS) else OUR_LISTS  # which of them make no Python texts
        print(f"  {name:42} {seconds:7.3f} s {rows / seconds / 1e6:6.2f} M rows/s {best[like] / seconds:6.2f}")


def measure(name, path, columns):
    """Rows, and seconds of the fastest of some runs."""
    run, seconds = READERS[name](path, columns), []
    for _ in range(TIMES):
        start = time.perf_counter()
        rows = run()
        seconds.append(time.perf_counter() - start)
    return rows, min(seconds)


def blocks(path, columns):
    table = read_table(path)
    return lambda: sum(map(len, table.blocks(ROWS)))


def looked_and_blocks(path, columns):
    return lambda: sum(map(len, read_table(path).blocks(ROWS)))


def blocks_as_lists(path, columns):
    table = read_table(path)
    return lambda: sum(max(map(len, as_lists(block))) for block in table.blocks(ROWS))


def pandas_chunks(path, columns, **options):
    import pandas as pd

    chunks = partial(pd.read_csv, path, chunksize=ROWS, usecols=columns, **options)
    return lambda: sum(map(len, chunks()))


def pandas_lists(path, columns):
    import pandas as pd

    chunks = partial(pd.read_csv, path, chunksize=ROWS, usecols=columns)
    return lambda: sum(max(len(chunk[name].tolist()) for name in columns) for chunk in chunks())


def csv_module(path, columns):
    def run():
        with open(path, newline="", encoding="utf-8") as file:
            return sum(1 for _ in csv.reader(file)) - 1

    return run


OURS, LOOKED, PANDAS = "tk, blocks", "tk, read_table and blocks", "pandas, chunks"
OUR_LISTS = "tk, blocks, columns as lists"
READERS = {
    OURS: blocks,
    LOOKED: looked_and_blocks,
    PANDAS: pandas_chunks,
    OUR_LISTS: blocks_as_lists,
    "pandas, chunks, columns as lists": pandas_lists,
    "pandas, chunks, dtype=object": partial(pandas_chunks, dtype=object),
    "csv.reader": csv_module,
}


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
    said, usage = alone(path)
    print(f"{megabytes:>6,} MB, {int(said):>11,} rows: {usage.ru_maxrss / 1024:,.0f} MiB", flush=True)


def unclosed(path, megabytes):
    """Processor time and peak memory of a process that meets a quote in the middle of a table which never closes."""
    row = "ham,a message of some words and one more\n"
    half = megabytes * 500_000 // len(row)
    path.write_text("label,text\n" + row * half + 'spam,"a quote that never closes\n' + row * half)
    said, usage = alone(path)
    seconds, mebibytes = usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024
    print(f"{megabytes:>6,} MB, quote on line {half + 2:,}: {seconds:.2f} s, {mebibytes:,.0f} MiB; {said}", flush=True)


def alone(path):
    """What a process of its own says that reads a table, and what it used."""
    process = subprocess.Popen([sys.executable, __file__, "--read-only", str(path)], stdout=subprocess.PIPE, text=True)
    said = process.stdout.read().strip()
    _, _, usage = os.wait4(process.pid, 0)
    return said, usage


def look(table):
    """Processor time of looking at a table, in a process that has done it before: the median of 21."""
    seconds = []
    for _ in range(21):
        start = time.process_time()
        read_table(table)
        seconds.append(time.process_time() - start)
    print(f"{table.name}: {1000 * np.median(seconds):.1f} ms until the first row, {table.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
