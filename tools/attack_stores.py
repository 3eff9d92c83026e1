"""Damages small stores in thousands of ways and sees whether the reader keeps its word.

    python -m tools.attack_stores --files 20000 --seed 1
    python -m tools.attack_stores --seed 1 --replay 4711

Each mutant is opened, verified and read to the end in a process with a limit on time and memory. It must be refused
with one of the two errors that a user meets, or, if ``verify`` finds nothing, hold the very data of the original (the
damage then hit bytes that mean nothing). A crash, a hang, any other exception and a silent difference are offences:
they are printed with the number to replay them by, and the exit code is 1.

Each other mutant is ``sealed``, as the work of somebody who means it: HDF5's own checksums are put right where its
metadata was damaged, and so its code sees what they would have kept from it.

Data that ``verify`` has refused are read as well: these may be wrong or raise, but not crash, hang or fill the memory.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import hashlib
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np

from stores import (
    Block,
    FailureError,
    Features,
    FeatureStore,
    IdFeatures,
    InputError,
    PooledFeatures,
    TokenFeatures,
    write_store,
)
from stores.block import Extent
from stores.parts import Parts
from stores.shared.fingerprint import hash_texts, identity_digest
from stores.shared.likeness import hash_likeness

ROOT = Path(__file__).parents[1]
SECONDS, MEMORY = 5, 2 << 30  # one mutant; one process, the libraries included
REFUSED = ("refused on opening", "refused by verify")
FINE = (*REFUSED, "harmless")
MARKS = re.compile(rb"\x89HDF|OHDR|OCHK|GCOL|(FA|EA|FS|FR|FH|BT)(HD|DB|SB|HP|IB|IN|LF|SE)")  # metadata of HDF5 1.10


def originals() -> dict[str, tuple[Features, str]]:
    """A name -> features of some rows and how to compress them, or their layout: every kind of data set there is."""
    rng = np.random.default_rng(7)
    rows = 90
    counts = np.ones((rows, 3), np.int32)
    tokens = [[f"w{n}" for n in rng.integers(0, 50, rng.integers(0, 6))] for _ in range(rows)]
    ids = IdFeatures.from_tokens(tokens)
    vectors = rng.normal(size=(ids.offsets[-1], 8)).astype(np.float32)
    ragged = TokenFeatures({"tokens": vectors.astype(np.float16)}, counts, ids.offsets)
    wide = PooledFeatures({"pooled": np.repeat(vectors[:rows], 400, axis=1)}, counts)  # three chunks, few bytes
    two = PooledFeatures({"a": vectors[:rows], "b": vectors[:rows, :3]}, counts)
    table = rng.normal(size=(len(ids.vocabulary), 5)).astype(np.float32)
    table = IdFeatures(ids.outputs, ids.counts, ids.offsets, ids.vocabulary, table)
    return {
        "pooled": (two, "none"), "tokens": (ragged, "none"), "ids": (ids, "none"), "table": (table, "none"),
        "pooled.gzip": (wide, "gzip"), "tokens.gzip": (ragged, "gzip"),
        "table.gzip": (table, "gzip"), "pooled.index": (two, "parts"), "tokens.index": (ragged, "parts"),
        "tokens.growing": (ragged, "growing"),
    }  # fmt: skip


def make(folder: Path) -> dict[str, Path]:
    """Write the originals into ``folder``."""
    paths = {}
    for name, (features, compression) in originals().items():
        rows = len(features)
        texts = [f"text {i % 80} äöü" for i in range(rows)]
        labels = [["ham", "spam", None][i % 3] for i in range(rows)]
        identity = {"encoder": "made", "version": 1}
        attributes = {
            "identity": identity, "identity_digest": identity_digest(identity), "versions": {}, "command": "made",
            "recipe": {"encoder": "made"}, "source": {"file": "made"}, "totals": {"rows": rows},
            "times": (0.0, 0.0, 0.0),
        }  # fmt: skip
        raw = [text.upper() for text in texts]
        hashes = {"raw_hash": hash_texts(raw), "like_hash": hash_likeness(raw)}
        block = Block(np.arange(rows), hash_texts(texts), labels, texts, features, **hashes)
        paths[name] = folder / f"{name}.h5"
        if compression == "parts":
            parts = Parts(paths[name], attributes, layout=compression)
            parts.write(0, block, attributes["totals"], attributes["times"])
            parts.assemble(1, 0.0)
        elif compression == "growing":
            parts = Parts(paths[name], attributes, alone=True)
            parts.write(0, block, attributes["totals"], attributes["times"])
            paths[name] = parts.path(0)
        else:
            write_store(paths[name], [block], Extent.of(block), attributes, compression=compression)
    return paths


def mutate(raw: bytes, rng: np.random.Generator) -> bytes:
    """``raw`` with one to three of the damages below."""
    data = bytearray(raw)
    for _ in range(rng.choice([1, 1, 1, 2, 3])):
        if len(data) > 64:
            DAMAGES[rng.integers(len(DAMAGES))](data, rng)
    return bytes(data)


def _place(data: bytearray, rng: np.random.Generator) -> int:
    """A place in ``data``: soon behind one of HDF5's signatures, or one of the few bytes that are not zero, or any."""
    way = rng.random()
    marks = [match.start() for match in MARKS.finditer(data)] if way < 0.5 else []
    if marks:
        return min(int(rng.choice(marks)) + int(2 ** rng.uniform(0, 9)), len(data) - 1)
    filled = np.flatnonzero(np.frombuffer(data, np.uint8)) if way < 0.8 else ()
    return int(rng.choice(filled)) if len(filled) else int(rng.integers(len(data)))


def _span(data: bytearray, rng: np.random.Generator) -> slice:
    start = _place(data, rng)
    return slice(start, min(len(data), start + int(2 ** rng.uniform(0, 12))))


def _flip(data: bytearray, rng: np.random.Generator) -> None:
    data[_place(data, rng)] ^= 1 << int(rng.integers(8))


def _bytes(data: bytearray, rng: np.random.Generator) -> None:
    for _ in range(rng.integers(1, 9)):
        data[_place(data, rng)] = int(rng.integers(256))


def _noise(data: bytearray, rng: np.random.Generator) -> None:
    span = _span(data, rng)
    data[span] = rng.bytes(span.stop - span.start)


def _zero(data: bytearray, rng: np.random.Generator) -> None:
    span = _span(data, rng)
    data[span] = bytes(span.stop - span.start)


def _cut(data: bytearray, rng: np.random.Generator) -> None:
    del data[_place(data, rng) :]


def _copy(data: bytearray, rng: np.random.Generator) -> None:
    piece = data[_span(data, rng)]
    to = _place(data, rng)
    data[to : to + len(piece)] = piece[: len(data) - to]


def _swap(data: bytearray, rng: np.random.Generator) -> None:
    size = min(_span(data, rng).stop, 8 * int(rng.integers(1, 64)))
    a, b = sorted(int(n) for n in rng.integers(0, len(data) - size + 1, 2))
    if b - a >= size:
        data[a : a + size], data[b : b + size] = data[b : b + size], data[a : a + size]


def _insert(data: bytearray, rng: np.random.Generator) -> None:
    data[_place(data, rng) : 0] = rng.bytes(int(rng.integers(1, 17)))


def _field(data: bytearray, rng: np.random.Generator) -> None:
    """A number of HDF5's becomes an interesting one: an edge, a bit more, or an address that is somewhere."""
    size = int(rng.choice([1, 2, 4, 8, 8]))
    at = min(_place(data, rng), len(data) - size)
    old = int.from_bytes(data[at : at + size], "little")
    edge = (1 << (8 * size)) - 1
    other = int.from_bytes(data[(there := int(rng.integers(len(data) - 8))) : there + 8], "little")
    choices = [0, 1, edge, edge >> 1, old + 1, old - 1, old * 2, old << 8, len(data), 96, other, _place(data, rng)]
    data[at : at + size] = (int(choices[rng.integers(len(choices))]) & edge).to_bytes(size, "little")


DAMAGES: list[Callable[[bytearray, np.random.Generator], None]] = [
    _flip, _bytes, _noise, _zero, _cut, _copy, _swap, _insert, _field, _field, _field,
]  # fmt: skip


def content(store: FeatureStore) -> str:
    """A digest of all that a store gives, its two times aside."""
    features = store.read()
    taken = store.take(np.arange(len(store))[::-7])
    texts = store.texts
    parts = [store.kind, store.classes, store.labels.tolist(), None if texts is None else texts[:], store.line]
    parts += [store.identity, store.identity_digest, store.recipe, store.source, store.totals, store.versions]
    parts += [store.command, store.digest, store.text_hash, store.raw_hash, store.like_hash]
    parts += [store.vocabulary, store.outputs, store.shape]
    for found in (features, taken):
        parts += [found.counts, *found.outputs.values(), getattr(found, "offsets", None), getattr(found, "table", None)]
    digest = hashlib.sha256()
    for part in parts:
        array = part if isinstance(part, np.ndarray) else None
        digest.update(repr(part).encode("utf-8", "surrogatepass") if array is None else array.tobytes())
        digest.update(b"" if array is None else f"{array.dtype}{array.shape}".encode())
    return digest.hexdigest()


def examine(path: Path, expected: str) -> str:
    """What becomes of one mutant: one of ``FINE``, or what is wrong in words."""
    try:
        store = FeatureStore(path)
    except (FailureError, InputError) as error:
        return _one_line(error) or REFUSED[0]
    with store:
        try:
            store.verify()
        except FailureError as error:
            with contextlib.suppress(Exception):
                content(store)
            return _one_line(error) or REFUSED[1]
        return "harmless" if content(store) == expected else "silent difference"


def _one_line(error: Exception) -> str:
    return "" if len(str(error).splitlines()) == 1 else f"a message of several lines: {error}"


def sealed_blocks(raw: bytes) -> list[tuple[int, int]]:
    """Begin and end of each block of metadata that HDF5 keeps a checksum of, in its last four bytes."""
    lookup3 = _lookup3()
    found = []
    for match in MARKS.finditer(raw) if lookup3 else ():
        start = match.start()
        for end in range(start + 8, min(len(raw), start + 9000) - 3):
            if lookup3(raw[start:end], end - start, 0) == struct.unpack_from("<I", raw, end)[0]:
                found.append((start, end + 4))
                break
    return found


def _lookup3() -> Callable[[bytes, int, int], int] | None:
    """HDF5's own checksum, if its library is one that lets us at it."""
    import h5py

    for path in Path(h5py.__file__).parents[1].glob("h5py.libs/libhdf5-*.so*"):
        function = ctypes.CDLL(str(path)).H5_checksum_lookup3
        function.restype, function.argtypes = ctypes.c_uint32, (ctypes.c_char_p, ctypes.c_size_t, ctypes.c_uint32)
        return function
    return None


def seal(mutant: bytes, raw: bytes, blocks: list[tuple[int, int]]) -> bytes:
    """``mutant`` with right checksums in those blocks in which it differs from ``raw``."""
    data, lookup3 = bytearray(mutant), _lookup3()
    for start, end in blocks:
        if end <= len(data) and data[start:end] != raw[start:end]:
            data[end - 4 : end] = struct.pack("<I", lookup3(bytes(data[start : end - 4]), end - 4 - start, 0))
    return bytes(data)


class Attack:
    """What workers need to make and examine a mutant by its number.

    Args:
        folder: where the originals lie.
        seed: of all mutants; mutant ``n`` is the same each time.
    """

    def __init__(self, folder: Path, seed: int) -> None:
        self.seed, self.names = seed, list(originals())
        paths = {name: folder / f"{name}.h5" for name in self.names}
        paths["tokens.growing"] = next(folder.glob("tokens.growing.h5.parts/*/part-000000.h5"))
        self.raw = {name: path.read_bytes() for name, path in paths.items()}
        self.paths = {name: path.with_name(f"part-9{os.getpid():06}.h5") for name, path in paths.items()}
        self.blocks = {name: sealed_blocks(raw) for name, raw in self.raw.items()}
        self.expected = {}
        for name in self.names:
            with FeatureStore(paths[name]) as store:
                store.verify()
                self.expected[name] = content(store)

    def make(self, number: int) -> str:
        """Write mutant ``number`` and say what it was made of."""
        name = self.names[number // 2 % len(self.names)]
        mutant = mutate(self.raw[name], np.random.default_rng([self.seed, number]))
        sealed = number % 2 == 1
        self.paths[name].write_bytes(seal(mutant, self.raw[name], self.blocks[name]) if sealed else mutant)
        return name + (" sealed" if sealed else "")

    def run(self, number: int) -> str:
        """What becomes of mutant ``number``."""
        name = self.names[number // 2 % len(self.names)]
        return examine(self.paths[name], self.expected[name])


def work(folder: Path, seed: int, first: int, files: int) -> None:
    """Examine ``files`` mutants from number ``first``, and say of each what became of it.

    This process may end at any of them, by its own alarm if one takes too long.
    """
    limit()
    attack = Attack(folder, seed)
    for number in range(first, first + files):
        signal.alarm(SECONDS)
        name = attack.make(number)
        print(f"{number}\t{name}\t", end="", flush=True)
        try:
            outcome = attack.run(number)
        except Exception as error:
            outcome = f"{type(error).__name__}: {' '.join(str(error).split())}"
        print(outcome, flush=True)


def limit() -> None:
    """Take the memory of this process away, where the system can do that."""
    with contextlib.suppress(ImportError):
        import resource

        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def outcomes(folder: Path, seed: int, files: int, first: int = 0) -> Iterator[tuple[int, str, str]]:
    """Number, name and outcome of each mutant; a worker that dies is replaced by another."""
    number = first
    while number < first + files:
        command = [sys.executable, "-m", "tools.attack_stores", "--seed", str(seed), "--work", str(folder)]
        command += ["--first", str(number), "--files", str(first + files - number)]
        with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as worker:
            for line in worker.stdout:
                _, name, outcome = line.split("\t")
                if outcome:
                    yield number, name, outcome.strip()
                    number += 1
            said = worker.stderr.read().strip()
        if worker.returncode < 0:
            yield (
                number,
                name,
                "hang" if -worker.returncode == signal.SIGALRM else f"crash by signal {-worker.returncode}",
            )
            number += 1
        elif worker.returncode:
            sys.exit(f"the worker itself failed:\n{said}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--files", type=int, default=2000, help="how many mutants")
    parser.add_argument("--first", type=int, default=0, help="the number of the first")
    parser.add_argument("--seed", type=int, default=0, help="another seed, other mutants")
    parser.add_argument("--replay", type=int, metavar="NUMBER", help="examine one mutant, here, with the traceback")
    parser.add_argument("--work", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.work:
        return work(given.work, given.seed, given.first, given.files)
    with tempfile.TemporaryDirectory() as folder:
        make(Path(folder))
        if given.replay is not None:
            attack = Attack(Path(folder), given.seed)
            print(attack.make(given.replay), attack.run(given.replay), sep=": ")
            return None
        return report(outcomes(Path(folder), given.seed, given.files, given.first))


def report(found: Iterable[tuple[int, str, str]]) -> None:
    """Print a table and the offenders; exit with code 1 if there are any."""
    table: Counter[tuple[str, str]] = Counter()
    offenders = 0
    for number, name, outcome in found:
        table[name, outcome if outcome in FINE else "OFFENCE"] += 1
        if outcome not in FINE:
            offenders += 1
            print(f"mutant {number}, {name}: {outcome}", flush=True)
    columns = (*FINE, "OFFENCE")
    print(f"{'':20}", *(f"{column:>18}" for column in columns))
    for name in [*dict.fromkeys(name for name, _ in table), "all"]:
        row = [sum(n for (a, b), n in table.items() if name in (a, "all") and b == column) for column in columns]
        print(f"{name:20}", *(f"{n:18,}" for n in row))
    sys.exit(1 if offenders else 0)


if __name__ == "__main__":
    main()
