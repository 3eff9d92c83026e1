"""The exports that are text: CSV, and the two tables of TensorBoard's Embedding Projector; and a block's cells as text.

What the files hold is described in ``stores.export``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, pairwise
from pathlib import Path

import numpy as np

from stores.block import Block
from stores.features import IdFeatures
from stores.reader import READ_ROWS, FeatureStore

BLOCK_BYTES = 1 << 26  # of features in memory at a time, about
SURROGATES = re.compile("[\ud800-\udfff]")
BREAKS = re.compile("\r\n|[\t\n\v\f\r\x1c-\x1e\x85\u2028\u2029]")  # tabs, and all that some reader ends a line at
# subtle: the projector drops a line of metadata that is blank (as JavaScript's trim() sees it), and all words after it
# would get their neighbours' vectors; so a blank word is shown as an open box
BLANK, OPEN_BOX = re.compile("[\\s\ufeff]*"), "\u2423"
PROJECTOR_CONFIG = """embeddings {
  tensor_name: "vectors"
  tensor_path: "vectors.tsv"
  metadata_path: "metadata.tsv"
}
"""


def write_csv(
    store: FeatureStore, outputs: list[str], path: Path, columns: Sequence[str], safe: Callable[[str], str]
) -> None:
    """One line a row, of these columns, all if there are none; ``safe`` is applied to all cells but numbers."""

    def quoted(cell: str) -> str:
        return _quoted(safe(cell))

    def cells_of(block: Block) -> dict[str, Iterable[str]]:
        features = block.features
        found: dict[str, Iterable[str]] = {"line": map(str, block.line.tolist()), "label": _label_cells(block, quoted)}
        found |= {name: map(quoted, cells) for name, cells in string_columns(block).items()}
        if isinstance(features, IdFeatures):
            return found | {"features": map(quoted, _joined_tokens(features))}
        return found | {"features": _numbers(features.outputs[outputs[0]], ",")}

    width = 0 if store.kind == "ids" else store.read(0, 0).outputs[outputs[0]].shape[1]
    heads = {"features": ",".join(f"f{i}" for i in range(width)) or "tokens"}
    strings = {"id": store.ids, "split": store.splits, "text": store.texts}
    there = ["line", "label", *(name for name, cells in strings.items() if cells is not None), "features"]
    chosen = [name for name in there if not columns or name in columns]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(",".join(heads.get(name, name) for name in chosen) + "\n")
        for block in row_blocks(store):
            cells = cells_of(block)
            file.writelines(",".join(row) + "\n" for row in zip(*(cells[name] for name in chosen), strict=True))


def write_projector(
    store: FeatureStore, outputs: list[str], path: Path, columns: Sequence[str] = (), safe: object = None
) -> None:
    """The projector takes the first line of the metadata for names if, and only if, there are several columns."""
    if store.vocabulary is not None and store.table is not None:  # of ids: their words
        write_word_projector(store.vocabulary, store.table, path)
        return
    (path / "projector_config.pbtxt").write_text(PROJECTOR_CONFIG, encoding="utf-8")
    with (
        open(path / "vectors.tsv", "w", encoding="utf-8", newline="") as vectors,
        open(path / "metadata.tsv", "w", encoding="utf-8", newline="") as metadata,
    ):
        metadata.write("label\tline\n" if store.texts is None else "label\ttext\tline\n")
        for block in row_blocks(store):
            vectors.writelines(line + "\n" for line in _numbers(block.features.outputs[outputs[0]], "\t"))
            shown: list[Iterable[str]] = [_label_cells(block, _one_line)]
            shown += [] if block.texts is None else [map(_one_line, block.texts)]
            shown += [map(str, block.line.tolist())]
            metadata.writelines("\t".join(cells) + "\n" for cells in zip(*shown, strict=True))


def write_word_projector(words: Sequence[str], table: np.ndarray, path: Path) -> None:
    """Words and their vectors ``[words, D]`` into the folder ``path``, for the Embedding Projector."""
    (path / "projector_config.pbtxt").write_text(PROJECTOR_CONFIG, encoding="utf-8")
    with (
        open(path / "vectors.tsv", "w", encoding="utf-8", newline="") as vectors,
        open(path / "metadata.tsv", "w", encoding="utf-8", newline="") as metadata,
    ):
        vectors.writelines(line + "\n" for line in _numbers(table, "\t"))
        metadata.writelines(_one_line(word) + "\n" for word in words)


def write_word_vectors(words: Sequence[str], table: np.ndarray, path: Path) -> None:
    """A word and its numbers a line, with blanks between, as GloVe's files are."""
    with open(path, "w", encoding="utf-8", newline="") as file:
        for word, numbers in zip(words, _numbers(table, " "), strict=True):
            file.write(f"{utf8(word)} {numbers}\n")


def row_blocks(store: FeatureStore) -> Iterator[Block]:
    """All rows in order, in blocks of at most about ``BLOCK_BYTES``."""
    row_bytes = math.prod(store.shape) * store.dtype.itemsize * len(store.outputs) // max(1, len(store))
    return store.blocks(max(1, min(READ_ROWS, BLOCK_BYTES // max(1, row_bytes))))


def string_columns(block: Block) -> dict[str, Sequence[str]]:
    """Those of ids, splits and texts that the store has, by the names of their columns."""
    strings = {"id": block.ids, "split": block.splits, "text": block.texts}
    return {name: cells for name, cells in strings.items() if cells is not None}


def _label_cells(block: Block, form: Callable[[str], str]) -> Iterator[str]:
    """The labels; a missing one is empty, and is not passed to ``form``."""
    return ("" if label is None else form(label) for label in label_texts(block))


def label_texts(block: Block) -> Iterable[str | None]:
    """One string a row: its label, or those of several that it has, joined by ``|``; None if the label is missing."""
    if block.classes is None:
        return list(block.labels)
    codes = np.asarray(block.labels).tolist()
    return (None if -1 in row else "|".join(compress(block.classes, row)) for row in codes)


def _joined_tokens(features: IdFeatures) -> Iterator[str]:
    tokens = [features.vocabulary[i] for i in features.ids.tolist()]
    return (" ".join(tokens[start:stop]) for start, stop in pairwise(features.offsets.tolist()))


def _numbers(values: np.ndarray, separator: str) -> Iterator[str]:
    """Each row of ``values`` ``[n, D]`` as text; 9 significant digits tell every float32 from its neighbours."""
    pattern = separator.join(["%.9g"] * values.shape[1])
    return (pattern % tuple(row.tolist()) for row in values)


def _quoted(text: str) -> str:
    return '"' + utf8(text).replace('"', '""') + '"'


def _one_line(text: str) -> str:
    text = BREAKS.sub(" ", utf8(text))
    return OPEN_BOX if BLANK.fullmatch(text) else text


def utf8(text: str) -> str:
    """``text`` with U+FFFD in place of each lone surrogate, which UTF-8 cannot hold."""
    return SURROGATES.sub("\ufffd", text)
