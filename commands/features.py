"""The commands ``tk features ...``: look at stores, check and compare them, carry them elsewhere, clear up."""

from __future__ import annotations

from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING

import click

from commands.more_features import FILE, find, import_vectors, join, merge, pool, sample
from commands.terminal import csv_safe_option, echo, json_option, note, overwrite_option, print_json, shown
from stores.shared.worded import size_in_words, worded

if TYPE_CHECKING:
    from stores import FeatureStore

WIDTH, BESIDE = 80, 11  # of a terminal, and of the names of what a store holds


@click.group()
def features() -> None:
    """Look at feature stores, check, merge, join, compare and export them.

    \b
    Example:
        tk features info features/messages.static.h5
    """


for command in (find, import_vectors, join, merge, pool, sample):
    features.add_command(command)


@features.command()
@click.argument("store", type=FILE)
@json_option
def info(store: Path, as_json: bool) -> None:
    """Say what a store holds: rows, kind, identity, counts, size, labels.

    \b
    Example:
        tk features info features/messages.static.h5
    """
    from stores import FeatureStore

    with FeatureStore(store) as opened:
        found = _info(opened)
    if as_json:
        print_json(found)
        return
    for name, value in found.items():
        text = shown(worded(value) if isinstance(value, dict | int) else str(value))
        lines = wrap(text, WIDTH - BESIDE, break_on_hyphens=False) if isinstance(value, dict) else [text]
        for number, line in enumerate(lines):
            echo(f"{'' if number else name:{BESIDE}}{line}")


def _info(store: FeatureStore) -> dict:
    import numpy as np

    if store.has_several_labels:
        counts = (store.codes == 1).sum(0).tolist()
    else:
        counts = np.bincount(store.codes[store.labelled], minlength=len(store.classes)).tolist()
    labels = dict(zip(store.classes, counts, strict=True)) | {"(none)": int((~store.labelled).sum())}
    return {
        "store": str(store.path),
        "rows": len(store),
        "kind": store.kind,
        "outputs": {name: f"{list(store.shape_of(name))} {store.dtype_of(name)}" for name in store.outputs},
        "identity": store.identity,
        "digest": store.digest,
        "source": store.source,
        "totals": store.totals,
        "labels": labels,
        "texts": "kept" if store.texts is not None else "left out",
        "bytes": store.size,
        "created": store.created,
        "seconds": round(store.seconds, 3),
        "versions": store.versions,
        "command": store.command,
    }


@features.command()
@click.argument("stores", nargs=-1, required=True, type=FILE)
@json_option
def verify(stores: tuple[Path, ...], as_json: bool) -> None:
    """Check every byte of stores: structure, checksums, offsets, hashes. Exit code 1 names the first bad thing.

    \b
    Example:
        tk features verify features/messages.static.h5
    """
    from stores import FeatureStore

    found = []
    for path in stores:
        with FeatureStore(path) as store:
            store.verify()
            if store.foreign:
                click.echo(
                    f"note: {path} also has {', '.join(store.foreign[:5])}, which is not of a store; ignored", err=True
                )
            found.append({"store": str(path), "rows": len(store), "well": True})
            if not as_json:
                echo(f"{path}: {len(store):,} rows, all as written")
    if as_json:
        print_json(found)


@features.command()
@click.argument("store", type=FILE)
@click.option(
    "--to",
    required=True,
    type=click.Choice(["npz", "parquet", "csv", "projector", "h5"]),
    help="The form; h5 is a store.",
)
@click.option("--out", required=True, type=FILE, help="File, - for standard output, or folder for the projector.")
@click.option("--output", help="Which output, of a store that has several.")
@click.option("--rows", metavar="0:100,205", help="Numbers of the rows to take, from 0.  [default: all]")
@click.option("--label", "labels", multiple=True, help="Take the rows with this label; repeatable.  [default: all]")
@click.option("--column", "columns", multiple=True,
              help="Take this column: line, label, id, split, text or features; 0:64 are those of the vectors; "
              "repeatable.  [default: all]")  # fmt: skip
@overwrite_option
@csv_safe_option
@json_option
def export(
    store: Path, to: str, out: Path, output: str | None, rows: str | None, labels: tuple[str, ...],
    columns: tuple[str, ...], overwrite: bool, csv_safe: bool, as_json: bool,
) -> None:  # fmt: skip
    """Write a store, or a part of it, in another form: NumPy, Parquet, CSV, or the Embedding Projector's files.

    \b
    Example:
        tk features export features/messages.static.h5 --to npz --out messages.npz
        tk features export features/messages.static.h5 --to projector --out projector
        tk features export features/messages.static.h5 --to csv --label spam --column text --column 0:8 --out spam.csv
    """
    from stores import FeatureStore
    from stores.export import export as run_export
    from stores.shared.files import is_stream

    with FeatureStore(store) as opened:
        files = run_export(
            opened, to, out, output=output, overwrite=overwrite, csv_safe=csv_safe, rows=rows, labels=labels,
            columns=columns,
        )  # fmt: skip
    if as_json and not is_stream(out):
        print_json([{"file": str(path), "bytes": path.stat().st_size} for path in files])
        return
    for path in files:
        note(f"wrote {path} ({size_in_words(path.stat().st_size)})")


@features.command()
@click.argument("a", type=FILE)
@click.argument("b", type=FILE)
@json_option
def diff(a: Path, b: Path, as_json: bool) -> None:
    """Say how far apart the features of the same texts are in two stores.

    \b
    Example:
        tk features diff features/messages.static.h5 features/more.static.h5
    """
    from dataclasses import asdict

    from stores import FeatureStore
    from stores.diff import diff as run_diff

    with FeatureStore(a) as first, FeatureStore(b) as second:
        found = run_diff(first, second)
    if as_json:
        print_json(asdict(found))
        return
    echo(f"identity: {'the same' if found.same_identity else 'different'}")
    echo(f"distinct texts: {found.shared:,} in both, {found.only_a:,} only in {a}, {found.only_b:,} only in {b}")
    if found.cosine is not None:
        echo(f"largest difference: {found.largest:.3g} (line {found.farthest_line} of the table of {a})")
        echo(f"cosine: mean {found.cosine[0]:.6f}, smallest {found.cosine[1]:.6f}")


@features.command()
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default="features")
@click.option("--yes", is_flag=True, help="Do not ask.")
@json_option
def prune(folder: Path, yes: bool, as_json: bool) -> None:
    """Delete what interrupted runs left under FOLDER (default: features), after asking.

    Parts are worth something: the command that was interrupted goes on from them. With --json nothing is asked, and
    nothing deleted without --yes.

    \b
    Example:
        tk features prune features --yes
    """
    from stores.prune import find_stale, remove

    stale = find_stale(folder)
    if not as_json:
        for item in stale:
            echo(f"{shown(str(item.path))} ({size_in_words(item.bytes)}): {item.why}")
        if not stale:
            echo(f"nothing stale under {shown(str(folder))}")
            return
    delete = yes or (not as_json and click.confirm("Delete all of these?"))
    if delete:
        for item in stale:
            remove(item)
    if as_json:
        found = [{"path": str(item.path), "bytes": item.bytes, "why": item.why} for item in stale]
        print_json({"stale": found, "deleted": delete and bool(stale)})
    elif delete:
        echo(f"deleted {len(stale)}")
