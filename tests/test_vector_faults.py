"""Files of word vectors that are broken, change or are large: lines, numbers, index, memory."""

import gzip
import subprocess
import sys
import time
import zipfile

import numpy as np
import pytest
from helpers import ROOT
from helpers.reporter import warned
from helpers.vector_files import rows, write
from hypothesis import example, given, settings
from hypothesis import strategies as st

from embed.vectors.text import BadVectorLine, Text, strictly
from stores.shared.errors import FailureError, InputError


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
