"""Awkward tables that people really have: read as they are meant, or refused with what to do.

The rows and classes are those that the page beside the files gives.
"""

import numpy as np
import pytest

from embed import read_table
from stores.shared.errors import InputError

HAM_SPAM = {"ham": 40, "spam": 20}
READ = {  # file -> rows, text column, label columns, label -> rows (None: no label); of one label column
    "01-sep-line/comma.csv": (60, "text", ["label"], HAM_SPAM),
    "01-sep-line/semi.csv": (60, "text", ["label"], HAM_SPAM),
    "02-pandas-index/t.csv": (60, "text", ["label"], HAM_SPAM),
    "02-pandas-index/t2.csv": (60, "text", ["label"], HAM_SPAM),
    "03-uci-smsspam/SMSSpamCollection": (60, "2", ["1"], {"ham": 39, "spam": 21}),
    "11-nan-labels-csv/t.csv": (60, "text", ["label"], {"ham": 40, "spam": 15, None: 5}),
    "13-float-vs-int-labels/test.csv": (40, "text", ["label"], {"0": 26, "1": 14}),
    "13-float-vs-int-labels/train.csv": (60, "text", ["label"], {"0": 40, "1": 20}),
    "18-blank-lines/t.csv": (60, "text", ["label"], HAM_SPAM),
    "20-utf16/be.tsv": (60, "text", ["label"], HAM_SPAM),
    "20-utf16/bom.csv": (60, "text", ["label"], HAM_SPAM),
    "20-utf16/bom.txt": (60, "text", ["label"], HAM_SPAM),
    "21-mixed-encodings/t.csv": (60, "text", ["label"], HAM_SPAM),
    "25-archives/t.tar.gz": (60, "text", ["label"], HAM_SPAM),
    "28-tiny-tables/one.csv": (1, "text", ["label"], {"ham": 1}),
    "28-tiny-tables/single.csv": (60, "text", ["label"], {"ham": 60}),
    "29-stars-verified/rating.csv": (60, "review", ["rating"], {"1": 17, "3": 9, "5": 34}),
    "29-stars-verified/reviews.csv": (60, "review_body", ["stars"], {"1": 17, "3": 9, "5": 34}),
    "30-fasttext-label-format/train.ft.txt": (60, "text", ["label"], {"1": 20, "2": 40}),
    "48-nan-class-many/t.csv": (90, "text", ["label"], {"ham": 45, "spam": 30, None: 15}),
    "60-64-rows-arpack/n64.csv": (64, "text", ["label"], {"ham": 42, "spam": 22}),
    "61-defaults-sniff/crlf_multiline.csv": (60, "text", ["label"], HAM_SPAM),
    "61-defaults-sniff/kaggle_cat.csv": (60, "Message", ["Category"], HAM_SPAM),
    "61-defaults-sniff/t.csv": (60, "text", ["label"], {"a=b": 20, "c,d": 40}),
}
REFUSED = {  # file -> what the one line says
    "05-ethos-soft-labels/Ethos_Dataset_Binary.csv": "'isHate' holds numbers .*`label_threshold=",
    "07-hf-parquet-nested/struct.parquet": "`text_column='review.body'`",
    "08-jsonl-not-objects/t.jsonl": "line 11: no JSON object",
    "09-jsonl-bom-nested/nested.jsonl": "`text_column='data.text'`",
    "19-extra-commas/t.csv": "line 12: 4 cells where the header has 2",
    "23-nul-in-cell/t.csv": "line 11: a NUL byte",
    "26-lfs-pointer/train.parquet": "git lfs pull",
    "28-tiny-tables/empty.csv": "is empty",
    "28-tiny-tables/header.csv": "has a header but no rows",
    "37-list-labels/goemotions.tsv": "`label_separator=','`",
}


def labels_of(table):
    """All labels of a table, a block at a time."""
    return [label for rows in table.blocks(50) for label in rows.labels]


@pytest.mark.parametrize("name", READ)
def test_table_is_read_as_it_is_meant(real, name):
    """Rows, columns and classes are those that a person would count."""
    rows, text, columns, classes = READ[name]
    table = read_table(real / "cases" / name)

    labels = labels_of(table)

    assert (table.columns.text, table.columns.labels) == (text, columns)
    assert len(labels) == rows
    assert {label: labels.count(label) for label in {*labels}} == classes


@pytest.mark.parametrize("name", REFUSED)
def test_table_in_doubt_is_refused_with_advice(real, name):
    """Nothing is read from it before the user has said how it is meant."""
    with pytest.raises(InputError, match=REFUSED[name]):
        labels_of(read_table(real / "cases" / name))


@pytest.mark.parametrize(("name", "most"), [("39-thousand-classes/t.csv", 1000), ("46-banking77/train.csv", 77)])
def test_many_classes_are_labels(real, name, most):
    """A column called label or category is one, however many values it has."""
    assert len(set(labels_of(read_table(real / "cases" / name)))) == most


@pytest.mark.parametrize("name", ["07-hf-parquet-nested/go_emotions.parquet", "37-list-labels/py.csv"])
def test_lists_are_several_labels(real, name):
    """A row has a 0 or 1 for each label; no combination is a class."""
    labels = np.stack(labels_of(read_table(real / "cases" / name)))

    assert len(labels) == 60
    assert set(np.unique(labels)) == {0, 1}
    assert labels.sum(1).max() > 1


def test_one_line_of_another_encoding_spoils_no_other(real):
    """The emoji of the UTF-8 lines stay emoji."""
    texts = [text for rows in read_table(real / "cases/21-mixed-encodings/t.csv").blocks(50) for text in rows.texts]

    assert any("\U0001f600" <= character <= "\U0001faff" for text in texts for character in text)
    assert not any("ðŸ" in text for text in texts)


def test_backslash_before_a_quote_is_no_text(real):
    """What a program wrote as ``\\"hi\\"`` is read as ``"hi"``."""
    texts = [
        text for rows in read_table(real / "cases/27-backslash-quotes/nocomma.csv").blocks(50) for text in rows.texts
    ]

    assert any('"hi"' in text for text in texts)
    assert not any("\\" in text for text in texts)


def test_classes_that_differ_in_case_are_named(real):
    """They stay apart, and a note gives the `label_map` that joins them."""
    table = read_table(real / "cases/47-case-classes/t.csv")
    labels_of(table)

    assert any("upper and lower case" in note and "Ham" in note for note in table.notes)
