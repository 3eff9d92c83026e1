"""What becomes of the cells of label columns: missing values, spellings, maps, several labels."""

import csv

import numpy as np
import pytest
from helpers.toy import read

from embed import read_table
from embed.tables.labels import LabelRule
from stores import InputError


def test_what_differs_by_chance_in_labels_is_dropped():
    """Blanks, no-break blanks and invisible characters; ``1.0`` is ``1``, ``True`` is ``true``; case is kept."""
    cells = ["Ham", " ham ", "ham\u00a0", "h\u200bam", "1", "1.0", "1,0", "True", "TRUE", "v1.0", "a\u00a0 b"]
    labels, bad = LabelRule(["label"]).read([cells])

    assert labels == ["Ham", "ham", "ham", "ham", "1", "1", "1", "true", "true", "v1.0", "a b"]
    assert bad == {}


def test_markers_of_missing_values_are_no_labels():
    """As pandas knows them; ``NONE`` and ``none`` are classes that people use."""
    labels, _ = LabelRule(["label"]).read([["NaN", "NA", "None", "null", "", "  ", "#N/A", "NONE", "none"]])

    assert labels == [None] * 7 + ["NONE", "none"]


def test_missing_markers_are_counted_said_and_asked_for(tmp_path):
    """A class that is really called NA: the option in the note, or an entry of the label map."""
    (tmp_path / "a.csv").write_text("label,text\nNA,one\nEU,two\nNA,three\nEU,four\n")
    table = read_table(tmp_path / "a.csv")

    assert read(table)[2] == [None, "EU", None, "EU"]
    assert "NA (2) in 'label' stand for a missing label; `missing=''` makes them classes" in table.notes[0]
    assert read(read_table(tmp_path / "a.csv", missing=""))[2] == ["NA", "EU", "NA", "EU"]
    assert read(read_table(tmp_path / "a.csv", missing="EU"))[2] == ["NA", None, "NA", None]
    assert read(read_table(tmp_path / "a.csv", label_map="NA=Namibia,*=*"))[2] == ["Namibia", "EU"] * 2


def test_classes_that_differ_by_case_are_named_with_the_map_that_joins_them(tmp_path):
    """The map in the note works as it stands; the most frequent spelling stays."""
    (tmp_path / "a.csv").write_text("label,text\nHam,one\nham,two\nspam,three\nham,four\n")
    table = read_table(tmp_path / "a.csv")

    assert "differ by upper and lower case only: 'ham', 'Ham'" in table.notes[0]
    given = table.notes[0].split("`label_map='")[1].split("'`")[0]
    assert read(read_table(tmp_path / "a.csv", label_map=given))[2] == ["ham", "ham", "spam", "ham"]


@pytest.mark.parametrize(
    ("spelt", "meant"),
    [
        (["1", "True", "0", "False", "1", "0"], "110010"),
        (["yes", "Yes", "1", "no", "0", "yes"], ["yes"] * 3 + ["no"] * 2 + ["yes"]),
        (["Y", "true", "false", "Y", "N", "N"], "YYNYNN"),
    ],
)
def test_yes_and_no_in_several_ways_are_named_with_the_map_that_joins_them(tmp_path, spelt, meant):
    """As where tables of several sources were put together; the most frequent spelling stays."""
    texts = "wind rain snow ice fog sun".split()
    rows = "".join(f"{label},{text}\n" for label, text in zip(spelt, texts, strict=True))
    (tmp_path / "a.csv").write_text("label,text\n" + rows)
    note = read_table(tmp_path / "a.csv").notes[0]

    assert "classes that mean yes and no in several ways: " in note
    given = note.split("`label_map='")[1].split("'`")[0]
    table = read_table(tmp_path / "a.csv", label_map=given)
    assert (read(table)[2], table.notes) == (list(meant), [])


def test_numbers_and_words_that_are_not_all_yes_and_no_are_classes(tmp_path):
    """Stars with a word among them; yes and no in one way."""
    for number, labels in enumerate((["1", "2", "true", "0"], ["yes", "no", "yes", "no"])):
        path = tmp_path / f"{number}.csv"
        path.write_text("label,text\n" + "".join(f"{label},text of {label}\n" for label in labels))
        assert read_table(path).notes == []


def test_cells_hold_several_labels_as_those_of_the_table_that_was_trained_on(tmp_path):
    """Also where each row of the second table happens to have one: of lists, and of labels with a mark between."""
    for name, both, one in (("lists", "\"['a', 'b']\"", "['a']"), ("marks", "a|b", "a")):
        (tmp_path / f"{name}.csv").write_text(f"text,label\nrain,{both}\nsnow,{one}\nwind,{one}\nsun,{both}\n")
        (tmp_path / "new.csv").write_text(f"text,label\nice,{one}\nfog,{one}\n")
        first = read_table(tmp_path / f"{name}.csv", label_columns=["label"])

        assert first.rule.names == ["a", "b"]
        assert read_table(tmp_path / "new.csv").rule.names is None
        assert read_table(tmp_path / "new.csv", like=first.source()).rule.names == ["a"]


def test_label_map_quotes_what_it_is_written_with(tmp_path):
    """Names with ``=`` and ``,`` in double quotes; a quote among them is doubled."""
    (tmp_path / "a.csv").write_text('label,text\na=b,one\n"c,d",two\n"e""f",three\ng,four\n')
    table = read_table(tmp_path / "a.csv", label_map='"a=b"="x,y", "c,d"=z ,"e""f"=q,*=')

    assert read(table)[2] == ["x,y", "z", "q", None]
    with pytest.raises(InputError, match="give it as OLD=NEW,OLD=NEW"):
        read_table(tmp_path / "a.csv", label_map='"a=b=c')


def test_label_map_renames_and_refuses_what_it_does_not_know(tmp_path):
    """``3=`` takes the label away; a label that is not in the map is a broken row."""
    (tmp_path / "a.csv").write_text("label,text\n1,a\n5,b\n3,c\n,d\n4,e\n")
    table = read_table(tmp_path / "a.csv", label_map="1=bad,5=good,3=", bad_rows="skip")
    (block,) = table.blocks(9)

    assert block.labels == ["bad", "good", None, None]
    assert str(block.bad[0]).startswith(f"{tmp_path}/a.csv, line 6: label '4' is not in `label_map`; correct it")
    with pytest.raises(InputError, match="line 6: label '4' is not in `label_map`"):
        read(read_table(tmp_path / "a.csv", label_map="1=bad,5=good,3="))


def test_matrix_of_labels():
    """0 and 1, in words too; empty and -1 are unknown; anything else is wrong."""
    cells = [["0", "1", "True", "no", "", "-1", "maybe"], ["1.0", "1", "0,0", "0", "FALSE", "NaN", "0"]]
    labels, bad = LabelRule(["a", "b"]).read(cells)

    assert labels.dtype == np.int8
    assert labels[:6].tolist() == [[0, 1], [1, 1], [1, 0], [0, 0], [-1, 0], [-1, -1]]
    assert bad == {6: "label a is 'maybe', neither 0 nor 1"}


def test_text_in_the_label_column_is_a_broken_row():
    """As in tables whose cells have moved."""
    _, bad = LabelRule(["label"]).read([["ham", "x" * 201, "one\ntwo"]])

    assert bad == {
        1: "a label of 201 characters: a text stands in the label column",
        2: "a label of 7 characters: a text stands in the label column",
    }


def test_numbers_with_fractions_are_no_classes(tmp_path):
    """A column that was found is refused, with a threshold that works; one that was asked for is taken, with a note."""
    rows = "".join(f"text number {i},{i % 7 / 8}\n" for i in range(40))
    (tmp_path / "a.csv").write_text("comment,isHate\n" + rows)

    with pytest.raises(InputError, match=r"'isHate' holds numbers .*; `label_threshold=0.5`"):
        read_table(tmp_path / "a.csv", label_columns=None)
    labels = read(read_table(tmp_path / "a.csv", label_threshold=0.5))[2]
    assert labels == [str(int(i % 7 / 8 >= 0.5)) for i in range(40)]
    table = read_table(tmp_path / "a.csv", label_columns=["isHate"])
    assert "each number is a class" in table.notes[-1]
    assert len(set(read(table)[2])) == 7


def written(path, header, cells):
    """A CSV with a text and one more cell a row."""
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *([f"text number {i}", cell] for i, cell in enumerate(cells))])
    return path


@pytest.mark.parametrize(
    "cells",
    [
        ["['a', 'b']", "['c']", "[]", "['a']"],
        ['["a", "b"]', '["c"]', "[]", '["a"]'],
        ["['a' 'b']", "['c']", "[]", "['a']"],  # as numpy writes it
        ["a|b", "c", "[]", "a"],
        ["a, b", "c", "[]", "a"],
    ],
)
def test_several_labels_in_a_cell(tmp_path, cells):
    """Lists in three spellings, or with a separator: a matrix of 0 and 1; recognised and said where it is certain."""
    path = written(tmp_path / "a.csv", ["text", "labels"], cells * 3)
    asked = {"label_separator": "|" if "|" in cells[0] else ","} if cells[1] == "c" else {}
    table = read_table(path, **asked)
    (block,) = table.blocks(99)

    assert block.label_names[-3:] == ["a", "b", "c"]
    assert block.labels[:4, -3:].tolist() == [[1, 1, 0], [0, 0, 1], [0, 0, 0], [1, 0, 0]]
    assert asked or "a row may have several labels" in " ".join(table.notes)


def test_lists_of_zero_and_one_have_a_place_for_each_label(tmp_path):
    """Not the labels 0 and 1."""
    (block,) = read_table(written(tmp_path / "a.csv", ["text", "labels"], ["[0, 1, 1]", "[1, 0, 0]"])).blocks(9)

    assert block.label_names == ["labels.0", "labels.1", "labels.2"]
    assert block.labels.tolist() == [[0, 1, 1], [1, 0, 0]]


@pytest.mark.parametrize(
    ("cells", "classes"),
    [
        (["a|b", "a", "b", "a|b"], ["a", "b"]),
        (["2,5,7", "27", "2", "5", "7", "2,27"], ["2", "5", "7", "27"]),
        (["x;y", "x", "y", "y;x"], ["x", "y"]),
    ],
)
def test_separators_of_labels_are_recognised(tmp_path, cells, classes):
    """Where the parts stand alone in other cells; numbers are in their order."""
    table = read_table(written(tmp_path / "a.csv", ["text", "labels"], cells))

    assert "hold several labels with" in table.notes[0]
    assert next(table.blocks(9)).label_names == classes
    whole = read_table(tmp_path / "a.csv", label_separator="none")
    assert read(whole)[2] == cells


def test_commas_in_the_names_of_classes_are_no_separators(tmp_path):
    """Parts that never stand alone are none."""
    cells = ["Arts, Crafts", "Sports", "Arts, Crafts", "Home & Garden", "Toys; Games"]

    assert read(read_table(written(tmp_path / "a.csv", ["text", "category"], cells * 2)))[2] == cells * 2


def test_decimal_commas_or_several_labels_is_asked(tmp_path):
    """Both readings are named, and both work."""
    path = written(tmp_path / "a.csv", ["text", "label"], ["2,5", "27", "27", "2,5"])

    with pytest.raises(
        InputError, match="may be several labels or numbers with a decimal comma; give `label_separator=','`"
    ):
        read_table(path)
    assert next(read_table(path, label_separator=",").blocks(9)).label_names == ["2", "5", "27"]
    assert read(read_table(path, label_separator="none"))[2] == ["2,5", "27", "27", "2,5"]


def test_labels_that_look_the_same_are_one_class(tmp_path):
    """A letter with its accent is one character or two (Unicode's NFC and NFD), as the program that wrote it likes."""
    rows = [("gr\u00fcn" if i % 2 else "gru\u0308n", f"text {word}") for i, word in enumerate("abcdef")]
    rows += [("rot", f"text {word}") for word in "ghijkl"]
    (tmp_path / "a.csv").write_text("label,text\n" + "".join(f"{a},{b}\n" for a, b in rows), encoding="utf-8")

    (read,) = read_table(tmp_path / "a.csv").blocks(99)

    assert set(read.labels) == {"gr\u00fcn", "rot"}
