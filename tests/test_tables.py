"""Tables as a whole: the real ones with their counts, blocks, several files, broken rows, and what the store keeps."""

import csv
import json
from collections import Counter

import numpy as np
import pytest
from helpers.toy import TEN_ROWS, read, toy_recipe

from embed import StoreOptions, embed, read_table
from stores import FeatureStore, InputError

JIGSAW = ["toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "text", "label", "counts"),
    [
        ("spam_sms/spam.csv", "v2", "v1", {"ham": 4825, "spam": 747}),
        ("spam_emails/emails.csv.gz", "text", "spam", {"0": 4360, "1": 1368}),
        ("disaster_tweets/train.csv", "text", "target", {"0": 4342, "1": 3271}),
        ("disaster_tweets/test.csv", "text", None, {None: 3263}),
        ("imdb/aclImdb_subset.tar.gz", "text", "label", {"pos": 7500, "neg": 7500}),
    ],
)
def test_real_table_is_read_as_it_is(real, name, text, label, counts):
    """The columns are found, and no row or label is lost."""
    table = read_table(real / name)
    lines, texts, labels = read(table)

    assert table.columns.text == text
    assert table.columns.labels == ([label] if label else [])
    assert Counter(labels) == counts
    assert len(texts) == len(set(lines)) == sum(counts.values())


@pytest.mark.parametrize(
    ("name", "rows"),
    [
        ("train_union.csv.gz", 16435),
        ("test_labelled_union.csv.gz", 2338),
        ("predibase_train.5k.csv", 5000),
        ("predibase_train.6.csv", 3200),
        ("predibase_test.balanced.csv", 400),
        ("fastbert_train_sample.csv", 1000),
        ("fastbert_val_sample.csv", 1000),
        ("hurelyyu_train_sample.csv", 300),
        ("train_small_bom.csv", 99),
    ],
)
def test_toxic_comments_have_six_labels(real, name, rows):
    """In whatever order the columns stand; text and 0/1 matrix are what Python's csv module reads."""
    import gzip

    opener = gzip.open if name.endswith(".gz") else open
    with opener(real / "jigsaw" / name, "rt", newline="", encoding="utf-8-sig") as file:
        expected = list(csv.DictReader(file))
    table = read_table(real / "jigsaw" / name)
    blocks = list(table.blocks(1000))

    assert table.columns.labels == JIGSAW
    assert len(expected) == sum(map(len, blocks)) == rows
    assert [text for block in blocks for text in block.texts] == [row["comment_text"] for row in expected]
    assert [id for block in blocks for id in block.ids] == [row["id"] for row in expected]
    matrix = np.concatenate([block.labels for block in blocks])
    assert matrix.tolist() == [[int(row[name]) for name in JIGSAW] for row in expected]


@pytest.mark.slow
def test_reviews_in_two_by_two_folders(real):
    """15,000 reviews straight from the archive: class and split from the folders, the path as id."""
    blocks = list(read_table(real / "imdb/aclImdb_subset.tar.gz").blocks(4000))
    places = Counter((split, label) for b in blocks for split, label in zip(b.splits, b.labels, strict=True))

    assert places == {
        ("train", "pos"): 5000, ("train", "neg"): 5000, ("test", "pos"): 2500, ("test", "neg"): 2500,
    }  # fmt: skip
    assert sum("<br />" in text for block in blocks for text in block.texts) == 8766
    assert all(id.startswith(f"{split}/") for b in blocks for id, split in zip(b.ids, b.splits, strict=True))


def test_sms_table_in_windows_1252(real):
    """The note names the first odd byte; bytes, spilled cells and the lines of the rows come out right."""
    table = read_table(real / "spam_sms/spam.csv")
    lines, texts, _ = read(table)

    assert "byte 0xE5 on line 7" in table.notes[0]
    assert lines[:2] == [2, 3]
    assert texts[95].endswith('FML, PO Box 5249, MK17 92H. 450Ppw 16"')  # commas that cut it into cells are back
    assert "£1.50 to rcv" in texts[5]


def test_mails_that_a_spreadsheet_mangled(real):
    """The two rows into which the ends of cells of 32,759 characters spilled are named, or left out and counted."""
    path = real / "spam_emails/emails_excel_mangled.csv.gz"
    with pytest.raises(InputError, match="line 1383: 108 cells with content in columns that have no name"):
        read(read_table(path))

    blocks = list(read_table(path, bad_rows="skip").blocks(1000))
    assert Counter(label for block in blocks for label in block.labels) == {"0": 4359, "1": 1368, None: 2}
    assert [row.line for block in blocks for row in block.bad] == [1383, 2654]


def test_block_size_changes_nothing(real):
    """Blocks of 7 rows hold the same rows as one of 100,000."""
    table = read_table(real / "disaster_tweets/test.csv")

    assert [len(block) for block in table.blocks(1000)] == [1000, 1000, 1000, 263]
    assert read(table, 7) == read(table, 100_000)


def test_several_files_are_one_table(tmp_path):
    """A pattern takes them by name; lines count on as if the files were one, columns may stand in another order."""
    (tmp_path / "a-1.csv").write_text("label,text\nham,one\nspam,two\n")
    (tmp_path / "a-2.csv").write_text("text,label\nthree,ham\n")
    (tmp_path / "b.csv").write_text("text,kind\nfour,ham\n")
    table = read_table(str(tmp_path / "a-*.csv"))

    assert table.stem == "a-1-and-1-more"
    assert read(table) == ([2, 3, 5], ["one", "two", "three"], ["ham", "spam", "ham"])
    assert read(read_table([tmp_path / "a-1.csv", tmp_path / "a-2.csv"])) == read(table)
    with pytest.raises(InputError, match=r"b.csv has no column 'label', which .*a-1.csv has"):
        read_table([tmp_path / "a-1.csv", tmp_path / "b.csv"])
    with pytest.raises(InputError, match="no file matches"):
        read_table(str(tmp_path / "c-*.csv"))


def test_source_says_how_the_rows_are_read(ten_csv):
    """Another label map, column or file is another source; the same is the same."""
    source = read_table(ten_csv).source()

    assert source == read_table(ten_csv).source()
    assert source["files"][0]["encoding"] == "utf-8"
    assert source["digest"] != read_table(ten_csv, label_map="ham=0,spam=1").source()["digest"]
    assert source["digest"] != read_table(ten_csv, bad_rows="skip").source()["digest"]


def test_broken_rows_are_skipped_counted_and_listed(tmp_path):
    """Wherever they stand, at the end too; the list has file, line, why, what to do, and the row."""
    (tmp_path / "a.csv").write_text("label,text\nx\nham,one\nham,two,2\nham,three\nspam,four\na,b,c\n")
    table = read_table(tmp_path / "a.csv", bad_rows=str(tmp_path / "bad.jsonl"))
    blocks = list(table.blocks(2))
    listed = [json.loads(line) for line in (tmp_path / "bad.jsonl").read_text().splitlines()]

    assert [block.texts for block in blocks] == [["one", "three"], ["four"]]
    assert sum(len(block.bad) for block in blocks) == 3
    assert [(row["line"], row["row"]) for row in listed] == [(2, "x"), (4, "ham,two,2"), (7, "a,b,c")]
    assert listed[0]["why"] == "1 cell where the header has 2"


def test_no_broken_row_no_list(ten_csv, tmp_path):
    """The file of broken rows is made only when there are some."""
    list(read_table(ten_csv, bad_rows=str(tmp_path / "bad.jsonl")).blocks(100))

    assert not (tmp_path / "bad.jsonl").exists()


def test_table_of_broken_rows_only(tmp_path):
    """There is nothing to encode."""
    (tmp_path / "a.csv").write_text("label,text\nham\nspam\n")

    with pytest.raises(InputError, match="line 2: 1 cell where"):
        read_table(tmp_path / "a.csv", bad_rows="skip")


def test_store_keeps_counts_of_what_was_odd(tmp_path):
    """Broken rows, texts with controls, empty ones and those emptied by the cleaning, in all parts together."""
    rows = "ham,a\x85b\nham,12\nham,\nx\nham,fine\n,none\ny\n"
    (tmp_path / "a.csv").write_text("label,text\n" + rows)
    recipe = toy_recipe(cleaning=("digits",))
    summary = embed(
        read_table(tmp_path / "a.csv", bad_rows="skip"), recipe, tmp_path / "a.h5", store=StoreOptions(part_rows=2)
    )

    found = {name: summary.totals[name] for name in ("rows", "bad_rows", "mojibake", "empty", "emptied", "unlabelled")}
    assert found == {"rows": 5, "bad_rows": 2, "mojibake": 1, "empty": 2, "emptied": 1, "unlabelled": 1}


def test_store_of_several_labels_with_ids_and_split(tmp_path):
    """The 0/1 matrix, -1 where a label is not known, the names, the ids as text and the split come back."""
    table = "id,comment,rude,loud,part\n0001,a,0,1,train\n1e5,b,1,,test\n007,c,0,0,train\n"
    (tmp_path / "a.csv").write_text(table)
    embed(read_table(tmp_path / "a.csv"), toy_recipe(), tmp_path / "a.h5", store=StoreOptions(part_rows=2))

    with FeatureStore(tmp_path / "a.h5") as store:
        store.verify()
        assert store.classes == ["rude", "loud"]
        assert store.codes.tolist() == [[0, 1], [1, -1], [0, 0]]
        assert store.labelled.tolist() == [True, False, True]
        assert store.ids[:] == ["0001", "1e5", "007"]
        assert store.splits[:] == ["train", "test", "train"]
        assert [block.ids for block in store.blocks(2)] == [["0001", "1e5"], ["007"]]


def test_cleaning_is_part_of_the_identity(ten_csv, ten_store):
    """With other steps every text is encoded again, as it is after them, and the store holds it so."""
    recipe = toy_recipe(cleaning=("lower", "spaces"))
    embed(read_table(ten_csv), recipe, ten_store.with_name("clean.h5"))

    assert len(recipe.encoder.seen) == 8
    with FeatureStore(ten_store.with_name("clean.h5")) as store:
        store.verify()
        assert store.texts[:] == [" ".join(text.lower().split()) for _, text in TEN_ROWS]
        assert store.identity["cleaning"] == ["lower", "spaces"]


def test_missing_file_and_empty_folder(tmp_path):
    """Each is said in words."""
    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="holds no files"):
        read_table(tmp_path)
