"""Which columns are taken, and why."""

import pytest
from helpers.toy import read

from embed import read_table
from embed.tables.columns import Asked, Sample, choose_columns
from stores import InputError


def choose(table, **asked):
    """The columns of a table given as name -> cells."""
    return choose_columns(Sample("a.csv", table), Asked(**asked))


def test_columns_are_found_by_content(tmp_path):
    """Without usual names: the longest cells are the text, the column with few values is the label."""
    rows = "".join(f"{i},this is message number {i},{'x' if i % 2 else 'y'}\n" for i in range(8))
    (tmp_path / "a.csv").write_text("nr,words_of_it,kind\n" + rows)
    columns = read_table(tmp_path / "a.csv").columns

    assert (columns.text, columns.labels) == ("words_of_it", ["kind"])
    assert "the only column with few different values, 2" in columns.reasons[1]


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
        (
            {"text": TEXTS, "a": ["True", "False", "False", "True"], "b": ["False", "False", "False", "True"]},
            ["a", "b"],
        ),
        ({"text": TEXTS, "a": ["1.0", "0.0", "0.0", "1.0"], "b": ["0", "0", "1", "0"]}, ["a", "b"]),
        ({"text": TEXTS, "a": ["0", "1"] * 2, "b": ["1", "1", "0", "0"], "is_bad": ["True", "False"] * 2}, ["a", "b"]),
        ({"text": TEXTS, "stars": ["1", "5", "3", "5"], "verified": ["Y", "N", "Y", "Y"]}, ["stars"]),
        ({"text": TEXTS, "rating": ["1", "5", "3", "5"], "recommended": ["1", "0", "1", "1"]}, ["rating"]),
        ({"text": TEXTS, "airline_sentiment": ["neg", "pos"] * 2, "airline": ["A", "B"] * 2}, ["airline_sentiment"]),
        ({"text": TEXTS, "Class Index": ["1", "2", "1", "3"], "n": ["7", "8"] * 2}, ["Class Index"]),
        ({"text": TEXTS, "Kategorie": ["x", "y", "x", "z"], "n": ["7", "8"] * 2}, ["Kategorie"]),
        ({"text": TEXTS, "label": ["0", "1", "0", "1"], "label_text": ["no", "yes", "no", "yes"]}, ["label"]),
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


@pytest.mark.parametrize(
    ("asked", "parameter"),
    [
        ({"texts": ["body"]}, "text_column"),
        ({"split": "body"}, "split_column"),
        ({"id": "body"}, "id_column"),
        ({"labels": ["body"]}, "label_columns"),
    ],
)
def test_missing_column_lists_those_that_exist(asked, parameter):
    """And names the parameter."""
    with pytest.raises(InputError, match=f"no column 'body' .`{parameter}`.; it has: text, x"):
        choose({"text": TEXTS, "x": TEXTS}, **asked)


def test_numbered_columns_without_a_header(tmp_path):
    """They are chosen by number."""
    (tmp_path / "a.csv").write_text("x,first text,1\ny,second text,0\n")
    table = read_table(tmp_path / "a.csv", header=False, text_column="2", label_columns=["3"])

    assert read(table) == ([1, 2], ["first text", "second text"], ["1", "0"])


@pytest.mark.parametrize(
    ("table", "names"),
    [
        ({"text": TEXTS, "sentiment": ["x", "y", "x", "y"], "topic": ["a", "a", "b", "b"]}, "'sentiment' and 'topic'"),
        ({"text": TEXTS, "q1": ["x", "y", "x", "y"], "q2": ["a", "a", "b", "b"]}, "'q1' and 'q2'"),
    ],
)
def test_two_columns_that_could_be_the_label_are_asked_for(table, names):
    """Both are named, with what to give; nothing is taken."""
    with pytest.raises(InputError, match=f"{names} have .*give `label_columns=.*or `label_columns=..` for none"):
        choose(table)
    assert choose(table, labels=[]).labels == []


@pytest.mark.parametrize(("name", "classes"), [("label", 1000), ("category", 77)])
def test_many_classes_in_a_column_of_that_name_are_labels(name, classes):
    """1,000 in ``label``, 77 in ``category``; in a column of another name they are not."""
    rows = range(5 * classes)
    table = {"text": [f"text {i} and more" for i in rows], name: [f"class {i % classes}" for i in rows]}

    assert choose(table).labels == [name]
    assert choose({"text": table["text"], "place": table[name]}).labels == []


def test_several_text_columns_are_joined(tmp_path):
    """By a line break or what is asked for; empty cells add nothing; the source says so."""
    (tmp_path / "a.csv").write_text("title,body,label\nHi,one two,x\n,three,y\nYou,,x\n")
    table = read_table(tmp_path / "a.csv", text_column=["title", "body"])

    assert read(table)[1] == ["Hi\none two", "three", "You"]
    assert table.source()["columns"]["text"] == ["title", "body"]
    other = read_table(tmp_path / "a.csv", text_column=["body", "title"], text_separator=" | ")
    assert read(other)[1] == ["one two | Hi", "three", "You"]
    assert other.source()["digest"] != table.source()["digest"]


def test_a_second_text_column_is_named():
    """With what joins it."""
    reasons = choose({"Betreff": TEXTS, "Beschreibung": [f"{text} and much more" for text in TEXTS]}).reasons

    assert "text column 'Beschreibung'" in reasons[0]
    assert choose({"title": ["a b c d e", "b c d e f"], "text": ["x y z", "z y x"]}).reasons[0] == (
        "text column 'text' (by its name; 'title' holds text too: `text_column=['title', 'text']` joins them)"
    )


def test_numbers_are_no_texts():
    """A table of nothing else is refused, not encoded."""
    with pytest.raises(InputError, match="no column left for the text; id, target hold numbers"):
        choose({"id": ["1", "2"], "target": ["0", "1"]})


def test_row_that_repeats_the_header_is_broken(tmp_path):
    """As where two files were put together."""
    (tmp_path / "a.csv").write_text("label,text\nham,one\nlabel,text\nspam,two\n")

    with pytest.raises(InputError, match="line 3: it repeats the header"):
        read(read_table(tmp_path / "a.csv"))
    assert read(read_table(tmp_path / "a.csv", bad_rows="skip"))[1] == ["one", "two"]
