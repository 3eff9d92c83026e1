"""Damages what others may give besides stores, and sees whether it is refused in one line or used as it was.

    python -m tools.attack_folders --seed 1 --count 300
    python -m tools.attack_folders runs --seed 1 --count 300 --replay 17

archives    a tar, plain or packed, of a folder of texts: bits are flipped, the end is cut off, a part is repeated
runs        the folder of a trained run: bits, ends, files that are gone, exchanged or new, mangled JSON with the
            digest put right
models      a folder of a small network in safetensors: likewise, and links and paths that lead out of it
tables      CSV, JSON lines, Parquet and a database: likewise

Each damaged thing is used in a process of its own with a limit on time and memory. Right is: it is refused with one of
the two errors that a user meets, in one line; or what comes out is what comes out of the original; or other texts, of
a form that has no checksums; or it goes by another identity or digest, so that nobody takes it for the original.
Anything else is an offence: it is printed with the number to replay it by, and the exit code is 1.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Callable
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from stores import FailureError, InputError

ROOT = Path(__file__).parents[1]
sys.path.append(str(ROOT / "tests"))
SECONDS, MEMORY = 20, 8 << 30
WORDS = "rain snow wind hail sun fog storm frost cloud thaw".split()
REFUSED, SAME, UNCHECKED = "refused in one line", "used, the same", "read, other texts, of a form without checksums"
ANOTHER = "used, under another identity or digest"
FINE = (REFUSED, SAME, UNCHECKED, ANOTHER)
CHECKED = (".gz", ".bz2", ".xz")  # forms of tables and archives that have checksums of all that they hold
Attack = tuple[Callable[[Path], Path], Callable[[Path, random.Random], None], Callable[[Path], object]]


def texts(count: int) -> list[tuple[str, str]]:
    """Labels and texts."""
    rng = random.Random(5)
    return [(("dry", "wet")[i % 2], f"{rng.choice(WORDS)} and {rng.choice(WORDS)} no {i}") for i in range(count)]


def make_archives(folder: Path) -> Path:
    """Tars of twenty texts."""
    for i, (label, text) in enumerate(texts(20)):
        (folder / f"texts/{label}").mkdir(parents=True, exist_ok=True)
        (folder / f"texts/{label}/{i:02}.txt").write_text(text * 30)
    (folder / "given").mkdir()
    for ending in ("", ".gz", ".bz2", ".xz"):
        with tarfile.open(folder / f"given/a.tar{ending}", f"w:{ending[1:]}") as archive:
            archive.add(folder / "texts", "texts")
    return folder / "given"


def make_tables(folder: Path) -> Path:
    """The same rows in several forms."""
    import sqlite3

    import pyarrow as pa
    import pyarrow.parquet as pq

    (folder / "given").mkdir()
    rows = texts(40)
    table = pa.table({"label": [label for label, _ in rows], "text": [text for _, text in rows]})
    pq.write_table(table, folder / "given/a.parquet", write_page_checksum=True)
    (folder / "given/a.csv").write_text("label,text\n" + "".join(f'{label},"{text}"\n' for label, text in rows))
    (folder / "given/a.jsonl").write_text("".join(json.dumps({"label": a, "text": b}) + "\n" for a, b in rows))
    with sqlite3.connect(folder / "given/a.db") as database:
        database.execute("create table t (label text, text text)")
        database.executemany("insert into t values (?, ?)", rows)
    database.close()
    return folder / "given"


def make_runs(folder: Path) -> Path:
    """A run with a model of arrays."""
    from helpers.stores import make_store, pooled

    from classify import classify

    rows = texts(60)
    x = np.random.default_rng(3).normal(size=(60, 4)) + 2 * (np.arange(60) % 2)[:, None]
    store = make_store(folder / "some.h5", pooled(x), [label for label, _ in rows], [text for _, text in rows])
    classify(store, ["nb"], cv=2, out=folder / "given")
    return folder / "given"


def make_models(folder: Path) -> Path:
    """The smallest network of sentences, with its tokenizer."""
    from helpers.bert_models import sentence_transformers

    return sentence_transformers(folder / "given", "mean")


def use_table(path: Path) -> object:
    """All rows of a file."""
    from embed import read_table

    found = []
    for rows in read_table(path, bad_rows="error").blocks(999):
        found.append((rows.labels, rows.texts, rows.line.tolist()))
    return found


def use_run(path: Path) -> tuple:
    """The digest of a run, and what it says: its predictions, its classes."""
    from classify import Predictor, read_run
    from classify.run_folder import recipe_digest

    run = read_run(path)
    predictions = run.predictions()
    return recipe_digest(json.loads((path / "recipe.json").read_bytes())), str(predictions), Predictor(run).classes


def use_model(path: Path) -> tuple:
    """What vectors are identified by, and some of them."""
    from embed import load_encoder

    encoder = load_encoder("transformer", model=str(path))
    features = encoder.encode(["rain and snow"])
    return encoder.identity, {name: array.tobytes() for name, array in features.outputs.items()}


def damage(folder: Path, rng: random.Random) -> None:
    """One thing that chance, a bad disk or an enemy may do to one of the files."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    path = rng.choice(files)
    data = bytearray(path.read_bytes())
    how = rng.randrange(8)
    if how <= 2 and data:
        for _ in range(rng.choice([1, 1, 8])):
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)
    elif how == 3:
        del data[rng.randrange(len(data) + 1) :]
    elif how == 4 and data:
        at, size = rng.randrange(len(data)), rng.randrange(1, 600)
        data[at : at + size] = bytes(rng.randrange(256) for _ in range(size))
    elif how == 5:
        at = rng.randrange(len(data) + 1)
        data[at:at] = data[at : at + rng.randrange(1, 600)]
    elif how == 6:
        data = bytearray(rng.choice(files).read_bytes())
    else:
        path.unlink()
        if rng.random() < 0.5:
            path.symlink_to("/etc/hostname")
        return
    path.write_bytes(bytes(data))


def mangle(folder: Path, rng: random.Random) -> None:
    """One value of a JSON file becomes another, with the digests put right; or ``damage``."""
    from classify.run_folder import recipe_digest

    path = folder / "recipe.json"
    if not path.is_file() or rng.random() < 0.5:
        damage(folder, rng)
        return
    recipe = json.loads(path.read_text())
    place, key = recipe, rng.choice(sorted(recipe))
    while isinstance(place[key], dict) and place[key] and rng.random() < 0.7:
        place = place[key]
        key = rng.choice(sorted(place))
    place[key] = rng.choice([None, -1, 1e308, "", "x" * 9999, [], {}, True, ["a", "a"], {"a": {"b": []}}, "../../x"])
    if rng.random() < 0.3:
        del place[key]
    recipe["digest"] = recipe_digest(recipe)
    path.write_text(json.dumps(recipe))


ATTACKS: dict[str, Attack] = {
    "archives": (make_archives, damage, use_table),
    "tables": (make_tables, damage, use_table),
    "runs": (make_runs, mangle, use_run),
    "models": (make_models, damage, use_model),
}


def verdict(path: Path, use: Callable[[Path], object], expected: object) -> str:
    """What becomes of a damaged thing; of an archive or table, one file after the other."""
    try:
        found = use(path)
    except (InputError, FailureError) as error:
        return REFUSED if "\n" not in str(error) else f"refused in several lines: {error}"
    except Exception as error:
        return f"{type(error).__name__}: {error}"
    if found == expected:
        return SAME
    if use is use_table:
        return UNCHECKED if path.suffix not in CHECKED else "read, and other than the original"
    return ANOTHER if found[0] != expected[0] else "used under the same name, and other than the original"


def attempt(name: str, given: str, expected: object, seed: int, number: int) -> str:
    """One damaged copy, in a process of its own."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    signal.alarm(SECONDS)
    sys.stderr = open(os.devnull, "w")
    _, hurt, use = ATTACKS[name]
    with tempfile.TemporaryDirectory() as folder:
        copy = path = Path(shutil.copytree(given, Path(folder) / "given"))
        if use is use_table:  # one file, as it would be given
            files = sorted(copy.iterdir())
            path, expected = files[number % len(files)], expected[number % len(files)]
            for other in set(files) - {path}:
                other.unlink()
        hurt(copy, random.Random(f"{name} {seed} {number}"))
        return verdict(path, use, expected)


def one(task: tuple) -> tuple[int, str]:
    """``attempt`` in a process that is forked for it, which may die."""
    name, given, expected, seed, number = task
    context = get_context("fork")
    receive, send = context.Pipe(duplex=False)
    process = context.Process(target=lambda: send.send(attempt(name, given, expected, seed, number)))
    process.start()
    send.close()
    try:
        found = receive.recv()
    except EOFError:
        process.join()
        found = "too slow" if process.exitcode == -signal.SIGALRM else f"ended with {process.exitcode}"
    process.join()
    return number, found


def attack(name: str, count: int, seed: int, replay: int | None) -> int:
    """Make, damage, use; print the counts, and the offences; how many there were."""
    make, _, use = ATTACKS[name]
    with tempfile.TemporaryDirectory() as folder:
        given = make(Path(folder))
        if use is use_table:
            expected = [use(file) for file in sorted(given.iterdir())]
        else:
            expected = use(given)
        numbers = range(count) if replay is None else [replay]
        found = dict(one((name, str(given), expected, seed, number)) for number in numbers)
    offences = {number: kind for number, kind in found.items() if kind not in FINE}
    counts = Counter("OFFENCE" if number in offences else kind for number, kind in found.items())
    print(f"{name}: {len(found)}: " + ", ".join(f"{count} {kind}" for kind, count in counts.most_common()), flush=True)
    for number, kind in offences.items():
        print(f"  --replay {number}: {kind[:300]}")
    return len(offences)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], *ATTACKS], default=[])
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--replay", type=int)
    options = parser.parse_args()
    offences = [attack(what, options.count, options.seed, options.replay) for what in options.what or ATTACKS]
    sys.exit(any(offences))


if __name__ == "__main__":
    main()
