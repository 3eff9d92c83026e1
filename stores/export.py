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
``h5``         a store of its own, which all commands take
=============  ========================================================================================================

Of several labels those that a row has are its ``label``, with ``|`` between them. All are written block by block,
so memory stays flat. In all but ``npz`` a lone surrogate, which is no character and has no place in UTF-8, becomes
U+FFFD.
"""

from __future__ import annotations

import importlib.util
import json
import os
import zipfile
from collections.abc import Callable, Iterator, Sequence
from itertools import compress
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from stores.block import Block
from stores.export_text import label_texts, row_blocks, string_columns, utf8, write_csv, write_projector
from stores.features import RaggedFeatures
from stores.format import RAW_HASHES, ROW_STRINGS
from stores.reader import FeatureStore
from stores.select import Part, part_of, write_part
from stores.shared.errors import InputError
from stores.shared.files import is_stream, whole_folder
from stores.shared.outputs import output_file
from stores.shared.spreadsheets import spreadsheet_safe
from stores.virtual_dataset import RowSource

if TYPE_CHECKING:
    import pyarrow

COPY_BYTES = 1 << 22
STRINGS = (*ROW_STRINGS, "vocabulary")
OPTIONAL = (*RAW_HASHES, "offsets", *(f"{name}/{part}" for name in STRINGS for part in ("bytes", "offsets")), "table")


def export(
    store: FeatureStore,
    to: str,
    out: Path,
    *,
    output: str | None = None,
    overwrite: bool = False,
    csv_safe: bool = False,
    rows: str | Sequence[int] | np.ndarray | None = None,
    labels: Sequence[str] = (),
    columns: Sequence[str] = (),
) -> list[Path]:
    """Write ``store``, or a part of it, as ``out``: whole, or not at all.

    Args:
        store: the store, which stays as it is.
        to: ``npz``, ``parquet``, ``csv``, ``projector`` or ``h5``.
        out: a file or stream (see ``stores.shared.outputs``), for ``projector`` a folder that does not exist yet.
        output: which of several outputs; None for the only one, and with ``npz`` for all.
        overwrite: whether a file that is there already may be replaced.
        rows, labels, columns: what is taken of it, see ``stores.select.Part.of``; in ``projector`` and ``h5`` ids,
            splits, texts and columns of the vectors alone can be left out. A part is first written as a store.
        csv_safe: of ``csv``, whether cells that a spreadsheet would compute as formulas get an apostrophe before them.

    Returns:
        The files that were written; none where ``out`` is a stream.

    Raises:
        InputError: if ``out`` exists, there is no such format, output, row, label or column, the format cannot hold
            features of this kind, or pyarrow is missing.
        FailureError: if the store is damaged or holds a number that is not finite, or the machine refuses the write.
    """
    out = Path(out)
    _check(store, to)
    outputs = _choose(store, to, output)
    if to == "projector":
        _check_free(out)
    part = Part.of(store, rows, labels, columns)
    store.verify()
    with whole_folder(out) if to == "projector" else output_file(out, overwrite) as partial:
        if to == "h5":
            write_part(store, part, partial).close()
        else:
            with part_of(store, part) as taken:
                safe = spreadsheet_safe if csv_safe else str
                WRITERS[to](taken, outputs, partial, part.columns, safe)
    if to == "projector":
        return sorted(out.iterdir())
    return [] if is_stream(out) else [out]


def _check(store: FeatureStore, to: str) -> None:
    if to not in FORMS:
        raise InputError(f"there is no export to {to!r}; choose one of: {', '.join(FORMS)}")
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
    if output is None and to not in ("npz", "h5") and len(store.outputs) > 1:
        raise InputError(f"{store.path} has the outputs {names}, and {to} holds one; choose it with `output`")
    return store.outputs if output is None else [output]


def _check_free(out: Path) -> None:
    if os.path.lexists(out):
        raise InputError(f"{out} exists already; give another `out`")


def _npz(store: FeatureStore, outputs: list[str], path: Path, columns: Sequence[str], safe: object) -> None:
    """The data sets of the store, copied one after the other.

    ``classes`` is an array of strings, because there are few; NumPy drops NUL characters at the end of those.
    """
    members = {"features" if len(outputs) == 1 else f"features_{name}": f"features/{name}" for name in outputs}
    if columns and "features" not in columns:
        members = {}
    members |= {"line": "line"} if not columns or "line" in columns else {}
    members["text_hash"] = "text_hash"
    with zipfile.ZipFile(path, "w") as archive:
        members |= {name.replace("/", "_"): name for name in OPTIONAL if name in store.data_sets}
        for name, data in members.items():
            _copy_array(archive, name, store.data_set(data))
        if not columns or "label" in columns:
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


def _parquet(store: FeatureStore, outputs: list[str], path: Path, columns: Sequence[str], safe: object) -> None:
    """One row group a block."""
    from pyarrow import parquet

    tables = (_chosen(table, columns) for table in arrow_blocks(store, outputs[0]))
    schema = next(tables).schema
    repeating = ["label", "label.list.element"]  # these shrink by a dictionary
    repeating += [] if store.vocabulary is None else ["features.list.element"]
    with parquet.ParquetWriter(path, schema, use_dictionary=repeating) as writer:
        for table in tables:
            writer.write_table(table)


def _chosen(table: pyarrow.Table, columns: Sequence[str]) -> pyarrow.Table:
    """Those of the columns that there are; all if none is named."""
    return table.select([name for name in table.column_names if name in columns]) if columns else table


def arrow_blocks(store: FeatureStore, output: str) -> Iterator[pyarrow.Table]:
    """The rows as Arrow tables of one schema, a block at a time; the first one is empty."""
    import pyarrow

    words = None if store.vocabulary is None else pyarrow.array(map(utf8, store.vocabulary), pyarrow.string())
    texts, ids, splits = (None if s is None else s[:0] for s in (store.texts, store.ids, store.splits))
    classes = store.classes if store.has_several_labels else None
    no_rows = Block(store.line[:0], store.text_hash[:0], [], texts, store.read(0, 0), classes, ids=ids, splits=splits)
    metadata = {"identity": json.dumps(store.identity, sort_keys=True)}
    yield _arrow(no_rows, output, words).replace_schema_metadata(metadata)
    for block in row_blocks(store):
        yield _arrow(block, output, words).replace_schema_metadata(metadata)


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
        names = [None if label is None else utf8(label) for label in label_texts(block)]
        labels = pyarrow.array(names, pyarrow.string())
    else:  # of several labels a row a list
        rows = np.asarray(block.labels).tolist()
        several = [None if -1 in row else list(map(utf8, compress(block.classes, row))) for row in rows]
        labels = pyarrow.array(several, pyarrow.list_(pyarrow.string()))
    columns = {"line": pyarrow.array(block.line), "label": labels}
    strings = {name: pyarrow.array(map(utf8, cells), pyarrow.string()) for name, cells in string_columns(block).items()}
    return pyarrow.table(columns | strings | {"features": features})


Writer = Callable[[FeatureStore, list[str], Path, Sequence[str], Callable[[str], str]], None]
WRITERS: dict[str, Writer] = {
    "npz": _npz,
    "parquet": _parquet,
    "csv": write_csv,
    "projector": write_projector,
}
FORMS = (*WRITERS, "h5")
