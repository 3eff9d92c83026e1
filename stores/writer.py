"""Writing a store: blocks of rows in, one complete file out."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import DTypeLike

from stores.block import Block, Extent
from stores.columns import Column, check_storable, content_digest
from stores.features import Features, IdFeatures, RaggedFeatures, remap
from stores.format import ABOUT, FORMAT, VERSION
from stores.hdf5 import ALIGNMENT, NOTHING, new_file
from stores.shared.files import whole_file
from stores.shared.fingerprint import canonical_json
from stores.strings import pack
from stores.virtual_dataset import declare

MOST_EMPTY = 0.1  # share of the words of the first block that may have no vector without the table being compressed


def write_store(
    path: Path,
    blocks: Iterable[Block],
    extent: Extent,
    attributes: dict,
    *,
    compression: str = "none",
    scratch: Path | None = None,
    parts: dict | None = None,
    grown: Path | None = None,
    before: Callable[[], object] = lambda: None,
) -> None:
    """Write ``blocks``, one after the other, as the store ``path``: complete and synced, or not at all.

    Memory holds one block and one chunk a data set, for any number of blocks, and the vocabulary.

    Args:
        path: the file that is made or replaced.
        blocks: at least one, all of the same kind, with together ``extent.rows`` rows.
        extent: see ``Extent``.
        attributes: ``identity_digest``, all that is in ``about``, as values, and ``times``; see ``stores.format``.
        compression: of the features, see ``stores.columns.Column``.
        scratch: see ``stores.shared.files.whole_file``.
        parts: if the features lie elsewhere already and are to stay there, the entry ``parts`` of
            ``about``, see ``stores.format``, without the ``outputs``.
        grown: the growing file with all features, see ``stores.append``, which becomes ``path``.
        before: called when all is written, before it counts.

    Raises:
        InputError: if the features are of a type that a store does not hold.
        FailureError: if the machine refuses the write; ``path`` is then what it was before.
    """
    # the first block tells the kind, the outputs and their types; the extent tells how many rows there will be
    blocks = iter(blocks)
    first = next(blocks)
    shapes = _shapes(first, extent)
    # bytes of the first features, which begin at ALIGNMENT; in a growing file they are there already, and stay
    (shape, dtype), *_ = shapes.values()
    size = math.prod(shape) * np.dtype(dtype).itemsize
    reserved = range(ALIGNMENT, ALIGNMENT + size) if grown else NOTHING
    with whole_file(path, scratch, grown) as temporary:
        with new_file(temporary, size, reserved) as (file, guard):
            options: dict[str, Any] = {"compression": compression, "there": bool(grown)}
            options["elsewhere"] = None if parts is None else parts["files"]
            # one column a data set, made at its final shape, the features before all others
            of_table = {"compression": "gzip" if _has_empty_words(first.features) else "none"}
            columns = {
                name: Column(
                    file, name, shape, dtype,
                    **(options if name.startswith("features/") else of_table if name == "table" else {}),
                )
                for name, (shape, dtype) in shapes.items()
            }  # fmt: skip
            # offsets int64 [n + 1] begin with 0; each block then appends the n ends of its rows
            for name in columns:
                if name.endswith("offsets"):
                    columns[name].append(np.zeros(1, np.int64))
            # word -> id [V] of all blocks so far, and label -> code, -1 for a missing label
            vocabulary: dict[str, int] = {}
            codes = {name: code for code, name in enumerate(extent.classes)} | {None: -1}
            # block by block: each data set grows by the block's rows; a failed write ends it here, not at the end
            for block in chain([first], blocks):
                for name, rows in _rows(block, codes, vocabulary, columns):
                    columns[name].append(rows, block.checksums.get(name.removeprefix("features/"), ()))
                guard.check()
            # the last, incomplete chunks and the checksums; then classes and words
            for column in columns.values():
                column.close()
            _write_strings(file, "labels/classes", extent.classes)
            if isinstance(first.features, IdFeatures):
                _write_strings(file, "vocabulary", list(vocabulary))
            # attributes come last: they hold the digest of all checksums
            declared = declare(file["features"], parts or {})
            _write_attributes(file, attributes | {"kind": first.features.kind, "parts": declared})
        before()


def _has_empty_words(features: Features) -> bool:
    """Whether so many words have a vector of zeros that it pays to compress the table."""
    if not isinstance(features, IdFeatures) or features.table is None or not len(features.table):
        return False
    return float((~features.table.any(1)).mean()) > MOST_EMPTY


def _shapes(block: Block, extent: Extent) -> dict[str, tuple[tuple[int, ...], DTypeLike]]:
    """Shape and type of each data set that grows with the rows, the features first."""
    features = block.features
    shapes: dict[str, tuple[tuple[int, ...], DTypeLike]] = {}
    ragged = isinstance(features, RaggedFeatures)
    # features [N, D], or of ragged kinds the tokens of all rows end to end: [T, D], ids [T]
    for name, array in features.outputs.items():
        check_storable(name, array)
        shapes[f"features/{name}"] = ((extent.tokens if ragged else extent.rows, *array.shape[1:]), array.dtype)
    # of each row: three counts, its line, 16 bytes a hash, and one code, or one a class with several labels
    shapes |= {
        "counts": ((extent.rows, features.counts.shape[1]), np.int32),
        "line": ((extent.rows,), np.int64),
        "text_hash": ((extent.rows, block.text_hash.shape[1]), np.uint8),
        **{name: ((extent.rows, hashes.shape[1]), np.uint8) for name, hashes in block.raw_hashes.items()},
        "labels/codes": ((extent.rows, *[len(extent.classes)] * extent.several_labels), np.int32),
    }
    # row i has the tokens offsets[i]:offsets[i + 1]; string i has the bytes offsets[i]:offsets[i + 1]
    if ragged:
        shapes["offsets"] = ((extent.rows + 1,), np.int64)
    if isinstance(features, IdFeatures) and features.table is not None:
        check_storable("table", features.table)
        shapes["table"] = ((extent.words, *features.table.shape[1:]), features.table.dtype)
    for name, size in extent.strings.items():
        shapes[f"{name}/bytes"] = ((size,), np.uint8)
        shapes[f"{name}/offsets"] = ((extent.rows + 1,), np.int64)
    return shapes


def _rows(block: Block, codes: dict, vocabulary: dict[str, int], columns: dict) -> Iterable[tuple[str, np.ndarray]]:
    """Name of each column, and the rows that a block appends to it."""
    features = block.features
    yield "counts", features.counts
    yield "line", block.line
    yield "text_hash", block.text_hash
    yield from block.raw_hashes.items()
    # codes int32 [n] of one label a row, or 0, 1 or -1 [n, L] of several
    one_each = block.classes is None
    yield "labels/codes", np.array([codes[label] for label in block.labels] if one_each else block.labels, np.int32)
    if isinstance(features, IdFeatures):
        # ids [t] of the block's vocabulary become those of the store's; `new` are the words that the store has not yet,
        # so the table [V, D] gets their vectors alone
        ids, new = remap(features, vocabulary)
        yield "features/ids", ids
        if features.table is not None:
            yield "table", features.table[new]
    else:
        yield from ((f"features/{name}", array) for name, array in features.outputs.items())
    # the block counts its tokens and bytes from 0: move its ends behind the last end that was written
    if isinstance(features, RaggedFeatures):
        yield "offsets", columns["offsets"].last + features.offsets[1:]
    for name, strings in block.strings.items():
        data, lengths = pack(strings)
        yield f"{name}/bytes", data
        yield f"{name}/offsets", columns[f"{name}/offsets"].last + np.cumsum(lengths)


def _write_strings(file: h5py.File, name: str, strings: Sequence[str]) -> None:
    data, lengths = pack(strings)
    _write(file, f"{name}/bytes", data)
    _write(file, f"{name}/offsets", np.concatenate([[0], np.cumsum(lengths)]))


def _write(file: h5py.File, name: str, values: np.ndarray) -> None:
    column = Column(file, name, values.shape, values.dtype)
    column.append(values)
    column.close()


def _write_attributes(file: h5py.File, attributes: dict) -> None:
    file.create_dataset("times", data=np.array(attributes.pop("times"), "<f8"), track_times=False)
    # one JSON text as uint8 [bytes], a data set with a checksum as all others
    about = canonical_json({name: attributes.pop(name) for name in ABOUT})
    _write(file, "about", np.frombuffer(about.encode(), np.uint8))
    for name, value in (attributes | {"format": FORMAT}).items():
        file.attrs[name] = np.bytes_(value)  # of fixed length: str would lie in a heap that no checksum covers
    file.attrs["format_version"] = VERSION
    file.attrs["digest"] = np.bytes_(content_digest(file))
