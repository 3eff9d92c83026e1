"""Writing a store: blocks of rows in, one whole file out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np

from stores.columns import Column, check_storable, content_digest
from stores.features import Features, remap
from stores.files import whole_file
from stores.format import ABOUT, FORMAT, ROW_STRINGS, VERSION
from stores.hdf5 import new_file
from stores.identity import canonical_json
from stores.strings import pack
from stores.virtual import Part, declare


@dataclass(frozen=True)
class Block:
    """Some consecutive rows of a data file with their features.

    Attributes:
        line: int64 ``[n]``, line of the data file on which each row starts.
        text_hash: uint8 ``[n, 16]``, see ``stores.identity.hash_texts``.
        labels: one name a row, None where it is missing; or int ``[n, L]``, 1, 0, or -1 where it is not known.
        texts: the cleaned texts, or None if they are not to be kept.
        features: features of the same ``n`` rows.
        classes: names of the ``L`` labels, None if each row has one.
        ids: what identifies each row in the data file, or None.
        splits: to which part of the data set each row belongs, or None.
    """

    line: np.ndarray
    text_hash: np.ndarray
    labels: Sequence[str | None] | np.ndarray
    texts: Sequence[str] | None
    features: Features
    classes: Sequence[str] | None = None
    ids: Sequence[str] | None = None
    splits: Sequence[str] | None = None

    @property
    def strings(self) -> dict[str, Sequence[str]]:
        """Those of ``ROW_STRINGS`` that there are."""
        return {name: getattr(self, name) for name in ROW_STRINGS if getattr(self, name) is not None}


@dataclass(frozen=True)
class Extent:
    """How much a store will hold, known before it is written.

    Attributes:
        classes: all class names.
        rows, tokens: how many (no tokens for pooled features).
        strings: name of each kind of strings that are kept -> how many bytes.
        words: size of the vocabulary, 0 without one.
        several_labels: whether a row may have several labels.
    """

    classes: list[str]
    rows: int
    tokens: int
    strings: dict[str, int]
    words: int
    several_labels: bool = False

    @classmethod
    def of(cls, block: Block) -> Extent:
        """The extent of a store of this one block."""
        several = block.classes is not None
        classes = list(block.classes) if several else sort_classes({name for name in block.labels if name is not None})
        tokens = 0 if block.features.offsets is None else int(block.features.offsets[-1])
        strings = {name: len(pack(values)[0]) for name, values in block.strings.items()}
        return cls(classes, len(block.line), tokens, strings, len(block.features.vocabulary or []), several)


def sort_classes(names: Iterable[str]) -> list[str]:
    """Class names in the order of their codes: by value if all are numbers, else as text."""
    try:
        return sorted(names, key=lambda name: (float(name), name))
    except ValueError:
        return sorted(names)


def write_store(
    path: Path,
    blocks: Iterable[Block],
    extent: Extent,
    attributes: dict,
    *,
    compression: str = "none",
    scratch: Path | None = None,
    parts: Sequence[Part] = (),
) -> None:
    """Write ``blocks``, one after the other, as the store ``path``: whole and synced, or not at all.

    Memory holds one block and one chunk a data set, whatever the number of blocks, and the vocabulary.

    Args:
        path: the file that is made or replaced.
        blocks: at least one, all of the same kind, with together ``extent.rows`` rows.
        extent: see ``Extent``.
        attributes: ``identity_digest``, all that is in ``about``, as values, and ``times``; see ``stores.format``.
        compression: of the features, see ``stores.columns.Column``.
        scratch: see ``stores.files.whole_file``.
        parts: stores in which the features lie already and are to stay, see ``stores.virtual``.

    Raises:
        InputError: if the features are of a type that a store does not hold.
        FailureError: if the machine refuses the write; ``path`` is then what it was before.
    """
    with whole_file(path, scratch) as temporary, new_file(temporary) as (file, guard):
        columns: dict[str, Column] = {}
        vocabulary: dict[str, int] = {}
        codes = {name: code for code, name in enumerate(extent.classes)} | {None: -1}
        for block in blocks:
            if not columns:
                columns = _columns(file, block, extent, compression, parts)
            for name, rows in _rows(block, codes, vocabulary, columns):
                columns[name].append(rows)
            guard.check()
        for column in columns.values():
            column.close()
        _write_strings(file, "labels/classes", extent.classes)
        if block.features.vocabulary is not None:
            _write_strings(file, "vocabulary", list(vocabulary))
        _write_attributes(file, attributes | {"kind": block.features.kind, "parts": declare(file["features"], parts)})


def _columns(
    file: h5py.File, block: Block, extent: Extent, compression: str, parts: Sequence[Part]
) -> dict[str, Column]:
    """An empty column for each data set that grows with the rows."""
    features = block.features
    shapes = {
        "counts": ((extent.rows, block.features.counts.shape[1]), np.int32),
        "line": ((extent.rows,), np.int64),
        "text_hash": ((extent.rows, block.text_hash.shape[1]), np.uint8),
        "labels/codes": ((extent.rows, *[len(extent.classes)] * extent.several_labels), np.int32),
    }
    ragged = features.offsets is not None
    for name, array in features.outputs.items():
        check_storable(name, array)
        shapes[f"features/{name}"] = ((extent.tokens if ragged else extent.rows, *array.shape[1:]), array.dtype)
    if ragged:
        shapes["offsets"] = ((extent.rows + 1,), np.int64)
    if features.table is not None:
        check_storable("table", features.table)
        shapes["table"] = ((extent.words, *features.table.shape[1:]), features.table.dtype)
    for name, size in extent.strings.items():
        shapes[f"{name}/bytes"] = ((size,), np.uint8)
        shapes[f"{name}/offsets"] = ((extent.rows + 1,), np.int64)
    columns = {
        name: Column(file, name, shape, dtype, *((compression, parts) if name.startswith("features/") else ()))
        for name, (shape, dtype) in shapes.items()
    }
    for name in columns:
        if name.endswith("offsets"):
            columns[name].append(np.zeros(1, np.int64))
    return columns


def _rows(block: Block, codes: dict, vocabulary: dict[str, int], columns: dict) -> Iterable[tuple[str, np.ndarray]]:
    """What a block adds to each column."""
    features = block.features
    yield "counts", features.counts
    yield "line", block.line
    yield "text_hash", block.text_hash
    one_each = block.classes is None
    yield "labels/codes", np.array([codes[label] for label in block.labels] if one_each else block.labels, np.int32)
    if features.vocabulary is not None:
        ids, new = remap(features, vocabulary)
        yield "features/ids", ids
        if features.table is not None:
            yield "table", features.table[new]
    else:
        yield from ((f"features/{name}", array) for name, array in features.outputs.items())
    if features.offsets is not None:
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
    about = canonical_json({name: attributes.pop(name) for name in ABOUT})
    _write(file, "about", np.frombuffer(about.encode(), np.uint8))
    for name, value in (attributes | {"format": FORMAT}).items():
        file.attrs[name] = np.bytes_(value)  # of fixed length: str would lie in a heap that no checksum covers
    file.attrs["format_version"] = VERSION
    file.attrs["digest"] = np.bytes_(content_digest(file))
