"""A store as files that other programs read.

=============  ========================================================================================================
``npz``        one NumPy archive, not compressed, for ``np.load(allow_pickle=False)``: ``features`` (several outputs:
               ``features_<output>`` each), ``codes``, ``classes``, ``line``, ``text_hash``, and what the store has of
               ``raw_hash``, ``like_hash``, ``offsets``, ``texts_bytes`` and ``texts_offsets``, ``vocabulary_bytes``
               and ``vocabulary_offsets`` (so too for ``ids`` and ``splits``), ``table``; shapes and types as in
               ``stores.format``. Texts as one array would all be as wide as the longest, so they are UTF-8 end to end:
               text i is ``bytes[offsets[i]:offsets[i + 1]]``
``parquet``    one row a text: ``line``, ``label`` (null where it is missing), of ``id``, ``split`` and ``text`` those
               that the store has, and ``features``: float32 ``[D]``, or for token features a list of these, or for
               ids a list of the tokens; the encoder's identity is in the schema's metadata, as JSON
``csv``        the same columns, but ``f0,f1,...`` with 9 digits, which give back every float32, or for ids ``tokens``,
               joined by blanks; all but the numbers is in quotes, a missing label is empty without quotes; no token
               features
``projector``  a folder for TensorBoard's Embedding Projector (``tensorboard --logdir``, or load the two ``.tsv`` at
               projector.tensorflow.org): the pooled vectors with label, text and line, or for ids the word vectors
               with the words; no token features
=============  ========================================================================================================

Of several labels those that a row has are its ``label``, with ``|`` between them. All four are written block by block,
so memory stays flat. In all but ``npz`` a lone surrogate, which is no character and has no place in UTF-8, becomes
U+FFFD.
"""

from __future__ import annotations

import importlib.util
import json
import math
import os
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import compress, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stores.block import Block
from stores.features import IdFeatures, RaggedFeatures
from stores.format import RAW_HASHES, ROW_STRINGS
from stores.reader import READ_ROWS, FeatureStore
from stores.shared.errors import InputError
from stores.shared.files import is_stream, whole_folder
from stores.shared.outputs import output_file
from stores.shared.spreadsheets import spreadsheet_safe
from stores.virtual_dataset import RowSource

if TYPE_CHECKING:
    import pyarrow

BLOCK_BYTES = 1 << 26  # of features in memory at a time, about
COPY_BYTES = 1 << 22
STRINGS = (*ROW_STRINGS, "vocabulary")
OPTIONAL = (*RAW_HASHES, "offsets", *(f"{name}/{part}" for name in STRINGS for part in ("bytes", "offsets")), "table")
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


def export(
    store: FeatureStore,
    to: str,
    out: Path,
    *,
    output: str | None = None,
    overwrite: bool = False,
    csv_safe: bool = False,
) -> list[Path]:
    """Write ``store`` as ``out``: whole, or not at all.

    Args:
        store: the store, which stays as it is.
        to: ``npz``, ``parquet``, ``csv`` or ``projector``.
        out: a file or stream (see ``stores.shared.outputs``), for ``projector`` a folder that does not exist yet.
        output: which of several outputs; None for the only one, and with ``npz`` for all.
        overwrite: whether a file that is there already may be replaced.
        csv_safe: of ``csv``, whether cells that a spreadsheet would compute as formulas get an apostrophe before them.

    Returns:
        The files that were written; none where ``out`` is a stream.

    Raises:
        InputError: if ``out`` exists, there is no such format or output, the format cannot hold features of this
            kind, or pyarrow is missing.
        FailureError: if the machine refuses the write.
    """
    out = Path(out)
    _check(store, to)
    outputs = _choose(store, to, output)
    if to == "projector":
        _check_free(out)
    with whole_folder(out) if to == "projector" else output_file(out, overwrite) as partial:
        if csv_safe and to == "csv":
            _csv(store, outputs, partial, spreadsheet_safe)
        else:
            WRITERS[to](store, outputs, partial)
    if to == "projector":
        return sorted(out.iterdir())
    return [] if is_stream(out) else [out]


def _check(store: FeatureStore, to: str) -> None:
    if to not in WRITERS:
        raise InputError(f"there is no export to {to!r}; choose one of: {', '.join(WRITERS)}")
    if to == "parquet" and importlib.util.find_spec("pyarrow") is None:
        raise InputError("an export to parquet needs pyarrow; install it with: pip install pyarrow")
    if to in ("csv", "projector") and store.kind == "tokens":
        raise InputError(f"{store.path} holds one vector a token, which {to} cannot hold; export to parquet or npz")
    if to == "projector" and store.kind == "ids" and store.table is None:
        raise InputError(f"{store.path} holds token ids without vectors, which projector cannot hold; export to csv")


def _choose(store: FeatureStore, to: str, output: str | None) -> list[str]:
    """Names of the outputs that are to be written."""
    names = ", ".join(store.outputs)
    if output is not None and output not in store.outputs:
        raise InputError(f"{store.path} has no output {output!r}; choose one of: {names}")
    if output is None and to != "npz" and len(store.outputs) > 1:
        raise InputError(f"{store.path} has the outputs {names}, and {to} holds one; choose it with `output`")
    return store.outputs if output is None else [output]


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise InputError(f"{out} exists already; give another `out`")


def _npz(store: FeatureStore, outputs: list[str], path: Path) -> None:
    """The data sets of the store, copied one after the other.

    ``classes`` is an array of strings, because there are few; NumPy drops NUL characters at the end of those.
    """
    members = {"features" if len(outputs) == 1 else f"features_{name}": f"features/{name}" for name in outputs}
    members |= {"line": "line", "text_hash": "text_hash"}
    with zipfile.ZipFile(path, "w") as archive:
        members |= {name.replace("/", "_"): name for name in OPTIONAL if name in store.data_sets}
        for name, data in members.items():
            _copy_array(archive, name, store.data_set(data))
        _copy_array(archive, "codes", store.codes)
        _copy_array(archive, "classes", np.array(store.classes, np.str_))


def _copy_array(archive: zipfile.ZipFile, name: str, data: RowSource) -> None:
    """Write ``data`` as ``np.savez`` would, some rows at a time."""
    header = {"descr": np.lib.format.dtype_to_descr(data.dtype), "fortran_order": False, "shape": data.shape}
    rows = max(1, COPY_BYTES // max(1, data.dtype.itemsize * int(np.prod(data.shape[1:]))))
    with archive.open(f"{name}.npy", "w", force_zip64=True) as member:
        np.lib.format.write_array_header_1_0(member, header)
        for start in range(0, len(data), rows):
            member.write(data[start : start + rows].tobytes())


def _parquet(store: FeatureStore, outputs: list[str], path: Path) -> None:
    """One row group a block."""
    import pyarrow
    from pyarrow import parquet

    words = None if store.vocabulary is None else pyarrow.array(map(_utf8, store.vocabulary), pyarrow.string())
    texts, ids, splits = (None if s is None else s[:0] for s in (store.texts, store.ids, store.splits))
    classes = store.classes if store.has_several_labels else None
    no_rows = Block(store.line[:0], store.text_hash[:0], [], texts, store.read(0, 0), classes, ids=ids, splits=splits)
    metadata = {"identity": json.dumps(store.identity, sort_keys=True)}
    schema = _arrow(no_rows, outputs[0], words).schema.with_metadata(metadata)
    repeating = ["label", "label.list.element"]  # these shrink by a dictionary
    repeating += [] if words is None else ["features.list.element"]
    with parquet.ParquetWriter(path, schema, use_dictionary=repeating) as writer:
        for block in _blocks(store):
            writer.write_table(_arrow(block, outputs[0], words).replace_schema_metadata(metadata))


def _arrow(block: Block, output: str, words: pyarrow.Array | None) -> pyarrow.Table:
    """A block as a table, whose types depend on the store alone."""
    import pyarrow

    values = block.features.outputs[output]
    if words is None:  # float16 is widened: few readers of Parquet know it
        numbers = pyarrow.array(values.astype(np.float32).ravel())
        features = pyarrow.FixedSizeListArray.from_arrays(numbers, values.shape[1])
    else:
        features = words.take(pyarrow.array(values))
    if isinstance(block.features, RaggedFeatures):
        offsets = pyarrow.array(block.features.offsets.astype(np.int32))
        features = pyarrow.ListArray.from_arrays(offsets, features)
    if block.classes is None:
        names = [None if label is None else _utf8(label) for label in _labels(block)]
        labels = pyarrow.array(names, pyarrow.string())
    else:  # of several labels a row a list
        rows = np.asarray(block.labels).tolist()
        several = [None if -1 in row else list(map(_utf8, compress(block.classes, row))) for row in rows]
        labels = pyarrow.array(several, pyarrow.list_(pyarrow.string()))
    columns = {"line": pyarrow.array(block.line), "label": labels}
    strings = {name: pyarrow.array(map(_utf8, cells), pyarrow.string()) for name, cells in _strings(block).items()}
    return pyarrow.table(columns | strings | {"features": features})


def _csv(store: FeatureStore, outputs: list[str], path: Path, safe: Callable[[str], str] = lambda cell: cell) -> None:
    """One line a row; ``safe`` is applied to all cells but numbers."""

    def quoted(cell: str) -> str:
        return _quoted(safe(cell))

    tokens = store.kind == "ids"
    kept = {"id": store.ids, "split": store.splits, "text": store.texts}
    head = ["line", "label", *(name for name, cells in kept.items() if cells is not None)]
    head += ["tokens"] if tokens else [f"f{i}" for i in range(store.read(0, 0).outputs[outputs[0]].shape[1])]
    with open(path, "w", encoding="utf-8", newline="") as file:
        file.write(",".join(head) + "\n")
        for block in _blocks(store):
            features = block.features
            columns = [map(str, block.line.tolist()), _label_cells(block, quoted)]
            columns += [map(quoted, cells) for cells in _strings(block).values()]
            if isinstance(features, IdFeatures):
                columns += [map(quoted, _joined_tokens(features))]
            else:
                columns += [_numbers(features.outputs[outputs[0]], ",")]
            file.writelines(",".join(cells) + "\n" for cells in zip(*columns, strict=True))


def _projector(store: FeatureStore, outputs: list[str], path: Path) -> None:
    """The projector takes the first line of the metadata for names if, and only if, there are several columns."""
    (path / "projector_config.pbtxt").write_text(PROJECTOR_CONFIG, encoding="utf-8")
    with (
        open(path / "vectors.tsv", "w", encoding="utf-8", newline="") as vectors,
        open(path / "metadata.tsv", "w", encoding="utf-8", newline="") as metadata,
    ):
        if store.vocabulary is not None and store.table is not None:  # of ids: their words
            vectors.writelines(line + "\n" for line in _numbers(store.table, "\t"))
            metadata.writelines(_one_line(word) + "\n" for word in store.vocabulary)
            return
        metadata.write("label\tline\n" if store.texts is None else "label\ttext\tline\n")
        for block in _blocks(store):
            vectors.writelines(line + "\n" for line in _numbers(block.features.outputs[outputs[0]], "\t"))
            columns = [_label_cells(block, _one_line)]
            columns += [] if block.texts is None else [map(_one_line, block.texts)]
            columns += [map(str, block.line.tolist())]
            metadata.writelines("\t".join(cells) + "\n" for cells in zip(*columns, strict=True))


def _blocks(store: FeatureStore) -> Iterator[Block]:
    """All rows in order, in blocks of at most about ``BLOCK_BYTES``."""
    row_bytes = math.prod(store.shape) * store.dtype.itemsize * len(store.outputs) // max(1, len(store))
    return store.blocks(max(1, min(READ_ROWS, BLOCK_BYTES // max(1, row_bytes))))


def _strings(block: Block) -> dict[str, Sequence[str]]:
    """Those of ids, splits and texts that the store has, by the names of their columns."""
    kept = {"id": block.ids, "split": block.splits, "text": block.texts}
    return {name: cells for name, cells in kept.items() if cells is not None}


def _label_cells(block: Block, form: Callable[[str], str]) -> Iterator[str]:
    """The labels; a missing one is empty, whatever ``form`` does."""
    return ("" if label is None else form(label) for label in _labels(block))


def _labels(block: Block) -> Iterable[str | None]:
    """One text a row: its label, or those of several that it has, with ``|`` between; None if that is not known."""
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
    return '"' + _utf8(text).replace('"', '""') + '"'


def _one_line(text: str) -> str:
    text = BREAKS.sub(" ", _utf8(text))
    return OPEN_BOX if BLANK.fullmatch(text) else text


def _utf8(text: str) -> str:
    return SURROGATES.sub("\ufffd", text)


WRITERS: dict[str, Callable[[FeatureStore, list[str], Path], None]] = {
    "npz": _npz,
    "parquet": _parquet,
    "csv": _csv,
    "projector": _projector,
}
