"""Tables in folders, archives and plain text, and the habits of programs; rows counted by hand."""

import io
import sys
import tarfile

import pyarrow as pa
import pyarrow.parquet
import pytest
from helpers.toy import read

from embed import read_table
from stores import InputError

TEXTS = ["the wind came up", "rain again today", "a stone in the river", "light on the grass", "frost at the gate"]
LABELS = ["calm", "wet", "calm", "wet", "calm"]
ROWS = list(map(list, zip(TEXTS, LABELS, strict=True)))


def test_folder_of_tables_with_splits_in_their_names(tmp_path):
    """As Hugging Face lays out a data set; what tells about it does not count."""
    for name, rows in (("train", slice(0, 3)), ("test", slice(3, 5))):
        path = tmp_path / "set" / "data" / f"{name}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table({"text": TEXTS[rows], "label": LABELS[rows]}), path)
    (tmp_path / "set" / "README.md").write_text("about")
    (block,) = read_table(tmp_path / "set").blocks(9)

    assert sorted(zip(block.texts, block.splits, strict=True)) == sorted(
        zip(TEXTS, ["train"] * 3 + ["test"] * 2, strict=True)
    )


def tar_of(path, files):
    """A packed tar with these files (name -> bytes)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_tar_with_one_table(tmp_path):
    """It is read, whatever tells about it; of several tables their names are said."""
    data = ("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)).encode()
    table = read_table(tar_of(tmp_path / "a.tar.gz", {"data/README.txt": b"about", "data/spam.csv": data}))
    assert (read(table)[1:], table.stem) == ((TEXTS, LABELS), "spam")

    with pytest.raises(InputError, match="holds 2 tables .a.csv, b.csv.; unpack it"):
        read_table(tar_of(tmp_path / "b.tar.gz", {"a.csv": data, "b.csv": data}))


def write_lines(path, lines):
    """A file of lines."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_one_file_a_class(tmp_path):
    """Classes by the names of the files or by their endings; said."""
    for folder, names in (("a", ("pos.txt", "neg.txt")), ("b", ("rt-polarity.pos", "rt-polarity.neg"))):
        (tmp_path / folder).mkdir()
        write_lines(tmp_path / folder / names[0], TEXTS[:3])
        write_lines(tmp_path / folder / names[1], TEXTS[3:])
        for data in (tmp_path / folder, str(tmp_path / folder / "*")):
            table = read_table(data)
            assert dict(zip(*read(table)[1:], strict=True)) == dict.fromkeys(TEXTS[:3], "pos") | dict.fromkeys(
                TEXTS[3:], "neg"
            )
            assert "the class is the name of the file: neg, pos" in table.notes[0]


def test_several_text_files_in_doubt(tmp_path):
    """Each of the readings that are named works."""
    write_lines(tmp_path / "plot.txt", TEXTS[:3])
    write_lines(tmp_path / "quote.txt", TEXTS[3:])
    with pytest.raises(InputError, match="text each .`format='files'`., a class each .*'classes'`.*`format='lines'`"):
        read_table(tmp_path)

    assert read(read_table(tmp_path, format="classes"))[2] == ["plot"] * 3 + ["quote"] * 2
    assert read(read_table(tmp_path, format="lines"))[1:] == (TEXTS, [None] * 5)
    assert read(read_table(tmp_path, format="files"))[1] == ["\n".join(TEXTS[:3]) + "\n", "\n".join(TEXTS[3:]) + "\n"]


def test_pattern_of_prose(tmp_path):
    """Files of Markdown are a text each."""
    for i, text in enumerate(TEXTS):
        write_lines(tmp_path / f"{i}.md", ["# Title", text])

    assert read(read_table(str(tmp_path / "*.md")))[1] == [f"# Title\n{text}\n" for text in TEXTS]


def test_label_in_front_of_a_text(tmp_path):
    """Cut at the first blank or tab only; also without an ending, as ``custrev.all``."""
    texts = [*TEXTS, "the wind\twith a tab"]
    lines = [f"{i % 2} {text}" for i, text in enumerate(texts)]
    table = read_table(write_lines(tmp_path / "custrev.all", lines))

    assert read(table)[1:] == (texts, ["0", "1"] * 3)
    assert "the label is the word in front of each text" in " ".join(table.notes)


def test_few_first_words_may_be_labels(tmp_path):
    """Of other words it is said; ``labelled`` reads them so."""
    write_lines(tmp_path / "a.txt", [f"{('cats', 'dogs')[i % 2]} are {i} years old" for i in range(30)])
    table = read_table(tmp_path / "a.txt")

    assert read(table)[2] == [None] * 30
    assert "if the words in front (cats, dogs) are labels, give `format='labelled'`" in table.notes[0]
    assert read(read_table(tmp_path / "a.txt", format="labelled"))[2] == ["cats", "dogs"] * 15


def test_fasttext(tmp_path):
    """One label a line, or several; a line without one is unlabelled."""
    table = read_table(write_lines(tmp_path / "a.txt", ["__label__x the wind", "__label__y rain", "no label"]))
    assert read(table)[1:] == (["the wind", "rain", "no label"], ["x", "y", None])

    (block,) = read_table(write_lines(tmp_path / "b.txt", ["__label__x __label__y wind", "__label__y rain"])).blocks(9)
    assert (block.texts, block.labels.tolist(), block.label_names) == (["wind", "rain"], [[1, 1], [0, 1]], ["x", "y"])


def test_questions_of_trec(tmp_path):
    """The coarse class is the label, the fine one another column."""
    lines = ["DESC:manner How did it rain ?", "ENTY:cremat What wind ?", "DESC:def What is frost ?"] * 2
    path = write_lines(tmp_path / "train_5500.label", lines)

    assert read(read_table(path))[1:] == ([line.split(" ", 1)[1] for line in lines], ["DESC", "ENTY", "DESC"] * 2)
    assert read(read_table(path, label_columns=["fine"]))[2][:2] == ["DESC:manner", "ENTY:cremat"]


def test_parse_trees(tmp_path):
    """The number at the root, and the leaves."""
    path = write_lines(tmp_path / "train.txt", ["(3 (2 It) (4 (3 works) (2 -LRB-)))", "(1 (2 No) (0 good))"])

    assert read(read_table(path))[1:] == (["It works (", "No good"], ["3", "1"])


def test_excels_unicode_text(tmp_path):
    """UTF-16 with tabs, called .txt: a table."""
    rows = ["text\tlabel", *("\t".join(row) for row in ROWS)]
    (tmp_path / "a.txt").write_bytes("\r\n".join(rows).encode("utf-16"))

    assert read(read_table(tmp_path / "a.txt"))[1:] == (TEXTS, LABELS)


@pytest.mark.parametrize(("data", "texts"), [(b"hello\nbye\n", ["hello", "bye"]), (b"text\nhello\n", ["hello"])])
def test_lines_of_stdin(monkeypatch, data, texts):
    """Two lines are two texts; a usual name on the first is a header."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    assert read(read_table("-"))[1] == texts


@pytest.mark.parametrize(
    ("content", "texts", "labels"),
    [
        ("sep=;\ntext;label\na b;x\nc, d;y\n", ["a b", "c, d"], ["x", "y"]),
        (",text,label\n0,a b,x\n1,c d,y\n", ["a b", "c d"], ["x", "y"]),
        ("Unnamed: 0,text,label\n7,a b,x\n3,c d,y\n", ["a b", "c d"], ["x", "y"]),
        ('"text","label"\n"1","a b","x"\n"2","c d","y"\n', ["a b", "c d"], ["x", "y"]),  # as R writes it
        ("text,label\na b,x,\nc d,y,\n", ["a b", "c d"], ["x", "y"]),
        ("text;label\na b;1,0\nc d;0,0\n", ["a b", "c d"], ["1", "0"]),
        ('label, text\nx, "a, b"\ny, "c, d"\n', ["a, b", "c, d"], ["x", "y"]),
        ("'label','text'\n'x','a, b'\n'y','c, d'\n", ["a, b", "c, d"], ["x", "y"]),
        ('label,text\nx,"say \\"a\\", b"\ny,"c\\\\d"\n', ['say "a", b', "c\\\\d"], ["x", "y"]),
    ],
)
def test_habits_of_programs(tmp_path, content, texts, labels):
    """Excel, pandas, R and others; what is unusual is said."""
    (tmp_path / "a.csv").write_text(content)
    table = read_table(tmp_path / "a.csv")

    assert read(table)[1:] == (texts, labels)
    assert table.notes or "1,0" in content or content.startswith("text,label\na b,x,")
