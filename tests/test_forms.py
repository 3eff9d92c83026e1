"""Every form in which a table comes, plain and packed; expected rows are those of the plain CSV."""

import bz2
import gzip
import io
import json
import lzma
import random
import sys
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from helpers.toy import TEN_ROWS, mutate, read, write_csv

from embed import read_table
from stores import InputError

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


def test_folder_of_class_folders(tmp_path):
    """Class and split are the names of the folders, in the order of the paths; ``unsup`` is no class."""
    table = read_table(make_folder(tmp_path / "reviews"))
    (block,) = table.blocks(9)

    assert block.texts == ["süß", "bad", "good", "so so"]
    assert block.labels == ["pos", "neg", "pos", None]
    assert block.splits == ["test", "train", "train", "train"]
    assert block.ids == ["test/pos/1.txt", "train/neg/2.txt", "train/pos/1.txt", "train/unsup/3.txt"]
    assert "1 files that lie in no class folder are left out: README" in table.notes[0]
    assert read(read_table(tmp_path / "reviews" / "train"))[2] == ["neg", "pos", None]


def test_archive_of_class_folders(tmp_path):
    """The same rows out of a tar, in the order of the archive; links in it lead nowhere."""
    make_folder(tmp_path / "reviews")
    with tarfile.open(tmp_path / "reviews.tar.gz", "w:gz") as archive:
        archive.add(tmp_path / "reviews", "reviews")
        link = tarfile.TarInfo("reviews/train/pos/9.txt")
        link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
        archive.addfile(link)
    folder, tar = (next(read_table(tmp_path / name).blocks(9)) for name in ("reviews", "reviews.tar.gz"))

    assert dict(zip(tar.ids, tar.texts, strict=True)) == dict(zip(folder.ids, folder.texts, strict=True))
    assert sorted(zip(tar.ids, tar.splits, map(str, tar.labels), strict=True)) == sorted(
        zip(folder.ids, folder.splits, map(str, folder.labels), strict=True)
    )


def test_folder_with_other_encodings(tmp_path):
    """A file that is not UTF-8 is Windows-1252, with a note; with --encoding it is a broken row."""
    make_folder(tmp_path / "reviews")
    (tmp_path / "reviews/test/pos/1.txt").write_bytes(b"s\xfc\xdf")
    table = read_table(tmp_path / "reviews")

    assert read(table)[1][0] == "süß"
    assert "1 of its files, test/pos/1.txt first, are not UTF-8" in table.notes[1]
    with pytest.raises(InputError, match="reviews/test/pos/1.txt, line 1: not utf-8"):
        read(read_table(tmp_path / "reviews", encoding="utf-8"))


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


def _truncated(data):
    return data[: len(data) * 2 // 3]


def _labelled_parquet():
    file = io.BytesIO()
    pa.parquet.write_table(pa.table({"text": ["a"] * 9, "label": ["x", "y" * 300, *"xxxxxxx"]}), file)
    return file.getvalue()


BROKEN = {
    "cut.csv.gz": (lambda: _truncated(gzip.compress(bytes(range(256)) * 99)), "is damaged"),
    "cut.csv.bz2": (lambda: _truncated(bz2.compress(bytes(range(256)) * 99)), "is damaged"),
    "cut.csv.xz": (lambda: _truncated(lzma.compress(bytes(range(256)) * 99)), "is damaged"),
    "cut.csv.zst": (lambda: _truncated(PACKERS[".zst"](bytes(range(256)) * 99, "")), "is damaged"),
    "cut.csv.zip": (lambda: _truncated(_zip(bytes(range(256)) * 99, "a")), "is damaged"),
    "no.csv.gz": (lambda: b"label,text\n", "is damaged"),
    "cut.tar.gz": (lambda: gzip.compress(b"label,text\n"), "is damaged"),
    "cut.parquet": (lambda: b"PAR1" + b"x" * 100, "is damaged: Parquet magic bytes"),
    "cut.arrow": (lambda: b"ARROW1" + b"x" * 100, "is damaged: "),
    "a.xlsx": (lambda: _zip(b"", "[Content_Types].xml").replace(b"inside/", b""), "is damaged|office document"),
    "a.xls": (lambda: b"\xd0\xcf\x11\xe0" + b"x" * 100, "a.xls is damaged"),
    "a.pdf": (lambda: b"%PDF-1.4", "is a PDF"),
    "a.json": (lambda: b" \n", "is empty"),
    "b.json": (lambda: b"[1, 2, 3]", "no JSON object in its first rows"),
    "c.json": (
        lambda: b'[{"text": "a"},\n {"text": "b"\n',
        "line 1 or after: the array breaks off or is no JSON .Expecting",
    ),
    "d.json": (lambda: b'{"text": "a"}\n{"text": "b"\n', "line 2: no JSON"),
    "e.json": (lambda: b'{"text": "a"}\n{"text": ["b"]}\n', "line 2: text holds no text but a list"),
    "g.json": (lambda: b'[{"text": "a"}, {"text": {}}]', "g.json, element 2: text holds no text but a dict"),
    "a.parquet": (lambda: _labelled_parquet(), "a.parquet, row 2: a label of 300 characters"),
    "f.json": (lambda: b'{"text": "a"}\n' + b"[" * 100_000 + b"\n", "line 2: no JSON"),
    "a.txt": (lambda: b"", "header but no rows|is empty"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_file_is_one_clear_line(tmp_path, name):
    """Whatever is wrong with it."""
    make, message = BROKEN[name]
    (tmp_path / name).write_bytes(make())

    with pytest.raises(InputError, match=message) as error:
        read(read_table(tmp_path / name))
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", [*WRITERS, "a.csv.gz", "a.json.zip", "a.feather.zst", "reviews.tar.gz"])
def test_damaged_file_is_read_or_refused(tmp_path, name):
    """60 times some bytes of a file are changed: rows come out, or one line says why not."""
    plain = name.removesuffix(".gz").removesuffix(".zip").removesuffix(".zst")
    if name == "reviews.tar.gz":
        with tarfile.open(tmp_path / name, "w:gz") as archive:
            archive.add(make_folder(tmp_path / "reviews"), "reviews")
    else:
        WRITERS[plain](tmp_path / plain)
        if name != plain:
            packer = PACKERS[name.removeprefix(plain)]
            (tmp_path / name).write_bytes(packer((tmp_path / plain).read_bytes(), plain))
    data, rng = (tmp_path / name).read_bytes(), random.Random(2)
    for _ in range(60):
        (tmp_path / name).write_bytes(mutate(data, rng))
        try:
            assert read(read_table(tmp_path / name, bad_rows="skip"))[1]
        except InputError as error:
            assert "\n" not in str(error)


def test_zip_of_several_files_names_them(tmp_path):
    """Which one is meant is for the user to say."""
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("one.csv", "text\na\n")
        archive.writestr("two.csv", "text\nb\n")

    with pytest.raises(InputError, match="holds 2 files .one.csv, two.csv."):
        read_table(tmp_path / "a.zip")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"format": "xml"}, "`format='xml'`: choose one of csv"),
        ({"quoting": "curly"}, "`quoting='curly'`: choose one of double, backslash, single, none"),
        ({"delimiter": ", "}, "`delimiter=', '`: give one character"),
        ({"label_map": "spam"}, "`label_map='spam'`: give it as OLD=NEW"),
    ],
)
def test_wrong_option_is_one_clear_line(ten_csv, options, message):
    """What there is to choose from."""
    with pytest.raises(InputError, match=message):
        read_table(ten_csv, **options)
