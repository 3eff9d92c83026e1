"""Stores that no encoder makes: ``tk features merge``, ``join``, ``pool``, ``import``, ``sample`` and ``find``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from commands.tables import data_option, read, table_options
from commands.terminal import echo, json_option, note, print_json, shown
from stores.shared.worded import size_in_words

FILE = click.Path(path_type=Path)
out_option = click.option("--out", required=True, type=FILE, help="The new store; it must not exist.")


@click.command()
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


@click.command()
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


@click.command()
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


@click.command("import")
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

    VECTORS is a file of NumPy (.npy, .npz), Parquet with a column of lists, CSV of numbers, HDF5 or safetensors, or a
    folder of such Parquet files, also in object storage (s3://bucket/vectors/).
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


def _whole_number(context: click.Context, parameter: click.Parameter, value: float) -> int:
    if not value.is_integer():
        raise click.BadParameter(f"{value:g} is no whole number")
    return int(value)


@click.command()
@click.argument("store", type=FILE)
@click.option("--rows", required=True, type=float, callback=_whole_number, help="How many, such as 1000000 or 1e6.")
@click.option("--stratified", is_flag=True, help="Each class gets its share of them, and one at least.")
@click.option("--seed", default=0, show_default=True, help="Of the draw.")
@out_option
@json_option
@click.pass_obj
def sample(command: str, store: Path, rows: int, stratified: bool, seed: int, out: Path, as_json: bool) -> None:
    """Draw rows of a store by lot, as a store of its own: enough to train on, where all are too many.

    \b
    Example:
        tk features sample features/messages.static.h5 --rows 500 --stratified --out features/some.static.h5
    """
    from stores import FeatureStore
    from stores.sample import sample as run_sample

    with (
        FeatureStore(store) as opened,
        run_sample(opened, rows, out, stratified=stratified, seed=seed, command=command) as drawn,
    ):
        found = {"store": str(out), "rows": len(drawn), "of": len(opened)}
    if as_json:
        print_json(found)
    else:
        echo(f"{found['rows']:,} of {found['of']:,} rows: {out}")


@click.command()
@click.argument("folders", nargs=-1, type=click.Path(exists=True, file_okay=False, path_type=Path))
@json_option
def find(folders: tuple[Path, ...], as_json: bool) -> None:
    """List the stores that texts are taken from, wherever they lie on this machine.

    Each store that tk embed makes is taken into this index. FOLDERS are looked through first, for stores that were
    copied or moved there. TK_STORE_INDEX=off in the environment switches the index off.

    \b
    Example:
        tk features find
        tk features find features
    """
    from dataclasses import asdict

    from embed.machine_stores import is_indexed, machine_catalogue

    catalogue = machine_catalogue()
    for folder in folders:
        catalogue.look_through(folder)
    entries = catalogue.entries()
    if as_json:
        print_json([{name: value for name, value in asdict(entry).items() if name != "stamp"} for entry in entries])
        return
    for entry in entries:
        what = f"{entry.encoder} {entry.identity_digest[:8]} {entry.kind}"
        echo(f"{shown(entry.path)}: {entry.rows:,} rows, {shown(what)}, {size_in_words(entry.bytes)}")
    if not entries:
        note("no stores are known" if is_indexed() else "the index is switched off (TK_STORE_INDEX)")
