"""Loading the word vectors that a data file needs from large files, against the usual ways to load all of them.

    pip install ".[bench]"
    python benchmarks/vectors.py [--folder FOLDER] [--repeats 3] [--only "400k x 100"] [--end txt] [--without gensim]

Makes a file of 400,000 x 100 numbers and one of 500,000 x 300, each plain and as gzip, and a data file of 5,000 texts
whose words follow Zipf's law. Every way runs in a process of its own, one after the other, the best of some rounds
counts, of each figure by itself; the files lie in the page cache. Seconds are those of loading (imports aside), CPU
seconds those of all cores together, MiB the most that a process held. ``tk`` does what ``tk embed`` does: it asks for
the identity, of which the digest of the file is a part, before it asks for words, since stores may know the texts. The
last rows are bounds: no way that reads, hashes or inflates all bytes on one core can take less.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

SHAPES = {"400k x 100": (400_000, 100), "500k x 300": (500_000, 300)}
ROOT = Path(__file__).parents[1]
TIMED = """
import sys, time
sys.path.insert(0, {root!r})
path, words = {path!r}, open({words!r}).read().split()
{setup}
start, used = time.perf_counter(), time.process_time()
{code}
seconds, used = time.perf_counter() - start, time.process_time() - used
status = dict(line.split(":", 1) for line in open("/proc/self/status"))
print(seconds, used, int(status["VmHWM"].split()[0]) / 1024)
"""
LOOP = """
table = {}
with opener(path, "rt", encoding="utf-8") as file:
    for line in file:
        word, *numbers = line.rstrip().split(" ")
        table[word] = np.asarray(numbers, dtype="float32")
matrix = np.stack([table[word] for word in words if word in table])
"""
SETUP = "from embed.encoders import load\nimport embed.encoders.glove, filelock"
OURS = """
encoder = load("glove", model=path)
identity = encoder.identity()
matrix = encoder.table.take(encoder.find(words))
"""
READ = """
with opener(path, "rb") as file:
    while block := file.read(1 << 19):
        use(block)
"""
PANDAS = """
table = pandas.read_csv(path, sep=" ", header=None, index_col=0, quoting=3, keep_default_na=False, dtype=types)
matrix = table.loc[words].to_numpy()
"""
WAYS = {  # name: (setup, code, for plain files, for gzip)
    "the usual loop": (
        "import gzip, numpy as np\nopener = gzip.open if path.endswith('gz') else open", LOOP, True, True,
    ),
    "gensim, text": (
        "from gensim.models import KeyedVectors",
        "table = KeyedVectors.load_word2vec_format(path, no_header=True); matrix = table[words]", True, True,
    ),
    "gensim, its own saved form": (
        "from gensim.models import KeyedVectors", "table = KeyedVectors.load(path + '.kv'); matrix = table[words]",
        True, False,
    ),
    "gensim, saved form, memory-mapped": (
        "from gensim.models import KeyedVectors",
        "table = KeyedVectors.load(path + '.kv', mmap='r'); matrix = table[words]", True, False,
    ),
    "pandas": ("import pandas\ntypes = {i: 'float32' for i in range(1, dim + 1)}", PANDAS, True, True),
    "tk, first use of the file": (SETUP, OURS, True, True),
    "tk, later": (SETUP, OURS, True, True),
    "bound: all bytes read": ("opener, use = open, len", READ, True, True),
    "bound: all bytes read and hashed": (
        "from blake3 import blake3\nopener, use = open, blake3().update", READ, True, False),
    "bound: inflated": ("import gzip\nopener, use = gzip.open, len", READ, False, True),
}  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, help="where the files are made, and stay; default: a temporary folder")
    parser.add_argument("--repeats", type=int, default=3, help="rounds of which the best counts")
    parser.add_argument("--only", choices=SHAPES, help="one of the two sizes")
    parser.add_argument("--end", choices=["txt", "gz"], help="only the plain files, or only those of gzip")
    parser.add_argument("--without", default="-", help="leave out the ways whose name begins with this")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.folder or Path(temporary)
        for name, (rows, dim) in SHAPES.items():
            if options.only in (None, name):
                measure(name, rows, dim, folder, options)


def measure(name: str, rows: int, dim: int, folder: Path, options: argparse.Namespace) -> None:
    plain = folder / f"{rows}x{dim}.txt"
    if not plain.exists():
        make_vectors(plain, rows, dim)
        subprocess.run(["gzip", "-k1", plain], check=True)
    words = folder / f"words{rows}.txt"
    words.write_text(" ".join(make_words(rows)))
    if options.without != "gensim" and not Path(f"{plain}.kv").exists():
        make_saved(plain)
    for path in (plain, plain.with_suffix(".txt.gz")):
        if options.end not in (None, path.suffix[1:]):
            continue
        best: dict[str, np.ndarray] = {}
        for _ in range(options.repeats):
            for way, (setup, code, for_plain, for_gzip) in WAYS.items():
                if (for_gzip if path.suffix == ".gz" else for_plain) and not way.startswith(options.without):
                    found = run(setup.replace("dim", str(dim)), code, path, words, folder / "cache", "first" in way)
                    best[way] = np.minimum(best.get(way, found), found)
        count = len(words.read_text().split())
        print(f"\n{name}, {path.suffix[1:]}, {path.stat().st_size / 1e6:,.0f} MB, {count:,} words")
        print("  seconds    ratio  CPU seconds    ratio      MiB")
        for way, found in best.items():
            ratio = best["the usual loop"] / found
            print(f"{found[0]:9.3f} {ratio[0]:8.1f} {found[1]:12.3f} {ratio[1]:8.1f} {found[2]:8,.0f}  {way}")


def run(setup: str, code: str, path: Path, words: Path, cache: Path, fresh: bool) -> np.ndarray:
    """Seconds, CPU seconds (of all cores) and MiB of a way, in a process of its own."""
    if fresh:
        shutil.rmtree(cache, ignore_errors=True)
    program = TIMED.format(root=str(ROOT), path=str(path), words=str(words), setup=setup, code=code)
    environment = os.environ | {"TK_CACHE_DIR": str(cache)}
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True, env=environment)
    return np.array(done.stdout.split(), float)


def make_vectors(path: Path, rows: int, dim: int) -> None:
    """Words in the order of frequency with made-up numbers, five digits as in the published files."""
    rng = np.random.default_rng(0)
    numbers = np.array([f"{value:.5g}" for value in rng.normal(scale=0.4, size=200_000)], dtype=object)
    with open(path, "w") as file:
        for row, start in enumerate(rng.integers(0, len(numbers) - dim, rows)):
            file.write(f"{word(row)} {' '.join(numbers[start : start + dim])}\n")


def word(row: int) -> str:
    """A different word for each row, of one to four letters and more, in no order of the alphabet."""
    letters, number = "", row * 7919 + 1
    while number:
        number, letter = divmod(number, 26)
        letters += chr(97 + letter)
    return letters


def make_words(rows: int) -> list[str]:
    """The distinct words of 5,000 texts of 20 words each; about 13,000, where 5,000 SMS have 9,000 and e-mails 37,000.

    Zipf's law with an exponent that gives this number.
    """
    p = np.arange(1, rows + 1) ** -1.2
    drawn = np.random.default_rng(1).choice(rows, 5_000 * 20, p=p / p.sum())
    return [word(row) for row in dict.fromkeys(drawn.tolist())]


def make_saved(path: Path) -> None:
    """gensim's own form of the same table."""
    from gensim.models import KeyedVectors

    KeyedVectors.load_word2vec_format(str(path), no_header=True).save(f"{path}.kv")


if __name__ == "__main__":
    main()
