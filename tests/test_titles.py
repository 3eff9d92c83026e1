"""Lines above the header: recognised where usual names stand below them, else refused with how many there are."""

import pytest
from helpers.workbooks import write_xlsx

from embed import read_table
from stores.shared.errors import InputError

WORDS = "rain snow wind hail sun fog".split()
TABLE = [[word, f"a text of {word} and more"] for word in WORDS] * 3


def table(above, names, delimiter=","):
    """Lines, then a header, then rows."""
    return above + "".join(delimiter.join(row) + "\n" for row in [names, *TABLE])


@pytest.mark.parametrize(
    "above", ["Report\n", "Report of 2024\n\n", "Report,\n", "# made by x\n# on monday\n", "a,b\n"]
)
def test_usual_names_below_a_title_are_the_header(tmp_path, above):
    """The title is left out, and said."""
    (tmp_path / "a.csv").write_text(table(above, ["label", "text"]))

    read = read_table(tmp_path / "a.csv")

    assert "`skip_rows=0` decides otherwise" in read.notes[0]
    (rows,) = read.blocks(99)
    assert (rows.labels, rows.texts) == tuple(map(list, zip(*TABLE, strict=True)))
    assert rows.line[0] == above.count("\n") + 2


@pytest.mark.parametrize(("above", "skip"), [("Report\n", 1), ("Report\n\n", 2), ("Report,\n", 1)])
def test_a_title_above_unusual_names_is_refused_with_how_many_lines_to_skip(tmp_path, above, skip):
    """And with these it works."""
    (tmp_path / "a.csv").write_text(table(above, ["kind", "words"]))

    with pytest.raises(InputError, match=f"names 1 of 2 columns; give `skip_rows={skip}`"):
        read_table(tmp_path / "a.csv")
    (rows,) = read_table(tmp_path / "a.csv", skip_rows=skip).blocks(99)
    assert rows.texts == [text for _, text in TABLE]


def test_rows_that_hold_usual_names_are_rows(tmp_path):
    """A message that says "text" does not begin a table: its label stands above and below, too."""
    rows = [*TABLE[:3], ["rain", "text"], *TABLE]
    (tmp_path / "a.csv").write_text("".join(",".join(row) + "\n" for row in rows))

    (read,) = read_table(tmp_path / "a.csv").blocks(99)

    assert len(read) == len(rows)


def test_workbooks(tmp_path):
    """Likewise, by rows of the sheet."""
    write_xlsx(tmp_path / "a.xlsx", {"S": [["Report"], [], ["label", "text"], *TABLE]})
    write_xlsx(tmp_path / "b.xlsx", {"S": [["Report"], ["kind", "words"], *TABLE]})

    read = read_table(tmp_path / "a.xlsx")
    (rows,) = read.blocks(99)

    assert "are in row 3" in read.notes[0]
    assert (rows.labels, rows.texts) == tuple(map(list, zip(*TABLE, strict=True)))
    with pytest.raises(InputError, match="names 1 of 2 columns; give `skip_rows=1`"):
        read_table(tmp_path / "b.xlsx")
    assert len(next(read_table(tmp_path / "b.xlsx", skip_rows=1).blocks(99))) == len(TABLE)


@pytest.mark.parametrize(
    ("data", "skip", "message"),
    [
        (table("", ["label", "text"]), 99, "`skip_rows=99`: .* has no more than that"),
        (table("", ["label", "text"]), -1, "`skip_rows=-1`: give how many lines"),
        ('{"text": "a"}\n', 1, "is for CSV and workbooks"),
    ],
)
def test_what_cannot_be_skipped(tmp_path, data, skip, message):
    """One line."""
    (tmp_path / "a.csv").write_text(data)

    with pytest.raises(InputError, match=message):
        read_table(tmp_path / "a.csv", skip_rows=skip)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ('[{"text": "a"}]\n[{"text": "b"}]', "something stands behind the array"),
        ('{"a": {"p": "rain", "q": "1"}, "b": {"p": "sun", "q": "2"}}', "a, b and p, q may both be the names"),
        ('{"rain is wet": "bad", "sun is warm": "good"}', "is one JSON object, but no table"),
    ],
)
def test_json_that_would_be_misread_is_refused(tmp_path, data, message):
    """A second array, an object that may be read in two ways, one whose keys are the texts."""
    (tmp_path / "a.json").write_text(data)

    with pytest.raises(InputError, match=message):
        list(read_table(tmp_path / "a.json").blocks(9))


def test_rows_by_name_are_rows_however_few(tmp_path):
    """``DataFrame.to_json(orient="index")`` of two rows and two columns: the usual names are the columns."""
    (tmp_path / "a.json").write_text(
        '{"a": {"label": "wet", "text": "it rains"}, "b": {"label": "dry", "text": "sun"}}'
    )

    (rows,) = read_table(tmp_path / "a.json").blocks(9)

    assert (rows.labels, rows.texts) == (["wet", "dry"], ["it rains", "sun"])
