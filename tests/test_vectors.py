"""Files of word vectors: containers, formats, broken lines, the index, and what is read."""

import bz2
import gzip
import lzma
import struct
import subprocess
import sys
import tarfile
import time
import zipfile

import numpy as np
import pytest
from helpers import ROOT
from helpers.reporter import warned
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embed.vectors import open_vectors
from embed.vectors.table import load_table, table_bytes
from embed.vectors.text import BadVectorLine, Text, strictly
from stores.shared.errors import FailureError, InputError
from stores.shared.reporter import Reporter

PLAIN = "fake_embeddings.5d.txt"
CONTAINERS = [PLAIN + end for end in ("", ".gz", ".bz2", ".xz", ".zip", ".tar.gz")]
CONTAINERS += [f"multi-file-archive.{end}!folder/{PLAIN}" for end in ("zip", "tar.gz")]


def opened(path, dim=None, **options):
    """The vectors of a file; what is noted is dropped."""
    return open_vectors(str(path), dim, reporter=Reporter(), **options)


def rows(path, *words, dim=None, **options):
    """The vectors of words that the file holds, in order; None for one that it does not."""
    table = opened(path, dim, **options)
    return [table.take(np.array([row]))[0] if row >= 0 else None for row in table.find(words).tolist()]


def write(path, *lines):
    """A file of these lines."""
    path.write_bytes(b"".join(line if isinstance(line, bytes) else line.encode() + b"\n" for line in lines))
    return path


@pytest.mark.parametrize("name", CONTAINERS)
def test_golden_vectors_through_every_container(real, name):
    """The numbers as they stand in the plain file: plain, gzip, bzip2, xz, zip, tar, and a member of either."""
    expected = np.array([[0.024, 0.0, 0.0, 0.0, 0.0], [1, 2, 3, 4, 5]], np.float32)
    expected[0] = np.array("0.510 0.358 0.086 0.459 0.024".split(), np.float32)
    to, last = rows(real / "containers_allennlp" / name, "to", "àèìòù")

    assert expected.tolist() == [to.tolist(), last.tolist()]


def test_several_files_ask_for_a_choice(real):
    """Without one of 300d the command lists what is there; a member that is not there is refused too."""
    archive = real / "containers_allennlp/multi-file-archive.zip"

    with pytest.raises(InputError, match=r"a file with 300d in its name is there 0 times .*folder/fake.*!NAME$"):
        rows(archive, "to")
    with pytest.raises(InputError, match="!none.txt is there 0 times"):
        rows(f"{archive}!none.txt", "to")
    with pytest.raises(InputError, match="is no zip or tar archive, so it has no member"):
        rows(f"{real / 'containers_allennlp' / PLAIN}!none.txt", "to")


@pytest.mark.parametrize("dim", [50, 100, 200, 300])
def test_glove_archive_by_columns(real, dim):
    """glove.6B.zip holds four files; --dim takes one, 300 if nothing is said."""
    archive = real / "glove/glove.6B.zip"
    with zipfile.ZipFile(archive) as opened_zip:
        line = opened_zip.read(f"glove.6B.{dim}d.txt").decode().split()

    assert np.array(line[1:], np.float32).tolist() == rows(archive, line[0], dim=dim)[0].tolist()
    if dim == 300:
        assert opened(archive).dimension == 300


def test_wrong_columns_are_refused(real):
    """A file that is named has the columns that it has."""
    with pytest.raises(InputError, match="has vectors of 5 columns, not 300; leave out `dim`"):
        rows(real / "containers_allennlp" / PLAIN, "to", dim=300)


def test_numberbatch_and_mini_h5_agree(real):
    """English and multilingual text as written; mini.h5 is int8, brought to unit length."""
    import h5py

    folder = real / "numberbatch"
    for name, key in (("_test_file_en.txt.gz", "####_metres"), ("_test_file.txt", "/c/af/1_konings")):
        text = (folder / name.removesuffix(".gz")).read_text(encoding="utf-8")
        line = next(line for line in text.split("\n") if line.startswith(key + " ")).split(" ")
        assert np.array(line[1:], np.float32).tolist() == rows(folder / name, key)[0].tolist()
    with h5py.File(folder / "_test_file.h5") as file:
        words, levels = file["mat/axis1"][...], file["mat/block0_values"][...]
    (vector,) = rows(folder / "_test_file.h5", words[3].decode())

    assert levels[3].any()
    np.testing.assert_allclose(vector, levels[3] / np.linalg.norm(levels[3].astype(float)), rtol=1e-6)


def test_a_header_that_promises_more_rows(real, capsys):
    """wiki.en.vec says 2,519,370 rows, and 99 follow: refused with both numbers, or taken as it is."""
    path = real / "fasttext/wiki.en.vec"
    lines = path.read_text(encoding="utf-8").split("\n")
    last = np.array(lines[-2].split(" ")[1:301], np.float32)

    with pytest.raises(FailureError, match="says 2,519,370 rows, and there are 99; .*`skip_bad_lines=True`"):
        rows(path, "the")
    with warned(capsys, "and there are 99"):
        found = rows(path, lines[-2].split(" ")[0], skip_bad_lines=True)
    assert last.tolist() == found[0].tolist()


@pytest.mark.parametrize("promised", [1, 2, 3])
def test_a_header_in_text_and_in_binary(tmp_path, promised):
    """Two rows: more than promised do no harm, fewer are refused."""
    binary = b"%d 2\n" % promised + b"".join(word + b" " + struct.pack("<2f", 1, 2) + b"\n" for word in (b"a", b"b"))
    for path in (
        write(tmp_path / "a.txt", f"{promised} 2", "a 1 2", "b 1 2"), write(tmp_path / "a.bin", binary),
    ):  # fmt: skip
        if promised > 2:
            with pytest.raises(FailureError, match="says 3 rows, and there are 2; it was cut short"):
                rows(path, "a")
        else:
            assert rows(path, "b")[0].tolist() == [1, 2]


def test_word2vec_binary(real, tmp_path):
    """Each row of the file of BPEmb where a plain reading of the format finds it; with newlines after rows, too."""
    path = real / "bpemb/en.wiki.bpe.vs1000.d25.w2v.bin"
    data, expected = path.read_bytes()[len(b"1000 25\n") :], {}
    while data:
        word, _, data = data.partition(b" ")
        expected[word.decode()], data = struct.unpack("<25f", data[:100]), data[100:]
    with_newlines = [w.encode() + b" " + struct.pack("<25f", *v) + b"\n" for w, v in expected.items()]
    again = write(tmp_path / "again.bin", b"1000 25\n", *with_newlines)

    assert len(expected) == 1000
    for file in (path, again):
        assert [list(v) for v in expected.values()] == [v.tolist() for v in rows(file, *expected)]
    with pytest.raises(FailureError, match="the last row is not whole"):
        rows(write(tmp_path / "cut.bin", again.read_bytes()[:-3]), "a")


@pytest.mark.parametrize("end", ["txt", "gz", "bz2", "xz"])
def test_any_table_comes_back(tmp_path, end):
    """What is written is what is found, line ends and blank lines as they may be; of equal words the first."""
    lines = [
        b"the 1 2.5\r\n",
        b"\n",
        b". . . 3 4\n".replace(b" . .", b"\xc2\xa0.\xc2\xa0."),
        b"the 9 9\n",
        b"x -1e-3 0",
    ]
    opener = {"txt": open, "gz": gzip.open, "bz2": bz2.open, "xz": lzma.open}[end]
    with opener(tmp_path / f"a.{end}", "wb") as file:
        file.write(b"".join(lines))
    found = rows(tmp_path / f"a.{end}", "the", ".\xa0.\xa0.", "x", "none", "")

    assert [[1, 2.5], [3, 4], np.float32([-1e-3, 0]).tolist()] == [v.tolist() for v in found[:3]]
    assert found[3:] == [None, None]


WORD = st.text(st.characters(exclude_characters=" \n\r", exclude_categories=["Cs"]), min_size=1, max_size=8)


@pytest.mark.slow
@given(st.dictionaries(WORD, st.lists(st.floats(-9, 9, width=32), min_size=3, max_size=3), min_size=1), st.booleans())
@settings(max_examples=60, deadline=None, derandomize=True)
def test_reader_gives_what_was_written(tmp_path_factory, table, header):
    """Whatever characters but white space the words hold, with a header and without."""
    path = tmp_path_factory.mktemp("any") / "a.txt"
    lines = [f"{word} {' '.join(map(repr, row))}" for word, row in table.items()]
    write(path, *([f"{len(table)} 3"] if header else []), *lines)

    assert [list(row) for row in table.values()] == [v.tolist() for v in rows(path, *table)]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("bad 1 2 3", "3 numbers after the word, not 2"),
        ("bad 1", "1 numbers after the word, not 2"),
        ("bad", "0 numbers after the word, not 2"),
        ("bad\r", "0 numbers after the word, not 2"),
        ("bad 1 x2", "'x2' is no number"),
        ("bad 1 nan", "a number that is not finite"),
        ("bad 1e400 1", "a number that is not finite"),
        ("bad 1_0 1", "'1_0' is no number"),
    ],
)
def test_broken_lines(tmp_path, line, why, capsys):
    """A broken line that is needed stops with file, line and what to do, or is left out and named; others are fine."""
    path = write(tmp_path / "a.txt", *(f"w{i} {i} {i}" for i in range(123)), line, "end 5 6")

    assert rows(path, "w7", "end")[1].tolist() == [5, 6]
    with pytest.raises(FailureError, match=rf"a.txt, line 124: {why}; get the file again, .*`skip_bad_lines=True`$"):
        rows(path, "bad")
    with warned(capsys, rf"a.txt: 1 broken line left out: line 124 \({why}\)$"):
        assert rows(path, "bad", "w1", skip_bad_lines=True)[0] is None


def test_file_saved_again_as_windows_1252(real, capsys):
    """The real one: its first damaged word is the dash on line 218; the same file in UTF-8 is fine."""
    path = real / "glove/glove.6B.50d.first2446.txt"

    with pytest.raises(FailureError, match=r"line 218: the word is not UTF-8, nor are 4 others; convert it \(iconv"):
        rows(path, "the")
    with warned(capsys, "line 218"):
        skipped = rows(path, "the", "–", skip_bad_lines=True)
    whole = rows(path.with_name("glove.6B.50d.first2446.utf8.txt"), "the", "–")
    assert skipped[0].tolist() == whole[0].tolist()
    assert skipped[1] is None and whole[1] is not None


def test_what_is_cut_short_or_no_vectors(tmp_path):
    """A truncated gzip or tar, damaged bytes, a table of texts, an empty file: one line each."""
    whole = gzip.compress(b"".join(b"w%d 1 2\n" % i for i in range(5000)))
    for name, content in (("cut.gz", whole[:-99]), ("bad.gz", whole[:500] + b"\0" * 99 + whole[599:])):
        with pytest.raises(FailureError, match="is damaged or cut short .*get it again"):
            rows(write(tmp_path / name, content), "w1")
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("a.txt", "ham 1 2\n")
    for name, content in (
        ("cut.zip", (tmp_path / "a.zip").read_bytes()[:60]),
        ("long.txt", b"ham 1\n" + b"x" * 17_000_000),
    ):
        with pytest.raises(FailureError, match="is (damaged or cut short|cut short or damaged) .*get it again"):
            rows(write(tmp_path / name, content), "ham")
    with pytest.raises(InputError, match="is no file of word vectors"):
        rows(write(tmp_path / "a.csv", "label,text", "ham,see you"), "ham")
    with pytest.raises(InputError, match="is no file of word vectors"):
        rows(write(tmp_path / "empty.txt", b""), "ham")
    with pytest.raises(FailureError, match="holds no word vectors as mini.h5 does"):
        rows(write(tmp_path / "a.h5", b"\x89HDF\r\n\x1a\n nothing"), "ham")
    with pytest.raises(InputError, match="no such folder, archive or file"):
        rows(tmp_path / "none.txt", "ham")


def test_gzip_in_a_tar_and_a_folder(tmp_path):
    """What is packed twice is unpacked twice; in a folder the file is chosen as in an archive."""
    folder = tmp_path / "vectors"
    folder.mkdir()
    (folder / "glove.2d.txt.gz").write_bytes(gzip.compress(b"the 1 2\n"))
    write(folder / "glove.3d.txt", "the 1 2 3")
    with tarfile.open(tmp_path / "a.tar", "w") as archive:
        archive.add(folder / "glove.2d.txt.gz", "glove.2d.txt.gz")

    assert rows(tmp_path / "a.tar", "the")[0].tolist() == [1, 2]
    assert rows(folder, "the", dim=3)[0].tolist() == [1, 2, 3]


def test_index_is_made_once_and_follows_the_file(tmp_path, monkeypatch):
    """A second opening scans nothing; a changed file is scanned again; equal hashes of words are told apart."""
    from embed.vectors import index

    scans, make = [], index.make
    monkeypatch.setattr(index, "make", lambda path, *said: scans.append(path) or make(path, *said))
    # these two words have the same CRC-32
    path = write(tmp_path / "a.txt", "plumless 1 2", "buckeroo 3 4")
    for _ in range(2):
        assert [v.tolist() for v in rows(path, "buckeroo", "plumless")] == [[3, 4], [1, 2]]
    assert len(scans) == 1
    write(path, "plumless 1 2", "buckeroo 3 5")
    assert rows(path, "buckeroo")[0].tolist() == [3, 5]
    assert len(scans) == 2


def test_a_file_that_changes_while_it_is_read(tmp_path, monkeypatch):
    """The digest and the index could be of different bytes, so neither is kept."""
    from embed.vectors import index

    make = index.make
    path = write(tmp_path / "a.txt", "the 1 2", "cash 3 4")
    monkeypatch.setattr(index, "make", lambda path, *said: (make(path, *said), write(path, "the 1 2", "no 3 4 "))[0])

    with pytest.raises(FailureError, match=r"a.txt changed while it was read; give the command again"):
        rows(path, "the")


@pytest.mark.parametrize(
    ("place", "left"),
    [
        ("embed.models.cache.digest_file", set()),
        ("embed.vectors.index.make", {"digests"}),
        ("embed.vectors.index.np.save", {"digests", "indexes"}),
    ],
)
def test_an_interrupted_first_use_leaves_nothing_that_is_trusted(tmp_path, monkeypatch, place, left):
    """Ctrl-C in the digest, the scan or the writing: a digest is there only whole, an index not at all."""
    monkeypatch.setenv("TK_CACHE_DIR", str(tmp_path / "cache"))
    path = write(tmp_path / "a.txt", "the 1.5 2", "cash 3 -4.25")

    def interrupted(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched, pytest.raises(KeyboardInterrupt):
        patched.setattr(place, interrupted)
        rows(path, "the")

    for _ in range(100):  # the digest is made by another thread, to its end
        if {folder.name for folder in (tmp_path / "cache").glob("*")} == left:
            break
        time.sleep(0.01)
    assert {folder.name for folder in (tmp_path / "cache").glob("*")} == left
    assert not [folder for folder in (tmp_path / "cache/indexes").glob("*") if folder.is_dir()]
    assert [vector.tolist() for vector in rows(path, "cash", "the")] == [[3, -4.25], [1.5, 2]]


USUAL = st.from_regex(r"-?[0-9]{0,9}\.[0-9]{1,6}|-?[0-9]{1,9}\.[0-9]{0,6}|-?0\.0", fullmatch=True)
ODD = st.one_of(st.floats(width=32).map(str), st.integers().map(str), st.text("0123456789.-+e \t\r", max_size=9))


@pytest.mark.slow
@given(st.lists(st.tuples(USUAL, USUAL), min_size=1, max_size=9))
def test_usual_numbers_are_read_as_python_reads_them(lines):
    """Parsed together, each number is the float32 next to what is written, and -0.0 keeps its sign."""
    found = Text(b"word 1.5 2.5\n").vectors([f"{one} {two}\n".encode() for one, two in lines])
    expected = np.array([[float(one), float(two)] for one, two in lines]).astype(np.float32)

    assert [found[i].tobytes() for i in range(len(lines))] == [row.tobytes() for row in expected]


@pytest.mark.slow
@settings(max_examples=500)
@example([("0.0", ".+")])  # a sign without digits
@given(st.lists(st.one_of(st.tuples(USUAL, USUAL), st.tuples(USUAL, ODD), st.tuples(ODD, ODD)), min_size=1, max_size=4))
def test_rows_parsed_together_are_what_each_is_by_itself(lines):
    """Whatever stands in the lines: the very same bytes as one line at a time, and no vector of a broken one."""
    layout, lines = Text(b"word 1.5 2.5\n"), [" ".join(line).encode() + b"\n" for line in lines]
    with strictly():
        for i, vector in layout.vectors(lines).items():
            try:
                assert vector.tobytes() == layout.vector(lines[i]).tobytes()
            except BadVectorLine:
                pytest.fail(f"{lines[i]} is broken")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_memory_follows_the_words_and_not_the_file(tmp_path):
    """Ten words of 100,000 x 50: 20 MB of numbers are not in memory, nor the 35 MB of the file."""
    numbers = " ".join("0.12345" for _ in range(50))
    path = write(tmp_path / "a.txt", *(f"word{i} {numbers}" for i in range(100_000)))
    program = f"""
import sys
sys.path.insert(0, {str(ROOT)!r})
from embed.vectors import open_vectors
from stores.shared.reporter import SILENT
def most():
    return int(dict(line.split(":", 1) for line in open("/proc/self/status"))["VmHWM"].split()[0])
before = most()
opened = open_vectors({str(path)!r}, reporter=SILENT)
assert (opened.find([f"word{{i}}" for i in range(10)]) >= 0).all()
print(most() - before)
"""
    rows(path, "none")  # the scan, whose blocks come and go, is not what is measured
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert int(done.stdout) / 1024 < 10


def test_compact_table_is_a_model_too(tmp_path):
    """What ``table_bytes`` makes is found by its content, with what it says about itself."""
    content = table_bytes(["the", "x"], np.array([[1, 2], [3, -4]]), np.ones(2), {"licence": "CC0"})
    table = opened(write(tmp_path / "small.npz", content), 2)

    assert table.about == {"licence": "CC0"} == load_table(tmp_path / "small.npz").about
    assert table.find(["x", "none"]).tolist() == [1, -1]
    np.testing.assert_allclose(table.take(np.array([1])), [[3, -4]], atol=4 / 62)
