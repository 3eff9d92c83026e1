"""Files that hold no text are called what they are, under any name, and are never read as lines."""

import gzip
import io
import json
import pickle
import struct
import zipfile

import numpy as np
import pytest

from embed import read_table
from stores.shared.errors import InputError

NOISE = np.random.default_rng(3).integers(0, 256, 6000, np.uint8).tobytes()
LINES = "".join(f"a text of {word}\n" for word in ("rain", "snow", "wind", "hail", "sun", "fog"))


def safetensors():
    """Eight bytes for the length of a header in JSON, the header, numbers."""
    header = json.dumps({"w": {"dtype": "F32", "shape": [4], "data_offsets": [0, 16]}}).encode()
    return struct.pack("<Q", len(header)) + header + np.ones(4, np.float32).tobytes()


def numpy_file(save, **arrays):
    """What ``np.save`` or ``np.savez`` writes."""
    buffer = io.BytesIO()
    save(buffer, np.arange(9)) if not arrays else save(buffer, **arrays)
    return buffer.getvalue()


def zipped(**members):
    """A zip of some files."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_dot_", "."), data)
    return buffer.getvalue()


KINDS = {
    "weights of a model .safetensors.": safetensors(),
    "an array of NumPy": numpy_file(np.save),
    "an array of NumPy,": numpy_file(np.savez, x=np.arange(5)),
    "a pickle of Python; save the table": pickle.dumps([{"text": "a"}]),
    "a pickle of Python": pickle.dumps([{"text": "a"}], 0),
    "weights of a model .PyTorch.": zipped(model__data_dot_pkl=pickle.dumps(1), model__version="3"),
    "a picture": b"\x89PNG\r\n\x1a\n" + NOISE,
    "a picture,": b"\xff\xd8\xff\xe0\0\x10JFIF\0" + NOISE,
    "a document in RTF": rb"{\rtf1\ansi Hello}",
    "an XML document": b"<?xml version='1.0'?>\n<rows><row>a</row></rows>\n",
    "no text: .* NUL bytes or control characters": NOISE,
    "no text": b"RIFF\x24\x08\0\0WAVEfmt " + NOISE,
    "an archive of a kind that is not read": b"7z\xbc\xaf\x27\x1c" + NOISE,
    "packed twice .gzip inside.": gzip.compress(gzip.compress(LINES.encode())),
    "like UTF-16 .*`encoding='utf-16-le'`": LINES.encode("utf-16-le"),
    "like UTF-16 .*`encoding='utf-16-be'`": LINES.encode("utf-16-be"),
    "like iso2022_jp, .*`encoding='iso2022_jp'`": "こんにちは世界\n".encode("iso2022_jp") * 4,
}


@pytest.mark.parametrize("ending", ["", ".csv", ".txt", ".jsonl"])
@pytest.mark.parametrize("kind", KINDS)
def test_what_is_no_text_is_called_what_it_is(tmp_path, kind, ending):
    """Models, arrays, pictures, documents, noise."""
    path = tmp_path / f"a{ending}"
    path.write_bytes(KINDS[kind])

    with pytest.raises(InputError, match=kind):
        read_table(path)


@pytest.mark.parametrize("name", ["a.txt", "a.csv"])
def test_a_nul_far_below_is_a_broken_row(tmp_path, name):
    """Not part of a text."""
    (tmp_path / name).write_text(LINES + "a \0 text\n")

    with pytest.raises(InputError, match="line 7: a NUL byte"):
        list(read_table(tmp_path / name, header=False if name == "a.csv" else None).blocks(9))


def test_texts_in_folders(tmp_path):
    """A file that is no text is a broken row, beside texts in UTF-8 and UTF-16."""
    for name, data in {
        "a/1.txt": b"rain\n", "a/2.txt": "snöw\n".encode("utf-16"), "b/3.txt": NOISE, "b/4.txt": safetensors(),
        "b/5.txt": b"sun\n",
    }.items():  # fmt: skip
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(data)

    table = list(read_table(tmp_path, bad_rows="skip").blocks(9))

    assert table[0].texts == ["rain\n", "snöw\n", "sun\n"]
    assert [row.why for row in table[0].bad] == ["it is no text, but has NUL bytes or control characters"] * 2


def test_a_table_and_what_is_told_about_it(tmp_path):
    """A README in the zip is no second table."""
    (tmp_path / "a.zip").write_bytes(zipped(a_dot_csv="label,text\na,rain\nb,sun\n", README_dot_md="# Weather"))

    (rows,) = read_table(tmp_path / "a.zip").blocks(9)

    assert rows.texts == ["rain", "sun"]


def test_parquet_that_unfolds_to_half_a_terabyte(tmp_path):
    """One text of 10 MB, 50,000 times, in two kilobytes: half a terabyte: refused before a row is unfolded."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    same = pa.DictionaryArray.from_arrays(pa.array([0] * 50_000, pa.int32()), ["a" * 10_000_000])
    path = tmp_path / "bomb.parquet"
    pq.write_table(pa.table({"text": same}), path, compression="zstd", dictionary_pagesize_limit=1 << 30,
                   write_statistics=False, store_schema=False)  # fmt: skip

    assert path.stat().st_size < 31_000
    with pytest.raises(InputError, match="4,096 of its rows would unfold from .* to 40,960,000,000 in memory"):
        read_table(path)


def test_parquet_that_promises_more_rows_than_it_can_hold(tmp_path):
    """Three million rows of nothing in a few hundred bytes."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": pa.nulls(3_000_000, pa.string())}), tmp_path / "a.parquet", compression="zstd")

    with pytest.raises(InputError, match="promises 3,000,000 rows in [0-9,]+ bytes"):
        read_table(tmp_path / "a.parquet", text_column="text")
