"""Folders and archives of texts: damage is found, and what is passed over is counted and named."""

import bz2
import gzip
import io
import lzma
import os
import random
import subprocess
import sys
import tarfile
import tempfile
import threading

import pytest
from helpers.toy import read

from embed import read_table
from stores import InputError

TEXTS = {f"reviews/{label}/{i}.txt": f"{label} text number {i} is here" for i in range(20) for label in ("pos", "neg")}
PACKED = {
    "tar": bytes,
    "tar.gz": gzip.compress,
    "tar.bz2": bz2.compress,
    "tar.xz": lzma.compress,
    "tar.zst": lambda data: __import__("pyarrow").compress(data, codec="zstd", asbytes=True),
}


def tar_of(texts, members=()):
    """A tar of path -> text, and of further members without content."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for name, text in texts.items():
            member = tarfile.TarInfo(name)
            member.size = len(text.encode())
            archive.addfile(member, io.BytesIO(text.encode()))
        for member in members:
            archive.addfile(member)
    return out.getvalue()


def texts_of(path):
    """Path in the archive -> text, as the table has it; None if the table is refused."""
    try:
        rows = next(read_table(path).blocks(1000))
    except InputError as error:
        assert "\n" not in str(error)
        return None
    return {f"reviews/{id}": text for id, text in zip(rows.ids, rows.texts, strict=True)}


@pytest.mark.parametrize("packing", PACKED)
def test_packed_folder_is_the_folder(tmp_path, packing):
    """The same texts in each container, also under the short name of its ending."""
    for name in (f"a.{packing}", f"b.{packing.replace('tar.', 't')}"):
        if name.endswith((".tzst", ".tgz", ".tbz2", ".txz")) or name == f"a.{packing}":
            (tmp_path / name).write_bytes(PACKED[packing](tar_of(TEXTS)))
            assert texts_of(tmp_path / name) == TEXTS


@pytest.mark.parametrize("packing", ["tar.gz", "tar.bz2", "tar.xz"])
def test_damage_is_found_where_there_is_a_checksum(tmp_path, packing):
    """Cut anywhere, or with one bit flipped anywhere: every text as it was, or refused in one line."""
    rng = random.Random(1)
    whole = PACKED[packing](tar_of(TEXTS))
    changed = [whole[:cut] for cut in range(1, len(whole), max(1, len(whole) // 60))]
    for _ in range(150):
        flipped = bytearray(whole)
        flipped[rng.randrange(len(whole))] ^= 1 << rng.randrange(8)
        changed.append(bytes(flipped))
    refused = 0
    for data in changed:
        (tmp_path / f"a.{packing}").write_bytes(data)
        found = texts_of(tmp_path / f"a.{packing}")
        assert found in (None, TEXTS)
        refused += found is None
    assert refused > 0.9 * len(changed)  # a flip in the time of a gzip header changes nothing


@pytest.mark.slow
def test_damage_to_a_plain_tar_loses_no_row(tmp_path):
    """A tar has no checksum of its contents, but of its headers: no text is lost, and a cut one is refused."""
    rng = random.Random(2)
    whole = tar_of(TEXTS)
    end = 1024 * len(TEXTS)  # a header and a block of content each, then zeros
    for cut in (*range(1, end, 1500), *range(1024, end + 1, 5120), end + 100):
        (tmp_path / "a.tar").write_bytes(whole[:cut])
        assert texts_of(tmp_path / "a.tar") is None, cut
    for _ in range(200):
        flipped = bytearray(whole)
        place = rng.randrange(end)
        flipped[place] ^= 1 << rng.randrange(8)
        (tmp_path / "a.tar").write_bytes(flipped)
        found = texts_of(tmp_path / "a.tar")
        assert found is None or found.keys() == TEXTS.keys()
        if place % 1024 < 148:  # in a name, mode, owner, size or time
            assert found is None


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda tar: tar[: 1024 * 20] + bytes(512) + tar[1024 * 20 + 512 :], "bytes follow the end"),
        (lambda tar: tar[: 1024 * len(TEXTS)] * 2, "cut off: the end of the archive is missing"),
        (lambda tar: tar * 2, "bytes follow the end of the archive; are these two archives end to end"),
        (lambda tar: tar[:-9000] + b"x" * 9000, "bytes follow the end"),
    ],
    ids=["a header of zeros", "no end", "two archives", "other bytes at the end"],
)
def test_tar_that_does_not_end_well(tmp_path, change, message):
    """Each of these ends ``tarfile``'s reading early or quietly; here it is refused with the reason."""
    (tmp_path / "a.tar").write_bytes(change(tar_of(TEXTS)))

    with pytest.raises(InputError, match=rf"a\.tar is damaged: {message}"):
        read_table(tmp_path / "a.tar")


@pytest.mark.parametrize(("name", "pack"), [("a.csv.bz2", bz2.compress), ("a.csv.xz", lzma.compress)])
def test_streams_end_to_end(tmp_path, name, pack):
    """Parallel packers write many streams: all are read, padding between them too, and a damaged one is refused."""
    first, second = pack(b"label,text\nham,one\n"), pack(b"spam,two\n")
    (tmp_path / name).write_bytes(first + second)
    assert read(read_table(tmp_path / name))[1] == ["one", "two"]
    (tmp_path / name).write_bytes(first + bytes(8) + second + bytes(4))
    assert read(read_table(tmp_path / name))[1] == ["one", "two"]
    for damaged in (first + b"x" + second, first + second[:-3], first + second + b"garbage"):
        (tmp_path / name).write_bytes(damaged)
        with pytest.raises(InputError, match="is damaged"):
            read_table(tmp_path / name)


def test_links_in_an_archive_are_counted_and_named(tmp_path):
    """They lead nowhere; hard links too."""
    links = []
    for name, kind in (("reviews/pos/soft.txt", tarfile.SYMTYPE), ("reviews/pos/hard.txt", tarfile.LNKTYPE)):
        link = tarfile.TarInfo(name)
        link.type, link.linkname = kind, "reviews/pos/1.txt"
        links.append(link)
    (tmp_path / "a.tar").write_bytes(tar_of(TEXTS, links))
    table = read_table(tmp_path / "a.tar")

    assert table.most_rows == len(TEXTS)
    assert table.notes == [
        f"{tmp_path}/a.tar: links and devices passed over: 2 (reviews/pos/soft.txt, reviews/pos/hard.txt); "
        "unpack the archive to read them"
    ]


def test_links_in_a_folder_are_followed_only_when_asked(tmp_path):
    """To a file, to a folder, to nowhere, and back to the folder itself."""
    for name in ("reviews/pos/1.txt", "reviews/neg/1.txt", "elsewhere/2.txt"):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "reviews/neg/2.txt").symlink_to(tmp_path / "elsewhere/2.txt")
    (tmp_path / "reviews/other").symlink_to(tmp_path / "elsewhere")
    (tmp_path / "reviews/pos/gone.txt").symlink_to("nowhere.txt")
    (tmp_path / "reviews/pos/loop").symlink_to(tmp_path / "reviews")

    table = read_table(tmp_path / "reviews")
    assert sorted(read(table)[1]) == ["reviews/neg/1.txt", "reviews/pos/1.txt"]
    assert f"{tmp_path}/reviews: links passed over: 4 (neg/2.txt, other, pos/gone.txt, ...)" in table.notes[0]
    table = read_table(tmp_path / "reviews", follow_links=True)
    assert sorted(zip(*read(table)[2:0:-1], strict=True)) == [
        ("neg", "elsewhere/2.txt"), ("neg", "reviews/neg/1.txt"), ("other", "elsewhere/2.txt"),
        ("pos", "reviews/pos/1.txt"),
    ]  # fmt: skip
    assert "and links that lead nowhere or back, passed over: 2 (pos/gone.txt, pos/loop)" in table.notes[0]


def test_folder_of_links_only_says_what_to_do(tmp_path):
    """As the caches of hubs have it."""
    (tmp_path / "blob").write_text("a text")
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/1.txt").symlink_to(tmp_path / "blob")

    with pytest.raises(InputError, match=r"holds no files; links passed over: 1 \(1.txt\); `follow_links=True`"):
        read_table(tmp_path / "texts")
    assert read(read_table(tmp_path / "texts", follow_links=True))[1] == ["a text"]


def test_pipe_in_a_folder_does_not_stop_the_reading(tmp_path):
    """It is passed over."""
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts/1.txt").write_text("a text")
    os.mkfifo(tmp_path / "texts/2.txt")
    table = read_table(tmp_path / "texts")

    assert read(table)[1] == ["a text"]
    assert table.notes == [f"{tmp_path}/texts: pipes and devices passed over: 1 (2.txt)"]


def test_what_gnu_tar_writes_is_read(tmp_path):
    """Long names, sparse files, every format of GNU tar."""
    long = tmp_path / "reviews/pos" / ("x" * 150 + ".txt")
    long.parent.mkdir(parents=True)
    long.write_text("a long name")
    (tmp_path / "reviews/neg").mkdir()
    (tmp_path / "reviews/neg/1.txt").write_text("short")
    for form in ("gnu", "pax", "posix", "v7"):
        named = ["reviews"] if form != "v7" else ["reviews/neg"]
        done = subprocess.run(["tar", f"--format={form}", "-cf", f"{form}.tar", *named], cwd=tmp_path)
        assert done.returncode == 0
        assert sorted(read(read_table(tmp_path / f"{form}.tar"))[1]) == ["a long name", "short"][form == "v7" :]


@pytest.mark.parametrize("name", ["a.csv", "inside/a.csv.gz", "a.jsonl"])
def test_archive_that_holds_one_table(tmp_path, name):
    """The table in it is read, as from a zip; macOS's hidden files beside it do not count."""
    plain = (
        '{"label": "a", "text": "one"}\n{"label": "b", "text": "two"}\n'
        if "json" in name
        else "label,text\na,one\nb,two\n"
    )
    data = gzip.compress(plain.encode()) if name.endswith(".gz") else plain.encode()
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as archive:
        for path, content in ((f"{name.rpartition('/')[0]}/._a", b"x"), (name, data)):
            member = tarfile.TarInfo(path)
            member.size = len(content)
            archive.addfile(member, io.BytesIO(content))
    (tmp_path / "t.tar.gz").write_bytes(gzip.compress(out.getvalue()))
    table = read_table(tmp_path / "t.tar.gz")

    assert read(table)[1:] == (["one", "two"], ["a", "b"])
    assert table.stem == "a"


def test_archive_that_holds_several_tables(tmp_path):
    """They are named, and what to do."""
    (tmp_path / "t.tar").write_bytes(tar_of({"a.csv": "label,text\n", "b.csv": "label,text\n"}))

    with pytest.raises(InputError, match=r"holds 2 tables \(a.csv, b.csv\); unpack it and give one, or a pattern"):
        read_table(tmp_path / "t.tar")


def test_pipe_is_read_once(tmp_path):
    """A pipe, as a shell makes it of ``<(zcat a.csv.gz)``, is read to its end, and nothing of it is lost."""
    rows = "".join(f"{'ab'[i % 2]},text number {i}\n" for i in range(2000))
    os.mkfifo(tmp_path / "pipe")
    writer = threading.Thread(target=lambda: (tmp_path / "pipe").write_text("label,text\n" + rows))
    writer.start()
    table = read_table(tmp_path / "pipe")
    writer.join()

    assert read(table, 5000)[1] == [f"text number {i}" for i in range(2000)]


def test_stdin_that_is_refused_leaves_nothing(tmp_path, monkeypatch):
    """Neither what is no table, nor what does not fit on the disk, stays in the temporary folder."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(b"<html>Sign in</html>")))
    with pytest.raises(InputError, match="stdin is an HTML page"):
        read_table("-")

    assert not list(tmp_path.iterdir())


def test_links_beside_tables_and_lists_are_named_too(tmp_path):
    """A folder of tables, and one of a class a file: links are passed over, named, and read when asked."""
    for name in ("tables/a.csv", "blobs/b.csv"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("label,text\na,one\nb,two\n")
    (tmp_path / "tables/b.csv").symlink_to(tmp_path / "blobs/b.csv")
    (tmp_path / "lists").mkdir()
    for name in ("pos", "neg"):
        (tmp_path / f"lists/{name}.txt").write_text("one\ntwo\nthree\n")
    (tmp_path / "lists/neutral.txt").symlink_to(tmp_path / "lists/neg.txt")

    for folder, rows, name in (("tables", 2, "b.csv"), ("lists", 6, "neutral.txt")):
        table = read_table(tmp_path / folder)
        assert len(read(table)[1]) == rows
        note = f"{tmp_path}/{folder}: links passed over: 1 ({name}); `follow_links=True` reads them"
        assert note in table.notes
        assert len(read(read_table(tmp_path / folder, follow_links=True))[1]) == rows * (2 if rows == 2 else 1.5)


def test_encodings_of_files_side_by_side(tmp_path):
    """Of texts in files that a pattern names, as of those in a folder."""
    (tmp_path / "1.md").write_text("plain")
    (tmp_path / "2.md").write_bytes("café".encode("cp1252"))
    table = read_table(f"{tmp_path}/*.md")

    assert read(table)[1] == ["plain", "café"]
    assert "1 of its files" in table.notes[1]
    assert "read as Windows-1252" in table.notes[1]
    (tmp_path / "2.md").write_bytes("Доброе утро, как дела? Спасибо, очень хорошо".encode("cp1251"))
    with pytest.raises(InputError, match="does not look like Windows-1252; it may be cp1251"):
        read_table(f"{tmp_path}/*.md")
