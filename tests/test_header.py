"""Whether the first row names the columns: compared with the rows below it, said, or refused with both readings."""

import csv
import io

import pytest
from helpers.toy import read

from embed import read_table
from embed.reading.header import judge_first_row
from stores import InputError

WORDS = "wind rain stone river light cloud grass ember frost tide".split()


def sentence(i):
    """A text of seven words, another for each number."""
    return f"the {WORDS[i % 10]} of {WORDS[i // 10 % 10]} was seen {i}"


def written(path, rows, **form):
    """The path of a file with these rows."""
    file = io.StringIO()
    csv.writer(file, lineterminator="\n", **form).writerows(rows)
    path.write_text(file.getvalue(), encoding="utf-8")
    return path


def test_first_class_that_occurs_again_is_no_header(tmp_path):
    """As in the SMS spam collection: tabs, no header, no ending of the name; quotes belong to the texts."""
    rows = [("ham" if i % 3 else "spam", '"' * (i == 4) + sentence(i)) for i in range(30)]
    (tmp_path / "SMSSpamCollection").write_text("".join("\t".join(row) + "\n" for row in rows))
    table = read_table(tmp_path / "SMSSpamCollection")
    lines, texts, labels = read(table)

    assert lines == list(range(1, 31))
    assert (labels[0], texts[0], texts[4]) == ("spam", sentence(0), '"' + sentence(4))
    assert "has no header: 'spam' in column 1 occurs again below" in " ".join(table.notes)
    assert "`header=True` decides otherwise" in " ".join(table.notes)


def test_number_and_texts_in_the_first_row_are_no_header(tmp_path):
    """As in AG News: class, title and description, all quoted."""
    rows = [(str(i % 4 + 1), f"Wind of change {i}", f"{sentence(i)} and {sentence(i + 1)}") for i in range(40)]
    table = read_table(written(tmp_path / "train.csv", rows, quoting=csv.QUOTE_ALL))

    assert table.columns.text == "3"
    assert read(table)[2] == [row[0] for row in rows]


@pytest.mark.parametrize(
    ("first", "below", "header"),
    [
        (["label", "text"], [["ham", sentence(i)] for i in range(5)], True),
        (["v1", "v2", "", ""], [["ham", sentence(i), "", ""] for i in range(5)], True),
        (["ham", sentence(0)], [["ham", sentence(i)] for i in range(1, 9)], False),
        (["0", "1467810369", "NO_QUERY", sentence(0)], [["0", str(i), "NO_QUERY", sentence(i)] for i in range(9)],
         False),
        ([sentence(0), "OTHER", "OTHER"], [[sentence(i), ("OTHER", "ABUSE")[i % 2], "OTHER"] for i in range(9)], False),
        (["0", "1"], [[sentence(i), "ham"] for i in range(5)], True),  # pandas counts columns that have no names
        (["Timestamp", "How do you feel about the new office, in a few words?", "Score"],
         [[f"2024/05/0{i} 9:1{i}", sentence(i), str(i)] for i in range(1, 9)], True),  # a form's question
        (["nr", "words_of_it", "kind"], [[str(i), sentence(i), "xy"[i % 2]] for i in range(8)], True),
        (["review", sentence(0)], [[("review", "news")[i % 2], sentence(i)] for i in range(8)], False),
        (["date", "x"], [["2024-01-02", "3,5"], ["2024-01-03", "4,5"]], True),
        (["hello"], [["you"], ["there"]], None),
        ([sentence(0)], [], None),
        (["text"], [], True),
    ],
)  # fmt: skip
def test_first_row_is_judged_by_the_others(first, below, header):
    """True, False, or None where both are likely."""
    assert judge_first_row(first, below).header is header


def test_doubtful_first_row_is_refused_with_both_readings(tmp_path):
    """The row is shown, and each of the two answers works."""
    (tmp_path / "a.csv").write_text("hello\nyou\nthere\n")

    with pytest.raises(
        InputError, match="the first row .hello. may name the columns or be data: .*`header=True` or `header=False`"
    ):
        read_table(tmp_path / "a.csv")
    assert read(read_table(tmp_path / "a.csv", header=True))[1] == ["you", "there"]
    assert read(read_table(tmp_path / "a.csv", header=False))[1] == ["hello", "you", "there"]


def test_unusual_header_is_said(tmp_path):
    """Why it is one, and what decides otherwise; usual names need no word."""
    rows = [(str(i), sentence(i), "xy"[i % 2]) for i in range(8)]
    table = read_table(written(tmp_path / "a.csv", [("q", "words", "kind"), *rows]))

    assert "has a header: 'q' stands over numbers; `header=False` decides otherwise" in table.notes[0]
    assert read(table)[1] == [row[1] for row in rows]
    assert read_table(written(tmp_path / "b.csv", [("id", "text", "label"), *rows])).notes == []


def test_cell_of_a_header_over_several_lines(tmp_path):
    """The rows begin behind it."""
    (tmp_path / "a.csv").write_text('"label\n(ours)",text\nham,one two three\nspam,four five six\n')

    assert read(read_table(tmp_path / "a.csv", label_columns=["label\n(ours)"]))[0] == [3, 4]
