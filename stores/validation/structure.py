"""Refusing a file that is no store: its structure, types, shapes and sizes, before any of its data is read."""

from __future__ import annotations

import math
import re
from pathlib import Path

import h5py
import numpy as np

from stores.format import (
    FORMAT,
    GROUPS,
    KINDS,
    RAW_HASHES,
    READABLE_VERSIONS,
    ROOT_NAMES,
    ROW_STRINGS,
    SCHEMA,
    TEXT_ATTRIBUTES,
    data_sets,
    members,
    paths,
    rows_a_checksum,
)
from stores.shared.errors import FailureError
from stores.virtual_dataset import DeclaredDataset, StoreFile

NEEDED = {"about", "counts", "labels/classes/bytes", "labels/classes/offsets", "labels/codes", "line", "text_hash"}
NEEDED_BY_KIND = {
    "pooled": NEEDED,
    "tokens": NEEDED | {"offsets"},
    "ids": NEEDED | {"features/ids", "offsets", "vocabulary/bytes", "vocabulary/offsets"},
}
GZIP = [h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_DEFLATE]
TIMES = ((3,), (2,))  # shapes; the second of stores that do not say what the features that they took had cost
OWN_ATTRIBUTES = (*TEXT_ATTRIBUTES, "digest", "format_version")
LONGEST_ATTRIBUTE = 1 << 8  # bytes
SMALLEST_CHUNK, LARGEST_CHUNK = 1 << 16, 1 << 26  # bytes, where there are several
MOST_INFLATION = 1100  # deflate cannot do better: a data set that claims more is no data


def check(file: StoreFile, path: Path) -> None:
    """Refuse a file that is no store of this version, reaches out of itself, or claims an absurd size.

    No features are read for that, and nothing from elsewhere.

    Raises:
        FailureError: naming ``path`` and the first thing that is wrong.
    """
    _check_group(file, path, "")
    _check_presence(file, path)
    _check_lengths(file, path)


def check_attributes(file: h5py.File, path: Path) -> None:
    """Refuse a file that is no store, or one of another version; ``FailureError``."""
    for name in (name for name in _attribute_names(file) if name in OWN_ATTRIBUTES):
        attribute = file.attrs.get_id(name)
        if attribute.shape != () or attribute.dtype.kind not in "Siu" or attribute.dtype.itemsize > LONGEST_ATTRIBUTE:
            raise FailureError(f"{path}: the attribute {name!r} is neither a number nor a short text; refused")
    values = {name: file.attrs.get(name) for name in (*TEXT_ATTRIBUTES, "digest")}
    texts = {name: value.decode() if isinstance(value, bytes) else "" for name, value in values.items()}
    if texts["format"] != FORMAT:
        raise FailureError(f"{path} is an HDF5 file but not a feature store; make one with: tk embed")
    version = file.attrs.get("format_version")
    if version not in READABLE_VERSIONS:
        readable = " and ".join(map(str, READABLE_VERSIONS))
        raise FailureError(f"{path} has store format version {version}; this tk reads versions {readable}")
    for name, text in texts.items():
        if not text:
            raise FailureError(f"{path} lacks the attribute {name!r}; make it again with: tk embed")
    if texts["kind"] not in KINDS:
        raise FailureError(f"{path} holds features of kind {texts['kind']!r}, which this tk does not know")


def foreign_names(file: h5py.File) -> list[str]:
    """Attributes and members of the root that are not ours; they are never opened, only named."""
    attributes = [f"attribute {name!r}" for name in _attribute_names(file) if name not in OWN_ATTRIBUTES]
    return attributes + [repr(name) for name in members(file["/"]) if name not in ROOT_NAMES]


def _attribute_names(file: h5py.File) -> list[str]:
    names: list[bytes] = []
    h5py.h5a.iterate(file.id, names.append, order=h5py.h5.ITER_NATIVE)
    return sorted(name.decode() for name in names)


def _check_group(file: StoreFile, path: Path, prefix: str) -> None:
    group = file[prefix or "/"]
    for name in members(group):
        where = prefix + name
        if not prefix and name not in ROOT_NAMES:
            continue
        if not where.isprintable():
            raise FailureError(f"{path}: {where!r} does not belong into a store; refused")
        if group.id.links.get_info(name.encode()).type != h5py.h5l.TYPE_HARD:
            raise FailureError(f"{path}: {where} is a link; a store holds its own data, so this file is refused")
        item = file[where]
        if isinstance(item, DeclaredDataset):
            continue
        if isinstance(item, h5py.Dataset):
            check_data(item, where, path, file.bytes)
        elif isinstance(item, h5py.Group) and (where == "checksums" or where.removeprefix("checksums/") in GROUPS):
            _check_group(file, path, f"{where}/")
        else:
            raise FailureError(f"{path}: {where} does not belong into a store; refused")


def check_data(data: h5py.Dataset, where: str, path: Path, file_bytes: int) -> None:
    """Type, dimensions, and whether the bytes that the shape claims can be in the file; ``FailureError``."""
    types, *dimensions = next((s for name, s in SCHEMA.items() if re.fullmatch(name, where)), ((), 0))
    if data.dtype.name not in types or data.ndim not in dimensions or not _is_plain(data):
        raise FailureError(f"{path}: {where} is {data.dtype} {data.shape}, which the format does not know; refused")
    if data.external:
        raise FailureError(f"{path}: {where} does not lie inside the file; refused")
    filters = _filters(data)
    if filters and (filters != GZIP or not where.startswith(("features/", "table"))):
        raise FailureError(f"{path}: {where} has a filter that not every HDF5 reader has; refused")
    size = math.prod(data.shape) * data.dtype.itemsize
    chunk = math.prod(data.chunks or (0,)) * data.dtype.itemsize
    stored = min(data.id.get_storage_size(), file_bytes)
    if size > stored * (MOST_INFLATION if filters else 1) or chunk > LARGEST_CHUNK:
        raise FailureError(f"{path}: {where} claims {size:,} bytes, which the file does not hold; refused")


def _is_plain(data: h5py.Dataset) -> bool:
    """Whether the type is just what its name says: no enumeration, no odd precision, little-endian."""
    return data.id.get_type().equal(h5py.h5t.py_create(np.dtype(data.dtype.name).newbyteorder("<")))


def _filters(data: h5py.Dataset) -> list[int]:
    """Code of each filter, in the order in which they were applied."""
    properties = data.id.get_create_plist()
    return [properties.get_filter(i)[0] for i in range(properties.get_nfilters())]


def _check_presence(file: h5py.File, path: Path) -> None:
    """That there is all that the kind needs, and nothing else."""
    present, kind = set(data_sets(file)), file.attrs["kind"].decode()
    features = {name for name in present if name.startswith("features/")}
    strings = [name for name in ROW_STRINGS if name in file]
    needed = NEEDED_BY_KIND[kind] | {f"{name}/{part}" for name in strings for part in ("bytes", "offsets")}
    missing = [*sorted(needed - present), *(["features"] if not features else [])]
    missing += [name for name in ("times", "checksums") if name not in file]
    missing += [f"checksums/{name}" for name in sorted(present) if f"checksums/{name}" not in file]
    if missing:
        raise FailureError(f"{path} lacks {missing[0]!r}: it is no complete store; make it again with: tk embed")
    optional = set(RAW_HASHES) | ({"table"} if kind == "ids" else features - {"features/ids"})
    extra = [
        *sorted(present - needed - optional),
        *(set(paths(file, "checksums/")) - {f"checksums/{name}" for name in present}),
    ]
    if extra:
        raise FailureError(f"{path}: {extra[0]!r} does not belong into a store of kind {kind!r}; refused")


def _check_lengths(file: h5py.File, path: Path) -> None:
    """That the data sets fit together; the contents of the offsets are looked at by ``verify``."""
    shapes = {name: file[name].shape for name in (*data_sets(file), "times")}
    rows = shapes["line"][0]
    wanted = {"counts": (rows, 3), "text_hash": (rows, 16), "labels/codes": (rows,)}
    wanted |= {name: (rows, 16) for name in RAW_HASHES}
    wanted |= {f"{name}/offsets": (rows + 1,) for name in ROW_STRINGS}
    wanted |= {"offsets": (rows + 1,), "times": shapes["times"] if shapes["times"] in TIMES else TIMES[0]}
    if "table" in shapes:
        wanted["table"] = (shapes["vocabulary/offsets"][0] - 1,)
    if len(shapes["labels/codes"]) > 1:
        wanted["labels/codes"] = (rows, shapes["labels/classes/offsets"][0] - 1)
    tokens = int(file["offsets"][-1]) if shapes.get("offsets") == wanted["offsets"] else rows
    wanted |= {name: (tokens,) for name in shapes if name.startswith("features/")}
    for name, shape in shapes.items():
        if shape[: len(wanted.get(name, ()))] != wanted.get(name, ()) or (name.endswith("/offsets") and not shape[0]):
            raise FailureError(f"{path}: {name} has the shape {shape}, which does not fit {rows} rows")
    for name in data_sets(file):
        data = file[name]
        chunked = data.chunks and data.chunks[1:] == data.shape[1:]
        if data.maxshape != data.shape or not (chunked or isinstance(data, DeclaredDataset) or not data.size):
            raise FailureError(f"{path}: {name} does not lie in chunks of whole rows; refused")
        rows = rows_a_checksum(data)
        chunks = -(-len(data) // rows) if rows else 0
        if chunks > 1 and rows * math.prod(data.shape[1:]) * data.dtype.itemsize < SMALLEST_CHUNK:
            raise FailureError(f"{path}: {name} lies in {chunks:,} chunks, which are too small; refused")
        if len(file[f"checksums/{name}"]) != chunks:
            raise FailureError(f"{path}: {name} has {chunks} chunks, but not as many checksums")
