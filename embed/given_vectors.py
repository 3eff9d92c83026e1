"""Vectors that were made elsewhere -> arrays: NumPy, Parquet, CSV, HDF5, safetensors; and next to rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from embed.reading.containers import tables_in_folder
from embed.reading.files import damage_is_one_line
from embed.reading.remote import find_remote
from embed.tables.rows import Rows
from embed.tables.table import Table
from embed.weights.safetensors import read_safetensors
from stores.given import write
from stores.reader import FeatureStore
from stores.shared.errors import InputError
from stores.shared.remote import full_address, scheme_of
from stores.shared.suggest import listing

FORMS = (".npy", ".npz", ".parquet", ".csv", ".h5", ".hdf5", ".safetensors")


@dataclass(frozen=True)
class GivenVectors:
    """Vectors of a file.

    Attributes:
        values: float ``[n, D]``.
        keys: what each belongs to, an id or a text; None: to the rows in their order.
    """

    values: np.ndarray
    keys: list[str] | None = None


def read_vectors(path: str | Path, *, array: str | None = None, key: str | None = None) -> GivenVectors:
    """The vectors in a file.

    Args:
        path: ``.npy``, ``.npz``, ``.h5`` (HDF5), ``.safetensors``, ``.parquet`` with a column of lists, or ``.csv``
            with a column a number; or a folder of Parquet files, here or in object storage (``s3://bucket/vectors/``).
        array: which array, data set or column; the only one if None.
        key: column of a Parquet file or CSV with ids or texts, by which vectors are matched with rows.

    Raises:
        InputError: if there is no such file or array, it is not clear which is meant, or it is no rectangle of numbers.
    """
    if scheme_of(path) or Path(path).is_dir():
        return _of_folder(path, array, key)
    path = Path(path)
    if not path.is_file():
        raise InputError(f"{path}: no such file")
    form = path.suffix.lower()
    if form not in FORMS:
        raise InputError(f"{path}: vectors are read from {', '.join(FORMS)}")
    with damage_is_one_line(str(path)):
        if form in (".parquet", ".csv"):
            return _of_table(path, array, key)
        if key is not None:
            raise InputError(f"`key={key!r}` is a column of a Parquet file or CSV; {path} has none")
        if form == ".npy":
            return GivenVectors(np.load(path, mmap_mode="r", allow_pickle=False))
        arrays = _arrays(path)
        return GivenVectors(np.asarray(arrays[_chosen(path, array, list(arrays))]))


def give_vectors(
    given: GivenVectors, table: Table, name: str, out: str | Path, *, overwrite: bool = False, command: str = ""
) -> FeatureStore:
    """A store of the rows of a table with vectors that were made elsewhere.

    Args:
        given: the vectors, in the order of the rows, or with keys: the ids of the rows, or else their texts.
        table: the rows.
        name, out, overwrite, command: see ``stores.write``.

    Raises:
        InputError: if there are not as many vectors as rows, a row has no vector, or as ``stores.write``.
    """
    rows = Rows.concat(list(table.blocks(8192)), [])
    values = vectors_of_rows(given, rows, table)
    several = isinstance(rows.labels, np.ndarray)
    return write(
        out, values, rows.texts, name=name, labels=rows.labels, classes=rows.label_names if several else None,
        ids=rows.ids, splits=rows.splits, line=rows.line, overwrite=overwrite, source=table.source(), command=command,
    )  # fmt: skip


def vectors_of_rows(given: GivenVectors, rows: Rows, table: Table) -> np.ndarray:
    """The vector of each row of a table, ``[n, D]``; raises as ``give_vectors``."""
    if given.keys is not None:
        return given.values[_matched(given.keys, given.values, rows, table)]
    if len(given.values) != len(rows):
        raise InputError(
            f"{table.name} has {len(rows):,} rows, but there are {len(given.values):,} vectors; give one a row, or "
            "name their `key`"
        )
    return given.values


def _matched(keys: Sequence[str], values: np.ndarray, rows: Rows, table: Table) -> np.ndarray:
    """int64 ``[n]``: the vector of each row, by its id, or by its text if the table has no ids."""
    place = {key: number for number, key in enumerate(keys)}
    if len(place) < len(keys):
        for number, key in enumerate(keys):
            if place[key] != number and not np.array_equal(values[place[key]], values[number]):
                raise InputError(f"two different vectors have the key {key[:60]!r}")
    wanted = rows.texts if rows.ids is None else rows.ids
    for line, each in zip(rows.line.tolist(), wanted, strict=True):
        if each not in place:
            what = "text" if rows.ids is None else "id"
            raise InputError(f"{table.name}, line {line}: no vector has the {what} {each[:60]!r} as its key")
    return np.fromiter(map(place.__getitem__, wanted), np.int64, len(wanted))


def _arrays(path: Path) -> dict[str, np.ndarray]:
    """Name -> array of two dimensions."""
    if path.suffix == ".npz":
        with np.load(path, allow_pickle=False) as file:
            found = {name: file[name] for name in file.files}
    elif path.suffix == ".safetensors":
        found = {name: np.asarray(values) for name, values in read_safetensors(path).items()}
    else:
        import h5py

        found = {}
        with h5py.File(path, "r") as file:
            names: list[str] = []
            file.visititems(lambda name, item: names.append(name) if getattr(item, "ndim", 0) == 2 else None)
            found = {name: file[name][...] for name in names}
    return {name: values for name, values in found.items() if values.ndim == 2}


def _chosen(path: Path, array: str | None, names: list[str]) -> str:
    if array is None and len(names) == 1:
        return names[0]
    if array is None or array not in names:
        what = "no array of vectors" if not names else "several arrays" if array is None else f"no array {array!r}"
        there = f"; name one of {listing(array, names)} in `array`" if names else ""
        raise InputError(f"{path} has {what}{there}")
    return array


def _of_folder(path: str | Path, array: str | None, key: str | None) -> GivenVectors:
    """Of all Parquet files in a folder and below, in the order of their paths."""
    sources = find_remote(full_address(path)) if scheme_of(path) else tables_in_folder(Path(path), follow_links=False)
    sources = [source for source in sources if Path(source.name).suffix == ".parquet"]
    if not sources:
        raise InputError(f"{full_address(path)}: there is no Parquet file in it, or others beside these")
    found = [read_vectors(source.path, array=array, key=key) for source in sources]
    if len({given.values.shape[1] for given in found}) > 1:
        raise InputError(f"{full_address(path)}: the vectors have not all the same width")
    keys = None if key is None else [name for given in found for name in given.keys or []]
    return GivenVectors(np.concatenate([given.values for given in found]), keys)


def _of_table(path: Path, array: str | None, key: str | None) -> GivenVectors:
    """Of a Parquet file or CSV: a column of lists, else all columns of numbers but the key."""
    import pyarrow as pa

    if path.suffix == ".csv":
        from pyarrow import csv

        table = csv.read_csv(path)
        if key is None and all(map(_is_number, table.column_names)):  # no header, but the first vector
            table = csv.read_csv(path, csv.ReadOptions(autogenerate_column_names=True))
    else:
        from pyarrow import parquet

        table = parquet.ParquetFile(path).read()
    if key is not None and key not in table.column_names:
        raise InputError(f"{path} has no column {key!r}; it has: {listing(key, table.column_names)}")
    keys = None if key is None else table[key].cast(pa.string()).fill_null("").to_pylist()
    lists = [field.name for field in table.schema if _is_list(field.type)]
    if lists or array is not None:
        column = table[_chosen(path, array, lists)]
        width = len(column[0]) if len(column) else 0
        flat = column.combine_chunks().flatten().to_numpy(zero_copy_only=False)
        if width == 0 or len(flat) != width * len(column):
            raise InputError(f"{path}: the vectors have not all the same width")
        return GivenVectors(flat.reshape(len(column), width), keys)
    numbers = [name for name in table.column_names if name != key]
    for name in numbers:
        if not (pa.types.is_floating(table[name].type) or pa.types.is_integer(table[name].type)):
            raise InputError(f"{path}: column {name!r} holds no numbers; name the one with ids or texts in `key`")
    return GivenVectors(np.stack([table[name].to_numpy() for name in numbers], axis=1), keys)


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _is_list(kind: object) -> bool:
    import pyarrow.types as types

    return types.is_list(kind) or types.is_large_list(kind) or types.is_fixed_size_list(kind)
