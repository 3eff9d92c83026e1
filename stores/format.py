"""The store format, version 1.

A store is one HDF5 file that any HDF5 reader reads with no plug-in: no compound types, no references, no links out of
the file, no filters but, if asked for, gzip or lzf. ``N`` rows, in the order of the data file.

======================  ==============================  ===================================================
data set                shape and type                  meaning
======================  ==============================  ===================================================
``features/<output>``   float32 or float16              kind ``pooled``: ``[N, D]``, one vector a row; kind
                                                        ``tokens``: ``[sum T, D]``, one vector a token
``features/ids``        int32 ``[sum T]``               kind ``ids``: the tokens of all rows, end to end
``offsets``             int64 ``[N + 1]``               not for ``pooled``: row i owns the tokens from
                                                        ``offsets[i]`` up to, not including, ``offsets[i + 1]``
``vocabulary``          strings ``[V]``                 kind ``ids``: what the ids point to
``table``               float32 or float16 ``[V, D]``   kind ``ids``, word vectors: the vector of each token
``counts``              int32 ``[N, 3]``                tokens, tokens unknown to the encoder, tokens cut off
``line``                int64 ``[N]``                   line of the data file on which the row starts, from 1
``text_hash``           uint8 ``[N, 16]``               BLAKE2b-128 of the cleaned text in UTF-8
``labels/codes``        int32 ``[N]``                   index into the classes, -1 where the label is missing
``labels/classes``      strings ``[C]``                 class names: by value if all are numbers, else as text
``texts``               strings ``[N]``                 the cleaned texts, unless left out
``checksums/<path>``    uint32 ``[chunks]``             CRC-32 of each chunk of each data set above
``times``               float64 ``[2]``                 when the run began (Unix time) and how many seconds it took:
                                                        all that differs between equal runs, so without a checksum
======================  ==============================  ===================================================

*Strings* are a group of two data sets, ``bytes`` uint8 ``[sum L]`` (UTF-8, end to end) and ``offsets`` int64
``[n + 1]``: half the size of HDF5's own strings, which lie in a heap that no checksum covers.

bfloat16 is no type of this format: to another HDF5 reader it would be bytes without a meaning.

Attributes of the root: ``format`` = ``tk-features``, ``format_version`` = 1, ``kind``; ``identity`` (JSON: all that a
vector depends on beside its text), ``identity_digest``; ``recipe`` (JSON: how to make the encoder again), ``source``
(JSON: data file, its digest, how it was read and kept), ``totals`` (JSON: rows, distinct texts, encoded, reused, ...),
``versions`` (JSON), ``command``; ``digest`` (BLAKE2b-128 of all of these and of every checksum).

Chunks run along the rows only, so that one chunk holds whole rows; the number of rows is a power of two, for about 512
KiB (see ``benchmarks/README.md`` for what was measured). Without a filter they are allocated when the data set is
made, so they lie in the file one after the other as plain bytes: one memory map serves reading in order and gathering
random rows, and a gathered row costs its own bytes, not its chunk. HDF5's own checksum is a filter and would end that;
so each chunk has a CRC-32 beside the data, which ``verify`` and the assembly of parts compare. It covers the rows in C
order, little-endian, without the unused rest of the last chunk (which is zeros).
"""

from __future__ import annotations

import math
import re
from pathlib import Path

import h5py

from stores.errors import FailureError

FORMAT = "tk-features"
VERSION = 1
JSON_ATTRIBUTES = ("identity", "recipe", "source", "totals", "versions")
TEXT_ATTRIBUTES = ("format", "kind", "identity_digest", "command", *JSON_ATTRIBUTES)  # what the digest covers
KINDS = ("pooled", "tokens", "ids")
GROUPS = ("features", "vocabulary", "labels", "labels/classes", "texts")
FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_LZF, h5py.h5z.FILTER_SHUFFLE}
LONGEST_ATTRIBUTE = 1 << 20  # bytes
LARGEST_CHUNK = 1 << 26  # bytes
MOST_INFLATION = 1100  # deflate cannot do better: a data set that claims more is no data

_STRINGS = {"bytes": (("uint8",), 1), "offsets": (("int64",), 1)}
_FLOATS = ("float32", "float16")
SCHEMA: dict[str, tuple[tuple[str, ...], int]] = {  # path -> types, dimensions
    "features/ids": (("int32",), 1),
    "features/[^/]+": (_FLOATS, 2),
    "offsets": (("int64",), 1),
    "table": (_FLOATS, 2),
    "counts": (("int32",), 2),
    "line": (("int64",), 1),
    "text_hash": (("uint8",), 2),
    "labels/codes": (("int32",), 1),
    **{f"{name}/{part}": t for name in ("vocabulary", "labels/classes", "texts") for part, t in _STRINGS.items()},
    "checksums/.+": (("uint32",), 1),
    "times": (("float64",), 1),
}


def data_sets(file: h5py.File) -> list[str]:
    """Paths of all data sets that have checksums, sorted."""
    paths: list[str] = []
    file.visititems(lambda path, item: paths.append(path) if isinstance(item, h5py.Dataset) else None)
    return sorted(path for path in paths if not path.startswith("checksums/") and path != "times")


def check(file: h5py.File, path: Path) -> None:
    """Refuse a file that is no store of this version, reaches out of itself, or claims an absurd size.

    No features are read for that, and nothing from elsewhere.

    Raises:
        FailureError: naming ``path`` and the first thing that is wrong.
    """
    _check_attributes(file, path)
    _check_group(file, path)
    missing = [
        name for name in ("features", "counts", "line", "text_hash", "labels", "checksums", "times") if name not in file
    ]
    missing += [name for name in data_sets(file) if f"checksums/{name}" not in file]
    if missing:
        raise FailureError(f"{path} lacks {missing[0]!r}: it is no complete store; make it again with: tk embed")
    _check_lengths(file, path)


def _check_attributes(file: h5py.File, path: Path) -> None:
    for name in file.attrs:
        attribute = file.attrs.get_id(name)
        if attribute.shape != () or attribute.dtype.kind not in "Oiuf" or attribute.get_storage_size() > 16:
            raise FailureError(f"{path}: the attribute {name!r} is neither a number nor a text; refused")
        if len(str(file.attrs[name])) > LONGEST_ATTRIBUTE:
            raise FailureError(f"{path}: the attribute {name!r} is longer than {LONGEST_ATTRIBUTE:,} bytes; refused")
    if file.attrs.get("format") != FORMAT:
        raise FailureError(f"{path} is an HDF5 file but not a feature store; make one with: tk embed")
    if file.attrs.get("format_version") != VERSION:
        version = file.attrs.get("format_version")
        raise FailureError(f"{path} has store format version {version}; this tk reads version {VERSION}")
    for name in (*TEXT_ATTRIBUTES, "digest"):
        if not isinstance(file.attrs.get(name), str):
            raise FailureError(f"{path} lacks the attribute {name!r}; make it again with: tk embed")
    if file.attrs["kind"] not in KINDS:
        raise FailureError(f"{path} holds features of kind {file.attrs['kind']!r}, which this tk does not know")


def _check_group(group: h5py.Group, path: Path, prefix: str = "") -> None:
    for name in group:
        where = prefix + name
        if not isinstance(group.get(name, getlink=True), h5py.HardLink):
            raise FailureError(f"{path}: {where} is a link; a store holds its own data, so this file is refused")
        item = group[name]
        if isinstance(item, h5py.Dataset):
            _check_data(item, where, path)
        elif isinstance(item, h5py.Group) and (where == "checksums" or where.removeprefix("checksums/") in GROUPS):
            _check_group(item, path, f"{where}/")
        else:
            raise FailureError(f"{path}: {where} does not belong into a store; refused")


def _check_data(data: h5py.Dataset, where: str, path: Path) -> None:
    """Type, dimensions, and whether the bytes that the shape claims can be in the file."""
    types, dimensions = next((s for name, s in SCHEMA.items() if re.fullmatch(name, where)), ((), 0))
    if data.dtype.name not in types or data.dtype.byteorder == ">" or data.ndim != dimensions:
        raise FailureError(f"{path}: {where} is {data.dtype} {data.shape}, which the format does not know; refused")
    if data.external or data.is_virtual:
        raise FailureError(f"{path}: {where} does not lie inside the file; refused")
    properties = data.id.get_create_plist()
    filters = {properties.get_filter(i)[0] for i in range(properties.get_nfilters())}
    if not filters <= FILTERS:
        raise FailureError(f"{path}: {where} has a filter that not every HDF5 reader has; refused")
    size = math.prod(data.shape) * data.dtype.itemsize
    chunk = math.prod(data.chunks or (0,)) * data.dtype.itemsize
    if size > data.id.get_storage_size() * (MOST_INFLATION if filters else 1) or chunk > LARGEST_CHUNK:
        raise FailureError(f"{path}: {where} claims {size:,} bytes, which the file does not hold; refused")


def _check_lengths(file: h5py.File, path: Path) -> None:
    """That the data sets fit together; the contents of the offsets are looked at by ``verify``."""
    rows = len(file["line"])
    wanted = {"counts": (rows, 3), "text_hash": (rows, 16), "labels/codes": (rows,), "texts/offsets": (rows + 1,)}
    if "vocabulary/offsets" in file:
        wanted["table"] = (len(file["vocabulary/offsets"]) - 1,)
    tokens = rows
    if file.attrs["kind"] != "pooled":
        if "offsets" not in file or len(file["offsets"]) != rows + 1:
            raise FailureError(f"{path}: there must be {rows + 1} offsets; make it again with: tk embed")
        tokens = int(file["offsets"][-1])
    wanted |= {f"features/{name}": (tokens,) for name in file["features"]}
    for name in data_sets(file):
        found = file[name].shape
        if name in wanted and found[: len(wanted[name])] != wanted[name]:
            raise FailureError(f"{path}: {name} has the shape {found}, which does not fit {rows} rows")
        chunks = -(-found[0] // file[name].chunks[0]) if file[name].chunks else 0
        if len(file[f"checksums/{name}"]) != chunks:
            raise FailureError(f"{path}: {name} has {chunks} chunks, but not as many checksums")
