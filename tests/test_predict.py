"""``tk predict``: new texts are read as the run's own were, empty ones are marked, nothing is guessed."""

import csv
import io
import json

import pytest
from helpers.commands import ROWS, tk
from helpers.toy import write_csv

from embed import read_table
from stores import InputError

RUN = "runs/messages.static.logistic"


def predicted(*args, **options):
    """The rows of a result in CSV."""
    return list(csv.DictReader(io.StringIO(tk("predict", "--run", RUN, *args, **options).stdout)))


def test_texts_are_where_those_of_the_run_were(trained):
    """By the name of the column; a column with a more usual name or longer cells is not looked at."""
    rows = [("x" * 90, "WIN cash 3", "see you 4"), ("y" * 90, "see you 4", "WIN cash 3")]
    with open("new.csv", "w") as file:
        csv.writer(file).writerows([("message", "text", "comment"), *rows])
    assert [row["predicted"] for row in predicted("--data", "new.csv")] == ["spam", "ham"]

    assert [row["predicted"] for row in predicted("--data", "new.csv", "--text-column", "comment")] == ["ham", "spam"]


@pytest.mark.slow
def test_several_text_columns_are_joined_as_those_of_the_run_were(in_tmp):
    """With the separator of then; a table that lacks one of them is refused."""
    rows = [(label, text, "nothing new") for label, text in ROWS]
    for name, header in (("a.csv", ("label", "title", "body")), ("b.csv", ("label", "title", "other"))):
        with open(name, "w", newline="") as file:
            csv.writer(file).writerows([header, *rows])
    joined = ["--text-column", "title", "--text-column", "body", "--text-separator", " / "]
    tk("embed", "a.csv", *joined, "--out", "a.h5")
    tk("classify", "a.h5", "--cv", "2", "--no-report", "--out", "run")
    found = json.loads(tk("predict", "run", "a.csv", "--with-text", "--json").stdout)

    assert [row["text"] for row in found] == [f"{text} / nothing new" for _, text in ROWS]
    assert "has no column 'title', 'body'" in tk("predict", "run", "b.csv", code=2).stderr


def test_missing_column_is_refused_and_the_advice_works(trained):
    """Naming what is there; never the nearest column."""
    write_csv(trained / "new.csv", [("ham", "WIN cash 3")], header=("label", "body"))
    refused = tk("predict", "--run", RUN, "--data", "new.csv", code=2)

    assert refused.stdout == ""
    assert refused.stderr.splitlines()[-1] == (
        "Error: new.csv has no column 'text', in which the texts of the run were; it has: label, body; "
        "name the column with the texts in --text-column"
    )
    assert predicted("--data", "new.csv", "--text-column", "body")[0]["predicted"] == "spam"


def test_forms_without_names_of_columns_need_none(trained):
    """One text a line, a folder of texts, and standard input."""
    (trained / "new.txt").write_text("WIN cash 3\nsee you 4\n")
    (trained / "texts").mkdir()
    for name, text in (("1.txt", "WIN cash 3"), ("2.txt", "see you 4")):
        (trained / "texts" / name).write_text(text)
    for data in ("new.txt", "texts"):
        assert [row["predicted"] for row in predicted("--data", data)] == ["spam", "ham"]
    piped = tk("predict", RUN, "-", "--format", "lines", input="WIN cash 3\nsee you 4\n").stdout
    assert [row["predicted"] for row in csv.DictReader(io.StringIO(piped))] == ["spam", "ham"]


def test_columns_of_merged_tables(tmp_path):
    """Each of them is known; where a table has two of them, it is asked."""
    source = {"stores": [{"columns": {"text": "body"}}, {"columns": {"text": "message"}}]}
    write_csv(tmp_path / "a.csv", [("x", "see you")], header=("label", "message"))
    assert read_table(tmp_path / "a.csv", like=source).columns.text == "message"
    write_csv(tmp_path / "b.csv", [("x", "see you")], header=("body", "message"))
    with pytest.raises(InputError, match="has several columns in which texts of the run were: 'body' or 'message'"):
        read_table(tmp_path / "b.csv", like=source)


def test_run_that_does_not_know_its_columns(tmp_path):
    """Of features that were made elsewhere: a table of one column is clear, another is asked for it."""
    (tmp_path / "one.csv").write_text("message\nsee you\n")
    write_csv(tmp_path / "two.csv", [("x", "see you")])

    assert read_table(tmp_path / "one.csv", like={"file": "made"}).columns.text == "message"
    with pytest.raises(InputError, match="does not say which column its texts were in; .*`text_column`"):
        read_table(tmp_path / "two.csv", like={"file": "made"})


@pytest.mark.slow
def test_table_without_a_header(in_tmp):
    """A run of a table without a header predicts such tables; where a header is seen, the advice works."""
    (in_tmp / "a.csv").write_text("".join(f"{label},{text}\n" for label, text in ROWS))
    tk("embed", "--data", "a.csv", "--no-header", "--out", "a.h5")
    tk("classify", "--features", "a.h5", "--cv", "2", "--no-report", "--out", "run")
    (in_tmp / "new.csv").write_text("spam,WIN cash 3\nham,see you 4\n")
    result = tk("predict", "--run", "run", "--data", "new.csv", "--no-header").stdout

    assert [row["predicted"] for row in csv.DictReader(io.StringIO(result))] == ["spam", "ham"]
    assert [row["line"] for row in csv.DictReader(io.StringIO(result))] == ["1", "2"]
    assert "give --no-header if its first row is data" in tk("predict", "run", "new.csv", code=2).stderr
    assert tk("predict", "run", "a.csv").stdout.count("\n") == len(ROWS) + 1  # of many rows it is found
    write_csv(in_tmp / "named.csv", [("spam", "WIN cash 3"), ("ham", "see you 4")])
    assert "has no column '2', in which the texts of the run were" in tk("predict", "run", "named.csv", code=2).stderr


@pytest.mark.slow
def test_empty_texts_are_marked_and_have_no_prediction(trained):
    """An empty text, one of blanks, and one that the cleaning empties; they are counted."""
    tk("embed", "--data", "messages.csv", "--clean", "digits", "--out", "clean.h5")
    tk("classify", "--features", "clean.h5", "--cv", "2", "--no-report", "--out", "clean")
    write_csv(trained / "new.csv", [("", "WIN cash 3"), ("", ""), ("", "  "), ("", "123")])
    result = tk("predict", "--run", "clean", "--data", "new.csv")
    rows = list(csv.DictReader(io.StringIO(result.stdout)))

    assert [row["empty"] for row in rows] == ["0", "1", "1", "1"]
    assert [row["predicted"] for row in rows] == ["spam", "", "", ""]
    assert rows[1]["p_ham"] == rows[1]["p_spam"] == ""
    assert float(rows[0]["p_ham"]) + float(rows[0]["p_spam"]) == pytest.approx(1)
    assert "3 empty texts have no prediction (column empty)" in result.stderr
    found = json.loads(tk("predict", "--run", "clean", "--text", "", "--json").stdout)
    assert found == [{"text": "", "predicted": None, "p_ham": None, "p_spam": None, "empty": True}]


def test_text_beside_its_prediction(trained):
    """As it stands in the table, not as it was cleaned."""
    write_csv(trained / "new.csv", [("", 'WIN "cash"\n3'), ("", "see you 4")])

    assert [row["text"] for row in predicted("--data", "new.csv", "--with-text")] == ['WIN "cash"\n3', "see you 4"]


def test_formulas_are_texts_for_spreadsheets_when_asked(trained):
    """An apostrophe before each cell that would be computed; by default nothing is changed."""
    texts = ["=cmd|' /C calc'!A0", "+1", "-1", "@SUM(A1)", "WIN = cash", "\t=1"]
    args = [arg for text in texts for arg in ("--text", text)]

    assert [row["text"] for row in predicted(*args)] == texts
    safe = [row["text"] for row in predicted(*args, "--csv-safe")]
    assert safe == ["'=cmd|' /C calc'!A0", "'+1", "'-1", "'@SUM(A1)", "WIN = cash", "'\t=1"]


def test_forms_of_the_result(trained):
    """A table, an object a line, an array: the same rows in each."""
    args = ["--data", "messages.csv"]
    table = predicted(*args)
    lines = [json.loads(line) for line in tk("predict", "--run", RUN, *args, "--to", "jsonl").stdout.splitlines()]
    array = json.loads(tk("predict", "--run", RUN, *args, "--json").stdout)

    assert lines == array
    assert [str(row["p_spam"]) for row in lines] == [row["p_spam"] for row in table]
    assert array[0].keys() == table[0].keys() == {"line", "predicted", "p_ham", "p_spam", "empty"}


def test_run_and_files_as_arguments(trained):
    """``tk predict RUN FILE``, as people type it."""
    assert tk("predict", RUN, "messages.csv").stdout == tk("predict", "--run", RUN, "--data", "messages.csv").stdout
    assert tk("predict", RUN, "--text", "WIN cash 3").stdout.splitlines()[1].startswith("WIN cash 3,spam,")
    assert "give a run: tk predict RUN" in tk("predict", "--text", "a", code=2).stderr
