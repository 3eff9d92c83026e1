"""Tables: the real ones with their counts, and every way in which one can be odd."""

import csv
import gzip
from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from embed import read_table
from stores import InputError

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0\r"))


def read(table, rows=1000):
    """All lines, texts and labels of a table."""
    blocks = list(table.blocks(rows))
    lines = np.concatenate([block.line for block in blocks]).tolist()
    return lines, [t for block in blocks for t in block.texts], [label for block in blocks for label in block.labels]


@pytest.mark.parametrize(
    ("name", "columns", "counts"),
    [
        ("spam_sms/spam.csv", ("v2", "v1"), {"ham": 4825, "spam": 747}),
        ("spam_emails/emails.csv.gz", ("text", "spam"), {"0": 4360, "1": 1368}),
        ("disaster_tweets/train.csv", ("text", "target"), {"0": 4342, "1": 3271}),
        ("disaster_tweets/test.csv", ("text", None), {None: 3263}),
        ("jigsaw/train_small_bom.csv", ("comment_text", "toxic"), {"0": 85, "1": 14}),
    ],
)
def test_real_table_is_read_as_it_is(real, name, columns, counts):
    """The columns are found, and no row or label is lost."""
    table = read_table(real / name)
    lines, texts, labels = read(table)

    assert (table.columns.text, table.columns.label) == columns
    assert Counter(labels) == counts
    assert len(texts) == len(set(lines)) == sum(counts.values())


def test_sms_table_in_windows_1252(real):
    """The note names the first odd byte; bytes, spilled cells and the lines of the rows come out right."""
    table = read_table(real / "spam_sms/spam.csv")
    lines, texts, _ = read(table)

    assert table.encoding == "cp1252"
    assert "byte 0xE5 on line 7" in table.notes[0]
    assert lines[:2] == [2, 3]
    assert texts[95].endswith('FML, PO Box 5249, MK17 92H. 450Ppw 16"')  # commas that cut it into cells are back
    assert "£1.50 to rcv" in texts[5]


def test_same_rows_as_the_csv_module(real):
    """On the tweets, line breaks in 435 cells included, every text is what Python's csv module reads."""
    with open(real / "disaster_tweets/train.csv", newline="", encoding="utf-8") as file:
        expected = [row["text"] for row in csv.DictReader(file)]

    assert read(read_table(real / "disaster_tweets/train.csv"))[1] == expected


def test_block_size_changes_nothing(real):
    """Blocks of 7 rows hold the same rows as one of 100,000."""
    table = read_table(real / "disaster_tweets/test.csv")

    assert read(table, 7) == read(table, 100_000)


@given(st.lists(st.tuples(st.sampled_from(["ham", "spam"]), ANY_TEXT), min_size=1, max_size=6))
def test_any_text_comes_back(tmp_path_factory, rows):
    """Whatever Python's csv module writes is read back: quotes, commas, line breaks, any character."""
    path = tmp_path_factory.mktemp("any") / "any.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("label", "text"), *rows])

    _, texts, labels = read(read_table(path))

    assert list(zip(labels, texts, strict=True)) == rows


def test_tsv_semicolons_bom_and_gzip(tmp_path):
    """The delimiter is found in the header, the byte-order mark is no part of a name, gzip is unpacked."""
    (tmp_path / "a.tsv").write_text("label\ttext\nham\tone, two\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("label;text\nham;one, two\n", encoding="utf-8-sig")
    with gzip.open(tmp_path / "c.csv.gz", "wt", encoding="utf-8") as file:
        file.write('label,text\nham,"one, two"\n')

    for name in ("a.tsv", "b.csv", "c.csv.gz"):
        assert read(read_table(tmp_path / name)) == ([2], ["one, two"], ["ham"])


def test_undefined_bytes_of_windows_1252_become_controls(tmp_path):
    """0x81 has no character in Windows-1252; as in browsers it becomes U+0081, and nothing is lost."""
    (tmp_path / "a.csv").write_bytes(b"label,text\nham,a\x81b\xe9\n")

    assert read(read_table(tmp_path / "a.csv"))[1] == ["a\x81bé"]


def test_columns_are_found_by_content(tmp_path):
    """Without usual names: the longest cells are the text, the column with few values is the label."""
    rows = "".join(f"{i},this is message number {i},{'x' if i % 2 else 'y'}\n" for i in range(8))
    (tmp_path / "a.csv").write_text("nr,words_of_it,kind\n" + rows)
    columns = read_table(tmp_path / "a.csv").columns

    assert (columns.text, columns.label) == ("words_of_it", "kind")
    assert "2 different values" in columns.reasons[1]


def test_no_label_column_is_no_error(tmp_path):
    """A table of texts alone can be embedded and predicted."""
    (tmp_path / "a.csv").write_text("text\nhello\nyou\n")

    assert read(read_table(tmp_path / "a.csv")) == ([2, 3], ["hello", "you"], [None, None])


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, "is empty"),
        (b"label,text\n", {}, "header but no rows"),
        (b"label,text\nham,a,b\n", {}, "line 2: 3 cells where the header has 2"),
        (b"label,text\nham,ok\n\nham\n", {}, "line 4: 1 cell where the header has 2"),
        (b'label,text\nham,ok\nham,"never closed\nspam,x\n', {}, "line 3: a quote opens in this row"),
        (b"label,text\nham,\x00\x01\n", {}, "NUL bytes"),
        (b"label,text\nham,a\n", {"text_column": "body"}, "no column 'body' .*it has: label, text"),
        (b"label,text\nham,a\n", {"label_column": "y"}, "no column 'y'"),
        (b"label,text\nham,\xe9\n", {"encoding": "utf-8"}, "is not utf-8.*--encoding"),
        (b"label,text\nham,a\n", {"encoding": "klingon"}, "no such encoding"),
    ],
)
def test_broken_table_is_one_clear_line(tmp_path, content, options, message):
    """What is wrong, on which line, and what to do."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        read(read_table(path, **options))


def test_missing_file_folder_and_broken_gzip(tmp_path):
    """Each is said in words."""
    with gzip.open(tmp_path / "a.csv.gz", "wb") as file:
        file.write(b"label,text\nham," + np.random.default_rng(0).bytes(5000).hex().encode())
    (tmp_path / "cut.csv.gz").write_bytes((tmp_path / "a.csv.gz").read_bytes()[:2000])
    (tmp_path / "no.csv.gz").write_bytes(b"label,text\n")

    with pytest.raises(InputError, match="no such file"):
        read_table(tmp_path / "none.csv")
    with pytest.raises(InputError, match="is a folder"):
        read_table(tmp_path)
    for name in ("cut.csv.gz", "no.csv.gz"):
        for encoding in (None, "latin-1"):
            with pytest.raises(InputError, match="is damaged"):
                read_table(tmp_path / name, encoding=encoding)
