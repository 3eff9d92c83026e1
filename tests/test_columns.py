"""Which columns are taken, and what becomes of their cells."""

import numpy as np
import pytest
from helpers.toy import read

from embed import read_table
from embed.tables.columns import choose_columns
from embed.tables.labels import read_labels
from stores import InputError


def choose(table, **asked):
    """The columns of a table given as name -> cells."""
    return choose_columns("a.csv", table, **asked)


def test_columns_are_found_by_content(tmp_path):
    """Without usual names: the longest cells are the text, the column with few values is the label."""
    rows = "".join(f"{i},this is message number {i},{'x' if i % 2 else 'y'}\n" for i in range(8))
    (tmp_path / "a.csv").write_text("nr,words_of_it,kind\n" + rows)
    columns = read_table(tmp_path / "a.csv").columns

    assert (columns.text, columns.labels) == ("words_of_it", ["kind"])
    assert "2 different values" in columns.reasons[1]


def test_no_label_column_is_no_error(tmp_path):
    """A table of texts alone can be embedded and predicted."""
    (tmp_path / "a.csv").write_text("text\nhello\nyou\n")

    assert read(read_table(tmp_path / "a.csv")) == ([2, 3], ["hello", "you"], [None, None])


TEXTS = ["first text", "second text", "third text", "fourth text"]


@pytest.mark.parametrize(
    ("table", "labels"),
    [
        ({"text": TEXTS, "a": ["0", "1", "0", "0"], "b": ["0", "0", "0", "0"]}, ["a", "b"]),
        ({"text": TEXTS, "toxic": ["0", "1", "0", "0"], "b": ["0", "-1", "", "1"]}, ["toxic", "b"]),
        ({"text": TEXTS, "target": ["0", "1", "0", "0"], "b": ["0", "0", "1", "0"]}, ["target"]),
        ({"text": TEXTS, "sentiment": ["x", "y", "x", "z"], "b": ["0", "0", "1", "0"]}, ["sentiment"]),
        ({"text": TEXTS, "label": TEXTS, "kind": ["x", "y", "x", "y"]}, ["label"]),
        ({"text": TEXTS, "other": TEXTS}, []),
    ],
)
def test_labels_are_one_named_column_or_several_of_bits(table, labels):
    """Several columns of 0 and 1 are labels of one problem, unless one column has the usual name of a label."""
    assert choose(table).labels == labels


def test_split_is_found_by_its_values():
    """Whatever the column is called; one that is named but holds other words is none."""
    parts = ["train", "test", "train", "Val"]

    assert choose({"text": TEXTS, "part": parts}).split == "part"
    assert choose({"text": TEXTS, "split": ["left", "right"] * 2}).split is None
    assert choose({"text": TEXTS, "label": parts, "x": parts}, labels=["label"]).split == "x"


def test_id_is_found_by_name_if_its_values_differ():
    """A column called id with the same value twice identifies nothing."""
    assert choose({"ID": ["1", "2", "3", "4"], "text": TEXTS}).id == "ID"
    assert choose({"id": ["1", "1", "3", "4"], "text": TEXTS}).id is None


def test_every_choice_has_a_reason():
    """One line a column."""
    table = {"id": ["1", "2", "3", "4"], "text": TEXTS, "label": ["a", "b", "a", "b"], "part": ["train", "test"] * 2}

    assert choose(table).reasons == [
        "text column 'text' (by its name)",
        "label column 'label' (by its name; 2 different values in the first rows)",
        "split column 'part' (its values in the first rows are test, train)",
        "id column 'id' (by its name; its values are all different in the first rows)",
    ]
    assert choose(table, labels=[]).labels == []


@pytest.mark.parametrize("option", ["text", "split", "id", "labels"])
def test_missing_column_lists_those_that_exist(option):
    """And names the option."""
    asked = ["body"] if option == "labels" else "body"
    with pytest.raises(InputError, match=f"no column 'body' .--{option.rstrip('s')}-column.; it has: text, x"):
        choose({"text": TEXTS, "x": TEXTS}, **{option: asked})


def test_label_names_stay_as_they_are():
    """Blanks around them aside: case, numbers and booleans are kept; an empty cell is no label."""
    labels, bad = read_labels([["Ham", " ham ", "1", "1.0", "True", "", None, "  "]], ["label"], {})

    assert labels == ["Ham", "ham", "1", "1.0", "True", None, None, None]
    assert bad == {}


def test_label_map_renames_and_refuses_what_it_does_not_know(tmp_path):
    """``3=`` takes the label away; a label that is not in the map is a broken row."""
    (tmp_path / "a.csv").write_text("label,text\n1,a\n5,b\n3,c\n,d\n4,e\n")
    table = read_table(tmp_path / "a.csv", label_map="1=bad,5=good,3=", bad_rows="skip")
    (block,) = table.blocks(9)

    assert block.labels == ["bad", "good", None, None]
    assert str(block.bad[0]).startswith(f"{tmp_path}/a.csv, line 6: label '4' is not in --label-map; mend it")
    with pytest.raises(InputError, match="line 6: label '4' is not in --label-map"):
        read(read_table(tmp_path / "a.csv", label_map="1=bad,5=good,3="))


def test_matrix_of_labels():
    """0 and 1, in words too; empty and -1 are unknown; anything else is wrong."""
    cells = [["0", "1", "True", "no", "", "-1", "maybe"], ["1", "1", "0", "0", "0", None, "0"]]
    labels, bad = read_labels(cells, ["a", "b"], {})

    assert labels.dtype == np.int8
    assert labels[:6].tolist() == [[0, 1], [1, 1], [1, 0], [0, 0], [-1, 0], [-1, -1]]
    assert bad == {6: "label a is 'maybe', neither 0 nor 1"}


def test_text_in_the_label_column_is_a_broken_row():
    """As in tables whose cells have moved."""
    _, bad = read_labels([["ham", "x" * 201, "one\ntwo"]], ["label"], {})

    assert bad == {
        1: "a label of 201 characters: a text stands in the label column",
        2: "a label of 7 characters: a text stands in the label column",
    }


def test_numbered_columns_without_a_header(tmp_path):
    """They are chosen by number."""
    (tmp_path / "a.csv").write_text("x,first text,1\ny,second text,0\n")
    table = read_table(tmp_path / "a.csv", header=False, text_column="2", label_columns=["3"])

    assert read(table) == ([1, 2], ["first text", "second text"], ["1", "0"])
