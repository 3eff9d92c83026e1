"""ELMo against the ways in which it is run elsewhere, with a module of the published size and layout, random weights.

Usage: python benchmarks/elmo.py [TABLE] [--texts 768] [--reviews 32] [--rounds 2] [--no-simple-elmo]
       python benchmarks/elmo.py --memory

TABLE holds real short messages; without it, they are made up of words as frequent as Zipf's law says. Reviews are
its words in a row, some 230 each. Every rival encodes the same texts in the same process, in turn; the best of the
rounds counts. (c) runs in a process of its own, since it needs Keras 2.

(a) the module's own graph, signature ``default``, 32 rows at a time in the order of the file
(b) the same, rows sorted by length
(c) simple_elmo, which is the code of bilm-tf: 32 rows at a time, the same weights in HDF5

Arithmetic is counted over real words only, against the rate of a 4,096 x 4,096 float32 matrix product in the same run:
"needed" is what the network defines (the convolutions once a distinct word), "done" leaves out what is saved, since
the input of the lowest LSTM is multiplied once a distinct word. ``--memory`` gives the largest memory that a fresh
process ever holds. Processor time is less disturbed by other work on the machine than time is.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

ROOT = Path(__file__).parents[1]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
from helpers.elmo_modules import FULL, write_allennlp

from embed import load_encoder, read_table
from embed.encoders._elmo_formats import open_elmo
from embed.models.hub import load_module
from embed.networks import bilm
from stores.shared.tensorflow import load_tensorflow

PRODUCTS = 10  # in a row: seconds, as the rivals take, so that other processes disturb both
LONG = {
    "32 texts of 1,162 words": (32, 1162),
    "1 text of 5,000 words": (1, 5000),
    "1,024 texts of 16 words": (1024, 16),
}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("table", nargs="?", type=Path)
    parser.add_argument("--texts", type=int, default=768)
    parser.add_argument("--reviews", type=int, default=32)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--no-simple-elmo", action="store_true")
    parser.add_argument("--memory", action="store_true")
    parser.add_argument("--one", nargs=3, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        return one(*arguments.one)
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TK_CACHE_DIR"] = f"{folder}/cache"
        module = write_module(Path(folder) / "module")
        if arguments.memory:
            return memory(module)
        messages = messages_of(arguments.table)
        some = np.random.default_rng(0).choice(messages, arguments.texts, replace=False).tolist()
        weights = None if arguments.no_simple_elmo else write_hdf5(Path(folder) / "hdf5")
        compare("messages", some, module, weights, arguments.rounds)
        if arguments.reviews:
            compare("reviews", reviews_of(messages, arguments.reviews), module, None, arguments.rounds)


def write_module(path):
    """A TF1 Hub module with 93.6 million parameters."""
    command = [sys.executable, "-P", "-W", "ignore", str(ROOT / "tests/helpers/elmo_modules.py"), str(path), "--full"]
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1"}
    subprocess.run(command, check=True, capture_output=True, env=environment)
    return path


def write_hdf5(path):
    """The same weights as simple_elmo reads them."""
    write_allennlp(path, size=FULL)
    options = json.loads((path / "tiny_options.json").read_text())
    options["char_cnn"]["n_characters"] = 262
    (path / "options.json").write_text(json.dumps(options))
    return path


def messages_of(table):
    """Distinct short messages."""
    if table:
        return list(dict.fromkeys(text for rows in read_table(table).blocks(8192) for text in rows.texts if text))
    rng = np.random.default_rng(0)
    words = ["".join(rng.choice(list("etaoinshrdlu"), rng.integers(1, 10))) for _ in range(20_000)]
    shares = 1 / np.arange(1, len(words) + 1)
    lengths = np.clip(rng.lognormal(2.5, 0.7, 2000), 1, 100).astype(int)
    return [" ".join(rng.choice(words, n, p=shares / shares.sum())) for n in lengths]


def reviews_of(messages, count):
    """Texts of the lengths of film reviews: median 175 words, mean 230, here no more than 500."""
    rng = np.random.default_rng(1)
    words = [word for text in rng.permutation(messages) for word in text.split()]
    lengths = np.clip(rng.lognormal(np.log(175), 0.7, count), 30, 500).astype(int)
    starts = rng.integers(len(words) - 500, size=count)
    return [" ".join(words[start : start + n]) for start, n in zip(starts, lengths, strict=True)]


def compare(name, texts, module, weights, rounds):
    """Time everyone on the same texts, in turn, and print ratios."""
    tf = load_tensorflow()
    signature = load_module(module).signatures["default"]
    encoder = load_encoder("elmo", model=str(module))
    lengths = np.array([len(text.split()) for text in texts])

    def graph(order):
        out = np.empty((len(texts), 2 * FULL.P), np.float32)
        for start in range(0, len(order), 32):
            rows = order[start : start + 32]
            out[rows] = signature(tf.constant([texts[row] for row in rows]))["default"].numpy()
        return out

    def ours():
        encoder._elmo._network._vectors._known.clear()  # no word is known from the round before
        return encoder.encode(texts).outputs["pooled"]

    rivals = {
        "tk": ours,
        "(a) graph, order of the file": lambda: graph(np.arange(len(texts))),
        "(b) graph, sorted": lambda: graph(np.argsort(-lengths, kind="stable")),
    }
    square = tf.random.normal([4096, 4096])
    product = tf.function(lambda: tf.reduce_sum(square @ square))
    results, seconds, rate = {}, {rival: np.full(2, np.inf) for rival in rivals}, 0.0
    encoder.encode(texts[:8])
    graph(np.arange(len(texts))[:8])
    for _ in range(rounds):
        spent, _ = timed(lambda: [product().numpy() for _ in range(PRODUCTS)])
        rate = np.maximum(rate, PRODUCTS * 2 * 4096**3 / spent)
        for rival, run in rivals.items():
            spent, results[rival] = timed(run)
            seconds[rival] = np.minimum(seconds[rival], spent)
    if weights:
        seconds["(c) simple_elmo"] = simple_elmo(weights, texts, rounds)
    report(name, texts, lengths, seconds, rate, encoder)
    print(f"  largest difference from (a): {np.abs(results['tk'] - results['(a) graph, order of the file']).max():.1e}")


def report(name, texts, lengths, seconds, rate, encoder):
    """The table of one kind of texts."""
    distinct = len({word for text in texts for word in text.split()})
    print(f"{len(texts)} {name}, {lengths.sum():,} words, {distinct:,} distinct, longest {lengths.max()}")
    for rival, spent in seconds.items():
        wall, processor = spent / seconds["tk"]
        print(
            f"  {rival:28} {lengths.sum() / spent[0]:8,.0f} words/s  {wall:6.2f} x the time of tk,"
            f" {processor:6.2f} x its processor time"
        )
    cnn = 2 * (sum(w * FULL.E * n * (51 - w) for w, n in FULL.filters) + 4 * FULL.F**2 + FULL.F * FULL.P)
    cell = 2 * FULL.D * (8 * FULL.P + FULL.P)
    needed = 4 * cell * lengths.sum() + cnn * distinct
    saved = 2 * FULL.P * 4 * FULL.D * repeated_words(encoder, texts)
    for what, arithmetic in (("needed", needed), ("done", needed - saved)):
        wall, processor = arithmetic / seconds["tk"] / rate
        print(
            f"  arithmetic {what}: {arithmetic / 1e9:,.0f} GFLOP, {wall:.2f} of {rate[0] / 1e9:,.0f} GFLOP/s;"
            f" by processor time {processor:.2f} of {rate[1] / 1e9:,.0f}"
        )


def repeated_words(encoder, texts):
    """How many words, counted in each direction, the lowest LSTMs took from another of the same chunk."""
    counts, distinct = [], bilm._distinct

    def counted(vectors, ids):
        found = distinct(vectors, ids)
        counts.append(len(ids) - len(found[0]))
        return found

    bilm._distinct = counted
    encoder.encode(texts)
    bilm._distinct = distinct
    return sum(counts)


def timed(run):
    """Seconds and seconds of all processors, and the result."""
    start, processor = time.perf_counter(), time.process_time()
    result = run()
    return np.array([time.perf_counter() - start, time.process_time() - processor]), result


SIMPLE = """
import json, logging, sys, time
from simple_elmo import ElmoModel
logging.disable(logging.CRITICAL)
texts = [text.split() for text in json.load(open(sys.argv[2]))]
model = ElmoModel()
model.load(sys.argv[1], max_batch_size=32)
model.get_elmo_vector_average(texts[:8])
for _ in range(int(sys.argv[3])):
    start, processor = time.perf_counter(), time.process_time()
    model.get_elmo_vector_average(texts)
    print(time.perf_counter() - start, time.process_time() - processor)
"""


def simple_elmo(weights, texts, rounds):
    """Seconds of its best round, see ``timed``."""
    listed = weights / "texts.json"
    listed.write_text(json.dumps(texts))
    environment = os.environ | {"TF_USE_LEGACY_KERAS": "1", "TF_CPP_MIN_LOG_LEVEL": "3"}
    command = [sys.executable, "-W", "ignore", "-c", SIMPLE, str(weights), str(listed), str(rounds)]
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        sys.exit(f"simple_elmo does not run: {done.stderr.strip().splitlines()[-1]}; leave it out: --no-simple-elmo")
    return np.min([[float(number) for number in line.split()] for line in done.stdout.splitlines()[-rounds:]], axis=0)


def memory(module):
    """Every long job in a process of its own, after one that only remembers the verdict of the probe."""
    open_elmo(module)
    for name, (texts, words) in {"nothing but loading": (0, 0), **LONG}.items():
        command = [sys.executable, __file__, "--one", str(module), str(texts), str(words)]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        print(f"{name:28} {done.stdout.strip()}", flush=True)


def one(module, texts, words):
    """Encode, and print seconds and the largest memory of this process."""
    rng = np.random.default_rng(0)
    some = [" ".join(map(str, rng.integers(20_000, size=int(words)))) for _ in range(int(texts))]
    encoder = load_encoder("elmo", model=module)
    encoder.encode(["load"])
    spent, _ = timed(lambda: encoder.encode(some))
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 2**20  # not getrusage's, which begins with that of the parent
    print(f"{spent[0]:6.1f} s  {peak:5.2f} GiB")


if __name__ == "__main__":
    main()
