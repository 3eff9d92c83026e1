"""Ten rows in every form, and ways to pack them."""

import bz2
import gzip
import io
import json
import lzma
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet

from helpers.toy import TEN_ROWS, write_csv

RECORDS = [{"label": label or None, "text": text} for label, text in TEN_ROWS]
TEXTS = [text for _, text in TEN_ROWS]
LABELS = [label or None for label, _ in TEN_ROWS]
JSON_LINES = "".join(json.dumps(record) + "\n" for record in RECORDS)


def arrow_table():
    """The ten rows, the label as a dictionary as pandas writes categories."""
    labels = pa.array(LABELS).dictionary_encode()
    return pa.table({"label": labels, "text": TEXTS, "words": [text.split() for text in TEXTS]})


def write_stream(table, path):
    """The form of Arrow that is sent over a wire."""
    with pa.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table, max_chunksize=3)


WRITERS = {
    "a.csv": lambda path: write_csv(path, TEN_ROWS),
    "a.tsv": lambda path: path.write_text(write_csv(path, TEN_ROWS).read_text().replace(",", "\t")),
    "a.jsonl": lambda path: path.write_text(JSON_LINES),
    "a.ndjson": lambda path: path.write_text(JSON_LINES.replace("\n", "\r\n\r\n")),
    "lines.json": lambda path: path.write_text(JSON_LINES),
    "a.json": lambda path: path.write_text(json.dumps(RECORDS)),
    "pretty.json": lambda path: path.write_text(json.dumps(RECORDS, indent=4, ensure_ascii=False), encoding="utf-8"),
    "a.parquet": lambda path: pa.parquet.write_table(arrow_table(), path, row_group_size=3),
    "a.feather": lambda path: pa.feather.write_feather(arrow_table(), str(path), compression="zstd"),
    "a.arrow": lambda path: write_stream(arrow_table(), path),
    "nothing-says-it": lambda path: pa.parquet.write_table(arrow_table(), path),
    "nothing-says-json": lambda path: path.write_text(JSON_LINES),
}


def _zip(data, name):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("inside/", b"")
        archive.writestr(f"inside/{name}", data)
        archive.writestr("__MACOSX/._a", b"what a Mac adds")
    return file.getvalue()


PACKERS = {
    ".gz": lambda data, name: gzip.compress(data),
    ".bz2": lambda data, name: bz2.compress(data),
    ".xz": lambda data, name: lzma.compress(data),
    ".zst": lambda data, name: pa.Codec("zstd").compress(data, asbytes=True),
    ".zip": _zip,
}


def make_folder(path):
    """Two splits with two classes, one text without a class, and what lies beside."""
    texts = {
        "train/pos/1.txt": b"good", "train/neg/2.txt": b"bad", "train/unsup/3.txt": b"so so",
        "test/pos/1.txt": "süß".encode(), "README": b"about", "test/.hidden": b"x",
    }  # fmt: skip
    for name, data in texts.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(data)
    return path
