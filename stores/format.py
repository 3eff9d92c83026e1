"""The store format, version 2.

A store is one HDF5 file that any HDF5 reader reads with no plug-in: no compound types, no references, no links out of
the file, no filter but gzip: of features if asked for, of a ``table`` if many of its rows are zeros, those of unknown
words. ``N`` rows, in the order of the data file.

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
``raw_hash``            uint8 ``[N, 16]``               BLAKE2b-128 of the text before it was cleaned
``like_hash``           uint8 ``[N, 16]``               BLAKE2b-128 of its normal form, see
                                                        ``stores.shared.likeness``
``labels/codes``        int32 ``[N]`` or ``[N, C]``     index into the classes, -1 where the label is missing; or,
                                                        with several labels a row, for each 1 (it has it), 0, or -1
``labels/classes``      strings ``[C]``                 class names: by value if all are numbers, else as text; of
                                                        several labels in the order of their columns
``texts``               strings ``[N]``                 the cleaned texts, unless left out
``ids``                 strings ``[N]``                 what identifies the rows, if the data file has such a column
``splits``              strings ``[N]``                 to which part of the data set the rows belong (``train``,
                                                        ``test``), if the data file says so
``about``               uint8 ``[L]``                   one JSON object in UTF-8, see below
``checksums/<path>``    uint32 ``[chunks]``             CRC-32 of each chunk of each data set above
``times``               float64 ``[3]``                 when the run began (Unix time), how many seconds its encoding
                                                        took, and how many the features that it took from other
                                                        stores had taken where they were made (NaN: not known): all
                                                        that differs between equal runs, so without a checksum;
                                                        older stores have the first two
======================  ==============================  ===================================================

*Strings* are a group of two data sets, ``bytes`` uint8 ``[sum L]`` (UTF-8, end to end) and ``offsets`` int64
``[n + 1]``: half the size of HDF5's own strings, which lie in a heap that no checksum covers.

bfloat16 is no type of this format: to another HDF5 reader it would be bytes without a meaning.

``about`` has ``identity`` (all that a vector depends on beside its text), ``recipe`` (how to make the encoder again),
``source`` (data file, its digest, how it was read and kept), ``totals`` (rows, distinct texts, encoded, reused, ...),
``versions``, ``command`` and ``parts``, empty unless the features lie elsewhere. If they stay in their parts, ``files``
has path and rows (tokens) of each, ``outputs`` type and shape of each ``features/<output>``, and these are virtual data
sets over the parts, which lie in a folder beside the store. In a part whose features wait in the growing file beside it
(``stores.append``), ``files`` is empty, ``start`` is their first byte there, and the virtual data set is over nothing.

Attributes of the root, short texts of fixed length but for the second: ``format`` = ``tk-features``,
``format_version`` = 2, ``kind``, ``identity_digest``, ``digest`` (BLAKE2b-128 of the kind, the identity_digest and all
checksums). Version 1 had neither ``raw_hash`` nor ``like_hash``; such stores are read, and what is merged with
them lacks these too. Long texts are no attributes, because these lie, as the texts of variable length that they would
be, in a heap that no checksum covers; a flipped bit there makes HDF5 hang or crash.

Chunks run along the rows only, so that one chunk holds whole rows; the number of rows is a power of two, for about 512
KiB (see ``benchmarks/README.md`` for what was measured). Without a filter they are allocated when the data set is
made, so they lie in the file one after the other as plain bytes: one memory map serves reading in order and gathering
random rows, and a gathered row costs its own bytes, not its chunk. The features are made first and begin at byte 4096
(unless they are tiny), so that they can be written there before their number is known, and
nothing is copied when the parts are put together. HDF5's own checksum is a filter and would end that;
so each chunk has a CRC-32 beside the data, which ``verify`` compares, the assembly of parts takes over or compares, and
``embed`` compares before it takes features over. It covers the rows in C
order, little-endian, without the unused rest of the last chunk (which is zeros).
"""

from __future__ import annotations

import math
from collections.abc import Iterator

import h5py
import numpy as np

FORMAT = "tk-features"
VERSION = 2
READABLE_VERSIONS = (1, 2)
RAW_HASHES = ("raw_hash", "like_hash")  # all stores of version 2 have them but those merged with older ones
TEXT_ATTRIBUTES = ("format", "kind", "identity_digest")  # covered by the digest, with all checksums
ABOUT = {
    "identity": dict,
    "recipe": dict,
    "source": dict,
    "totals": dict,
    "versions": dict,
    "command": str,
    "parts": dict,
}
KINDS = ("pooled", "tokens", "ids")
ROW_STRINGS = ("texts", "ids", "splits")  # strings of the rows, of which each store holds those that it was given
GROUPS = ("features", "vocabulary", "labels", "labels/classes", *ROW_STRINGS)

_STRINGS = {"bytes": (("uint8",), 1), "offsets": (("int64",), 1)}
_FLOATS = ("float32", "float16")
SCHEMA: dict[str, tuple] = {  # path -> types, then how many dimensions there may be
    "features/ids": (("int32",), 1),
    "features/[^/]+": (_FLOATS, 2),
    "offsets": (("int64",), 1),
    "table": (_FLOATS, 2),
    "counts": (("int32",), 2),
    "line": (("int64",), 1),
    "text_hash": (("uint8",), 2),
    "raw_hash": (("uint8",), 2),
    "like_hash": (("uint8",), 2),
    "labels/codes": (("int32",), 1, 2),
    **{f"{name}/{part}": t for name in ("vocabulary", "labels/classes", *ROW_STRINGS) for part, t in _STRINGS.items()},
    "checksums/.+": (("uint32",), 1),
    "times": (("float64",), 1),
    "about": (("uint8",), 1),
}


ROOT_NAMES = frozenset(path.partition("/")[0] for path in SCHEMA)  # other names do not belong to the format

CHUNK_BYTES = 1 << 19


def chunk_rows(shape: tuple[int, ...], dtype: np.dtype) -> int:
    """Rows a chunk: a power of two for at most ``CHUNK_BYTES``, so that chunks of parts are chunks of the store."""
    row_bytes = max(1, dtype.itemsize * math.prod(shape[1:]))
    return max(1, min(shape[0], 1 << max(0, (CHUNK_BYTES // row_bytes).bit_length() - 1)))


def rows_a_checksum(data: h5py.Dataset) -> int:
    """Rows that one checksum covers: a chunk, or without chunks the rows that one would have; 0 if empty."""
    if not data.size:
        return 0
    return data.chunks[0] if data.chunks else chunk_rows(data.shape, data.dtype)


def members(group: h5py.Group) -> list[str]:
    """Names in a group, sorted.

    Subtle: they are asked for in the order in which they lie. To sort them HDF5 (1.14) makes a table, and if one name
    cannot be read it crashes the process as it takes the table down.
    """
    names: list[bytes] = []
    group.id.links.iterate(names.append, order=h5py.h5.ITER_NATIVE)
    return sorted(name.decode() for name in names)


def data_sets(file: h5py.File) -> list[str]:
    """Paths of all data sets that have checksums, sorted."""
    return sorted(path for path in paths(file) if not path.startswith("checksums/") and path != "times")


def paths(file: h5py.File, prefix: str = "") -> Iterator[str]:
    """Paths of all data sets in the group ``prefix``, which ends in a slash, and its groups; none that are foreign."""
    for name in members(file[prefix or "/"]):
        if not prefix and name not in ROOT_NAMES:  # never opened: it may be anything
            continue
        where = prefix + name
        yield from paths(file, f"{where}/") if isinstance(file[where], h5py.Group) else [where]
