"""Tables in workbooks, databases, JSON and Parquet; rows counted by hand."""

import json
import sqlite3

import pyarrow as pa
import pyarrow.parquet
import pytest
from helpers.old_workbook import write_xls
from helpers.toy import read
from helpers.workbooks import write_ods, write_xlsx

from embed import read_table
from stores import InputError

TEXTS = ["the wind came up", "rain again today", "a stone in the river", "light on the grass", "frost at the gate"]
LABELS = ["calm", "wet", "calm", "wet", "calm"]
ROWS = list(map(list, zip(TEXTS, LABELS, strict=True)))


def test_workbook_of_one_sheet(tmp_path):
    """Whole numbers without a point, booleans; a row's line is its number on the sheet, empty rows are none."""
    rows = [["text", "label", "n"], [TEXTS[0], True, 3], [], [TEXTS[1], False, 2.5]]
    table = read_table(write_xlsx(tmp_path / "a.xlsx", {"One": rows, "Empty": []}))
    (block,) = table.blocks(9)

    assert (block.line.tolist(), block.texts, block.labels) == ([2, 4], TEXTS[:2], ["true", "false"])
    numbers = read_table(tmp_path / "a.xlsx", id_column="n")
    assert next(numbers.blocks(9)).ids == ["3", "2.5"]


def test_sheets_are_asked_for(tmp_path):
    """Where several hold cells; the advice works."""
    write_xlsx(tmp_path / "a.xlsx", {"Old": [["text"], ["no"]], "New": [["text", "label"], *ROWS]})

    with pytest.raises(InputError, match="several sheets with cells: 'Old', 'New'; give `sheet='Old'`"):
        read_table(tmp_path / "a.xlsx")
    assert read(read_table(tmp_path / "a.xlsx", sheet="New"))[1:] == (TEXTS, LABELS)
    with pytest.raises(InputError, match="no sheet 'Third'; it has: Old, New"):
        read_table(tmp_path / "a.xlsx", sheet="Third")


def test_workbook_without_a_header_and_with_row_numbers(tmp_path):
    """As in CSV: the first row is compared with the others, and numbers of rows are left out."""
    write_xlsx(tmp_path / "a.xlsx", {"One": ROWS * 4})
    assert read(read_table(tmp_path / "a.xlsx"))[2] == LABELS * 4
    write_xlsx(tmp_path / "b.xlsx", {"One": [["", "text", "label"], *([i, *row] for i, row in enumerate(ROWS))]})
    table = read_table(tmp_path / "b.xlsx")
    assert (table.files[0].header, read(table)[1]) == (["text", "label"], TEXTS)


def test_spreadsheet_of_libreoffice(tmp_path):
    """Under its own name and under another."""
    rows = [["text", "label"], *ROWS]
    assert read(read_table(write_ods(tmp_path / "a.ods", rows)))[1:] == (TEXTS, LABELS)
    (tmp_path / "other").write_bytes((tmp_path / "a.ods").read_bytes())
    assert read(read_table(tmp_path / "other"))[1:] == (TEXTS, LABELS)


def test_old_workbook(tmp_path):
    """.xls, as Excel 97 wrote it."""
    write_xls(tmp_path / "a.xls", [["text", "label"], *ROWS])

    assert read(read_table(tmp_path / "a.xls"))[1:] == (TEXTS, LABELS)


@pytest.fixture
def database(tmp_path):
    """A table, and a view of some of it."""
    path = tmp_path / "a.db"
    with sqlite3.connect(path) as connection:
        connection.execute("create table posts (id integer primary key, text, label, score real)")
        rows = [(text, label, i / 2) for i, (text, label) in enumerate(ROWS)]
        connection.executemany("insert into posts (text, label, score) values (?, ?, ?)", rows)
    connection.close()
    return path


def test_database_with_one_table(database):
    """Its only table; rows are numbered."""
    table = read_table(database)

    assert read(table) == ([1, 2, 3, 4, 5], TEXTS, LABELS)
    assert table.columns.id == "id"


def test_table_view_and_query_of_a_database(database):
    """A table is asked for where there are several; a query may select anything."""
    with sqlite3.connect(database) as connection:
        connection.execute("create view wet as select text, label from posts where label = 'wet'")
    connection.close()

    with pytest.raises(InputError, match="several tables: 'posts', 'wet'; give `table='posts'` or a `query`"):
        read_table(database)
    assert read(read_table(database, table="wet"))[1] == [TEXTS[1], TEXTS[3]]
    chosen = read_table(database, query="select upper(text) as text, label from posts order by id desc limit 2")
    assert read(chosen)[1] == [TEXTS[4].upper(), TEXTS[3].upper()]


@pytest.mark.parametrize(
    "query",
    ["delete from posts", "drop table posts", "attach 'b.db' as b", "pragma journal_mode=wal", "select * from x", "no"],
)
def test_queries_only_read(database, query):
    """Anything else is one line, and the file stays as it is."""
    before = database.read_bytes()
    with pytest.raises(InputError) as error:
        read_table(database, query=query)

    assert "\n" not in str(error.value)
    assert database.read_bytes() == before
    assert sorted(path.name for path in database.parent.iterdir()) == ["a.db"]


FRAMES = {
    "columns": {"text": dict(enumerate(TEXTS)), "label": dict(enumerate(LABELS))},
    "index": {i: {"text": text, "label": label} for i, (text, label) in enumerate(ROWS)},
    "split": {"columns": ["text", "label"], "index": [0, 1, 2, 3, 4], "data": ROWS},
    "table": {
        "schema": {"fields": [{"name": "index"}, {"name": "text"}, {"name": "label"}], "primaryKey": ["index"]},
        "data": [{"index": i, "text": text, "label": label} for i, (text, label) in enumerate(ROWS)],
    },
    "records": [{"text": text, "label": label} for text, label in ROWS],
    "lists": {"text": TEXTS, "label": LABELS},
    "wrapped": {"version": "1", "data": [{"text": text, "label": label} for text, label in ROWS]},
}  # fmt: skip


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("orientation", FRAMES)
def test_data_frames_as_json(tmp_path, orientation, indent):
    """Each orientation of ``DataFrame.to_json``, and two that others write; on one line or on many."""
    (tmp_path / "a.json").write_text(json.dumps(FRAMES[orientation], indent=indent))

    assert read(read_table(tmp_path / "a.json"))[1:] == (TEXTS, LABELS)


def test_data_frame_of_values_alone(tmp_path):
    """Columns have numbers, as in a table without a header."""
    (tmp_path / "a.json").write_text(json.dumps(ROWS))
    table = read_table(tmp_path / "a.json", label_columns=["2"])

    assert (table.columns.text, read(table)[1:]) == ("1", (TEXTS, LABELS))


def test_json_object_that_is_no_table(tmp_path):
    """It is refused."""
    (tmp_path / "a.json").write_text('{\n "version": 1,\n "name": "x"\n}\n')

    with pytest.raises(InputError, match="one JSON object, but no table"):
        read_table(tmp_path / "a.json")


def test_fields_inside_others_are_asked_for(tmp_path):
    """In JSON and Parquet; the field is named, and the advice works."""
    rows = [{"review": {"title": "x", "body": text}, "stars": i % 2 + 1} for i, text in enumerate(TEXTS)]
    pa.parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for name in ("a.parquet", "a.jsonl"):
        with pytest.raises(InputError, match="field 'review.body' inside another; give `text_column='review.body'`"):
            read_table(tmp_path / name)
        table = read_table(tmp_path / name, text_column="review.body")
        assert read(table)[1:] == (TEXTS, ["1", "2", "1", "2", "1"])


def hugging_face(names, several):
    """The metadata in which a data set declares the names of its classes."""
    label = {"names": names, "_type": "ClassLabel"}
    features = {"labels": {"feature": label, "_type": "Sequence"}} if several else {"label": label}
    return {b"huggingface": json.dumps({"info": {"features": features}}).encode()}


def test_class_labels_of_hugging_face(tmp_path):
    """Numbers become names, one a row or several; one below 0 is missing."""
    table = pa.table({"text": TEXTS, "label": [0, 1, 0, 1, -1]})
    pa.parquet.write_table(table.replace_schema_metadata(hugging_face(["calm", "wet"], False)), tmp_path / "a.parquet")
    assert read(read_table(tmp_path / "a.parquet"))[2] == ["calm", "wet", "calm", "wet", None]

    table = pa.table({"text": TEXTS, "labels": [[0, 2], [1], [], [2], [0, 1]]})
    pa.parquet.write_table(table.replace_schema_metadata(hugging_face(["a", "b", "c"], True)), tmp_path / "b.parquet")
    (block,) = read_table(tmp_path / "b.parquet").blocks(9)
    assert block.label_names == ["a", "b", "c"]
    assert block.labels.tolist() == [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1], [1, 1, 0]]

    pa.parquet.write_table(table, tmp_path / "c.parquet")
    assert next(read_table(tmp_path / "c.parquet").blocks(9)).label_names == ["0", "1", "2"]


def test_lists_of_one_label_each_are_one_label_a_row(tmp_path):
    """In Parquet and CSV, by name or number; null is missing; a single longer list anywhere makes them several."""
    table = pa.table({"text": TEXTS, "labels": [[0], [1], [0], None, [1]]})
    pa.parquet.write_table(table.replace_schema_metadata(hugging_face(["calm", "wet"], True)), tmp_path / "a.parquet")
    one = read_table(tmp_path / "a.parquet")
    assert read(one)[2] == ["calm", "wet", "calm", None, "wet"]
    assert "'labels' are lists of one label: it is the row's; `label_separator=','` decides otherwise" in one.notes[-1]
    (block,) = read_table(tmp_path / "a.parquet", label_separator=",").blocks(9)
    assert (block.label_names, block.labels[0].tolist()) == (["calm", "wet"], [1, 0])

    (tmp_path / "a.csv").write_text("text,label\none,['a']\ntwo,['b']\nthree,['a']\n")
    assert read(read_table(tmp_path / "a.csv"))[2] == ["a", "b", "a"]
    assert read(read_table(tmp_path / "a.csv", label_map="a=x,*=*"))[2] == ["x", "b", "x"]

    labels = [["a"], ["b"]] * 3000 + [["a", "b"]]
    pa.parquet.write_table(pa.table({"text": TEXTS * 1200 + ["fog"], "label": labels}), tmp_path / "b.parquet")
    assert read_table(tmp_path / "b.parquet").rule.names == ["a", "b"]
