"""Files of word vectors: containers, forms and headers, and what is read of them."""

import bz2
import gzip
import lzma
import struct
import tarfile
import zipfile

import numpy as np
import pytest
from helpers.reporter import warned
from helpers.vector_files import PLAIN, opened, rows, write
from hypothesis import given, settings
from hypothesis import strategies as st

from embed.vectors.table import load_table, table_bytes
from stores.shared.errors import FailureError, InputError

CONTAINERS = [PLAIN + end for end in ("", ".gz", ".bz2", ".xz", ".zip", ".tar.gz")]
CONTAINERS += [f"multi-file-archive.{end}!folder/{PLAIN}" for end in ("zip", "tar.gz")]


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


def test_compact_table_is_a_model_too(tmp_path):
    """What ``table_bytes`` makes is found by its content, with what it says about itself."""
    content = table_bytes(["the", "x"], np.array([[1, 2], [3, -4]]), np.ones(2), {"licence": "CC0"})
    table = opened(write(tmp_path / "small.npz", content), 2)

    assert table.about == {"licence": "CC0"} == load_table(tmp_path / "small.npz").about
    assert table.find(["x", "none"]).tolist() == [1, -1]
    np.testing.assert_allclose(table.take(np.array([1])), [[3, -4]], atol=4 / 62)
