"""The commands ``tk features ...``: look at stores, check them, put them together, carry them elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.tables import data_option, read, table_options
from commands.terminal import csv_safe_option, echo, json_option, note, overwrite_option, print_json, shown

if TYPE_CHECKING:
    from stores import FeatureStore

FILE = click.Path(path_type=Path)
out_option = click.option("--out", required=True, type=FILE, help="The new store; it must not exist.")


@click.group()
def features() -> None:
    """Look at feature stores, check, merge, join, compare and export them.

    \b
    Example:
        tk features info features/messages.static.h5
    """


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
        if isinstance(value, dict):
            value = ", ".join(f"{key} {item}" for key, item in value.items())
        echo(f"{name:10} {shown(str(value))}")


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
@click.option("--to", required=True, type=click.Choice(["npz", "parquet", "csv", "projector"]), help="The form.")
@click.option("--out", required=True, type=FILE, help="File, - for standard output, or folder for the projector.")
@click.option("--output", help="Which output, of a store that has several.")
@overwrite_option
@csv_safe_option
@json_option
def export(
    store: Path, to: str, out: Path, output: str | None, overwrite: bool, csv_safe: bool, as_json: bool
) -> None:  # fmt: skip
    """Write a store in another form: NumPy, Parquet, CSV, or the TensorBoard Embedding Projector's files.

    \b
    Example:
        tk features export features/messages.static.h5 --to npz --out messages.npz
        tk features export features/messages.static.h5 --to projector --out projector
    """
    from stores import FeatureStore
    from stores.export import export as run_export
    from stores.shared.files import is_stream

    with FeatureStore(store) as opened:
        files = run_export(opened, to, out, output=output, overwrite=overwrite, csv_safe=csv_safe)
    if as_json and not is_stream(out):
        print_json([{"file": str(path), "bytes": path.stat().st_size} for path in files])
        return
    for path in files:
        note(f"wrote {path} ({path.stat().st_size / 1e6:,.1f} MB)")


@features.command()
@click.argument("stores", nargs=-1, required=True, type=FILE)
@out_option
@json_option
@click.pass_obj
def merge(command: str, stores: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Put stores of one identity end to end: several tables as one.

    \b
    Example:
        tk features merge features/messages.static.h5 features/more.static.h5 --out features/all.static.h5
    """
    from stores.merge import merge as run_merge

    with run_merge(stores, out, command) as merged:
        found = {"store": str(out), "rows": len(merged), "totals": merged.totals}
    if as_json:
        print_json(found)
    else:
        echo(f"{found['rows']:,} rows: {out}")


@features.command()
@click.argument("stores", nargs=-1, required=True, type=FILE)
@out_option
@json_option
@click.pass_obj
def join(command: str, stores: tuple[Path, ...], out: Path, as_json: bool) -> None:
    """Put several encoders' stores of one table side by side; heads then see all their columns.

    \b
    Example:
        tk features join features/messages.static.h5 features/messages.max.h5 --out features/messages.both.h5
    """
    from stores.merge import join as run_join

    with run_join(stores, out, command) as joined:
        rows, outputs = len(joined), joined.outputs
    if as_json:
        print_json({"store": str(out), "rows": rows, "outputs": outputs})
    else:
        echo(f"{rows:,} rows, {', '.join(outputs)}: {out}")


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
@click.argument("store", type=FILE)
@click.option("--pooling", default="mean", show_default=True, help="mean, max, first or last, of a text's tokens.")
@out_option
@json_option
@click.pass_obj
def pool(command: str, store: Path, pooling: str, out: Path, as_json: bool) -> None:
    """Make one vector a text out of a store of one vector a token, without a new encoding.

    Runs on the new store predict like others: the encoder's tokens are pooled alike.

    \b
    Example:
        tk features pool features/messages.bert-tokens.h5 --pooling max --out features/messages.bert-max.h5
    """
    from stores.pooled_view import pooled_view

    with pooled_view(store, out, pooling, command) as made:
        found = {"store": str(out), "rows": len(made), "width": made.shape[1]}
    if as_json:
        print_json(found)
    else:
        echo(f"{found['rows']:,} rows, {found['width']:,} columns: {out}")


@features.command("import")
@click.argument("vectors", type=FILE)
@data_option
@click.option("--name", required=True, help="What made the vectors, such as openai-3-small.")
@click.option("--array", help="Which array, data set or column of the file; the only one if none is named.")
@click.option("--key", help="Column of a Parquet file or CSV with the id or the text that a vector belongs to.")
@table_options
@out_option
@click.option("--overwrite", is_flag=True, help="Replace the store.")
@json_option
@click.pass_obj
def import_vectors(
    command: str, vectors: Path, data: tuple[str, ...], name: str, array: str | None, key: str | None, out: Path,
    overwrite: bool, as_json: bool, reading: dict[str, Any],
) -> None:  # fmt: skip
    """Make a store of vectors that were made elsewhere, a vector a row of the table.

    VECTORS is a file of NumPy (.npy, .npz), Parquet with a column of lists, CSV of numbers, HDF5 or safetensors.
    Without --key they are those of the rows in their order; with it, of the rows with this id, or, if the table has no
    ids, this text. Everything works on such a store but tk predict, which asks for the vectors of new texts.

    \b
    Example:
        tk features import vectors.npy --data examples/messages.csv --name openai-3-small --out features/openai.h5
    """
    from embed.given_vectors import give_vectors, read_vectors

    table = read(data, **reading)
    with give_vectors(
        read_vectors(vectors, array=array, key=key), table, name, out, overwrite=overwrite, command=command
    ) as store:
        found = {"store": str(out), "rows": len(store), "width": store.shape[1], "dtype": str(store.dtype)}
    if as_json:
        print_json(found)
    else:
        echo(f"{found['rows']:,} rows, {found['width']:,} columns: {out}")


@features.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def find(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the stores that texts are taken from, wherever they lie on this machine.

    tk embed takes each store that it makes into this index. FOLDERS are looked through first, for stores that were
    copied or moved there. TK_STORE_INDEX=off in the environment switches the index off.

    \b
    Example:
        tk features find
        tk features find features
    """
    from dataclasses import asdict

    from embed.known_texts import is_indexed, machine_catalogue

    catalogue = machine_catalogue()
    for folder in folders:
        catalogue.look_through(folder)
    entries = catalogue.entries()
    if as_json:
        print_json([{name: value for name, value in asdict(entry).items() if name != "stamp"} for entry in entries])
        return
    for entry in entries:
        what = f"{entry.encoder} {entry.identity_digest[:8]} {entry.kind}"
        echo(f"{shown(entry.path)}: {entry.rows:,} rows, {shown(what)}, {entry.bytes / 1e6:,.1f} MB")
    if not entries:
        note("no stores are known" if is_indexed() else "the index is switched off (TK_STORE_INDEX)")


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
            echo(f"{shown(str(item.path))} ({item.bytes / 1e6:,.1f} MB): {item.why}")
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
