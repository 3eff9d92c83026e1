"""Folders of texts, and files that are damaged or of no form: rows come out, or one line says why not."""

import bz2
import gzip
import io
import lzma
import random
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.feather
import pyarrow.parquet
import pytest
from helpers.table_forms import PACKERS, WRITERS, _zip, make_folder
from helpers.toy import mutate, read

from embed import read_table
from stores import InputError


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
