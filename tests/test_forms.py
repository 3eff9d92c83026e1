"""Every form in which a table comes, plain and packed; expected rows are those of the plain CSV."""

import gzip
import io
import json
import sys

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from helpers.table_forms import LABELS, PACKERS, TEXTS, WRITERS
from helpers.toy import TEN_ROWS, read, write_csv

from embed import read_table
from stores import InputError


@pytest.mark.parametrize("name", WRITERS)
def test_every_form_gives_the_same_rows(tmp_path, name):
    """Texts with quotes, commas, line breaks and umlauts, an empty one, a missing label."""
    WRITERS[name](tmp_path / name)
    lines, texts, labels = read(read_table(tmp_path / name), rows=4)

    assert texts == ([text.replace(",", "\t") for text in TEXTS] if name == "a.tsv" else TEXTS)
    assert labels == LABELS
    assert sorted(set(lines)) == lines


@pytest.mark.parametrize("packing", PACKERS)
@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.parquet", "a.feather"])
def test_every_packing_of_every_form(tmp_path, name, packing):
    """Packed files are unpacked, also where the name does not say so; stems lose both endings."""
    WRITERS[name](tmp_path / name)
    packed = PACKERS[packing]((tmp_path / name).read_bytes(), name)
    (tmp_path / (name + packing)).write_bytes(packed)
    (tmp_path / f"unnamed-{packing[1:]}").write_bytes(packed)

    table = read_table(tmp_path / (name + packing))
    assert table.stem == "a"
    assert read(table)[1:] == (TEXTS, LABELS)
    again = read_table(tmp_path / f"unnamed-{packing[1:]}", format=table.files[0].how.get("format", "csv"))
    assert read(again) == read(table)


def test_lines_of_json(tmp_path):
    """Of objects one a line they are the file's; the elements of an array are numbered, for they may share a line."""
    (tmp_path / "a.jsonl").write_text('{"text": "one"}\n\n{"text": "two"}\n')
    (tmp_path / "b.json").write_text('[\n {"text":\n  "one"},\n\n {"text": "two"}]\n')

    assert read(read_table(tmp_path / "a.jsonl"))[0] == [1, 3]
    assert read(read_table(tmp_path / "b.json"))[0] == [1, 2]


def test_json_numbers_and_booleans_stay_as_they_are_written(tmp_path):
    """No number is rounded or re-spelled; a lone surrogate, which no store could hold as UTF-8, is replaced."""
    (tmp_path / "a.jsonl").write_text('{"text": "a\\ud800b\\ud83d\\ude00", "label": true, "id": 1e5}\n' * 2)
    (block,) = read_table(tmp_path / "a.jsonl", id_column="id").blocks(9)

    assert block.texts[0] == "a\ufffdb\U0001f600"
    assert block.labels == ["true", "true"]
    assert block.ids == ["1e5", "1e5"]


def test_json_array_larger_than_a_block(tmp_path):
    """It is read in blocks of 1 MiB, which break off in the middle of elements and characters."""
    texts = [f"{i} " + "é€" * (i % 700) for i in range(3000)]
    (tmp_path / "a.json").write_text(json.dumps([{"text": t} for t in texts], ensure_ascii=False), encoding="utf-8")

    assert (tmp_path / "a.json").stat().st_size > 3 << 20
    assert read(read_table(tmp_path / "a.json"))[1] == texts


def test_parquet_types_become_text(tmp_path):
    """Numbers, booleans and missing cells; lists hold no texts."""
    columns = {"text": ["a", None], "label": [True, False], "id": [7, 8], "score": [1.0, 2.5], "words": [["a"], []]}
    pa.parquet.write_table(pa.table(columns), tmp_path / "a.parquet")
    table = read_table(tmp_path / "a.parquet")
    (block,) = table.blocks(9)

    assert (block.texts, block.labels, block.ids) == (["a", ""], ["true", "false"], ["7", "8"])
    assert read(read_table(tmp_path / "a.parquet", label_columns=["score"]))[2] == ["1", "2.5"]
    with pytest.raises(InputError, match="column 'words' holds lists, no texts"):
        read_table(tmp_path / "a.parquet", text_column="words")


def test_one_text_a_line(tmp_path):
    """Every line is a text, an empty one too; nothing but a line break ends it."""
    (tmp_path / "a.txt").write_bytes('one, "two"\r\n\nthree\u2028four\tfive'.encode())

    expected = ['one, "two"', "", "three\u2028four\tfive"]
    table = read_table(tmp_path / "a.txt")
    assert read(table) == ([1, 2, 3], expected, [None] * 3)
    assert "has tabs; a table needs `format='tsv'`" in table.notes[0]


def test_stdin(tmp_path, monkeypatch):
    """It can be packed and read twice; the copy on disk goes with the table."""
    data = gzip.compress(write_csv(tmp_path / "a.csv", TEN_ROWS).read_bytes())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))
    table = read_table("-", format="csv")
    copy = table.files[0].source.path

    assert table.stem == "stdin"
    assert read(table)[1] == read(table)[1] == TEXTS
    assert copy.exists()
    del table
    assert not copy.exists()
