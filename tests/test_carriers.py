"""Tables in workbooks, databases, data frames as JSON, archives, folders and plain text; rows counted by hand."""

import io
import json
import sqlite3
import sys
import tarfile
import zipfile

import pyarrow as pa
import pyarrow.parquet
import pytest
from helpers.old_workbook import write_xls
from helpers.toy import read

from embed import read_table
from stores import InputError

TEXTS = ["the wind came up", "rain again today", "a stone in the river", "light on the grass", "frost at the gate"]
LABELS = ["calm", "wet", "calm", "wet", "calm"]


def sheet_xml(rows):
    """A sheet of .xlsx whose cells are texts, numbers and booleans."""
    lines = []
    for number, row in enumerate(rows, 1):
        cells = ""
        for column, value in zip("ABCDEF", row, strict=False):
            if isinstance(value, bool):
                cells += f'<c r="{column}{number}" t="b"><v>{int(value)}</v></c>'
            elif isinstance(value, float | int):
                cells += f'<c r="{column}{number}"><v>{value}</v></c>'
            elif value:
                cells += f'<c r="{column}{number}" t="inlineStr"><is><t>{value}</t></is></c>'
        lines.append(f'<row r="{number}">{cells}</row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    return f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>'


def write_xlsx(path, sheets):
    """The smallest workbook with these sheets (name -> rows) that Excel would open."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    listing = "".join(f'<sheet name="{name}" sheetId="{i}" r:id="rId{i}"/>' for i, name in enumerate(sheets, 1))
    links = "".join(
        f'<Relationship Id="rId{i}" Type="{office}/worksheet" Target="worksheets/sheet{i}.xml"/>'
        for i in range(1, len(sheets) + 1)
    )
    book = f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>{listing}</sheets></workbook>'
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("[Content_Types].xml", f'<Types xmlns="{package}/content-types"/>')
        file.writestr("_rels/.rels", f'<Relationships xmlns="{package}/relationships"><Relationship Id="rId1" '
                      f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>')  # fmt: skip
        file.writestr("xl/workbook.xml", book)
        file.writestr(
            "xl/_rels/workbook.xml.rels", f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'
        )
        for i, rows in enumerate(sheets.values(), 1):
            file.writestr(f"xl/worksheets/sheet{i}.xml", sheet_xml(rows))
    return path


def write_ods(path, rows):
    """The smallest spreadsheet of LibreOffice with these rows."""
    names = {name: f"urn:oasis:names:tc:opendocument:xmlns:{name}:1.0" for name in ("office", "table", "text")}
    cells = "".join(
        "<table:table-row>" + "".join(
            f'<table:table-cell office:value-type="string"><text:p>{value}</text:p></table:table-cell>' for value in row
        ) + "</table:table-row>" for row in rows
    )  # fmt: skip
    spaces = " ".join(f'xmlns:{name}="{space}"' for name, space in names.items())
    body = f'<office:spreadsheet><table:table table:name="One">{cells}</table:table></office:spreadsheet>'
    body = f"<office:body>{body}</office:body>"
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", f"<office:document-content {spaces}>{body}</office:document-content>")
        file.writestr("META-INF/manifest.xml", "<manifest/>")
    return path


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


def test_folder_of_tables_with_splits_in_their_names(tmp_path):
    """As Hugging Face lays out a data set; what tells about it does not count."""
    for name, rows in (("train", slice(0, 3)), ("test", slice(3, 5))):
        path = tmp_path / "set" / "data" / f"{name}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        pa.parquet.write_table(pa.table({"text": TEXTS[rows], "label": LABELS[rows]}), path)
    (tmp_path / "set" / "README.md").write_text("about")
    (block,) = read_table(tmp_path / "set").blocks(9)

    assert sorted(zip(block.texts, block.splits, strict=True)) == sorted(
        zip(TEXTS, ["train"] * 3 + ["test"] * 2, strict=True)
    )


def tar_of(path, files):
    """A packed tar with these files (name -> bytes)."""
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return path


def test_tar_with_one_table(tmp_path):
    """It is read, whatever tells about it; of several tables their names are said."""
    data = ("text,label\n" + "".join(f"{text},{label}\n" for text, label in ROWS)).encode()
    table = read_table(tar_of(tmp_path / "a.tar.gz", {"data/README.txt": b"about", "data/spam.csv": data}))
    assert (read(table)[1:], table.stem) == ((TEXTS, LABELS), "spam")

    with pytest.raises(InputError, match="holds 2 tables .a.csv, b.csv.; unpack it"):
        read_table(tar_of(tmp_path / "b.tar.gz", {"a.csv": data, "b.csv": data}))


def write_lines(path, lines):
    """A file of lines."""
    path.write_text("".join(line + "\n" for line in lines), encoding="utf-8")
    return path


def test_one_file_a_class(tmp_path):
    """Classes by the names of the files or by their endings; said."""
    for folder, names in (("a", ("pos.txt", "neg.txt")), ("b", ("rt-polarity.pos", "rt-polarity.neg"))):
        (tmp_path / folder).mkdir()
        write_lines(tmp_path / folder / names[0], TEXTS[:3])
        write_lines(tmp_path / folder / names[1], TEXTS[3:])
        for data in (tmp_path / folder, str(tmp_path / folder / "*")):
            table = read_table(data)
            assert dict(zip(*read(table)[1:], strict=True)) == dict.fromkeys(TEXTS[:3], "pos") | dict.fromkeys(
                TEXTS[3:], "neg"
            )
            assert "the class is the name of the file: neg, pos" in table.notes[0]


def test_several_text_files_in_doubt(tmp_path):
    """Each of the readings that are named works."""
    write_lines(tmp_path / "plot.txt", TEXTS[:3])
    write_lines(tmp_path / "quote.txt", TEXTS[3:])
    with pytest.raises(InputError, match="text each .`format='files'`., a class each .*'classes'`.*`format='lines'`"):
        read_table(tmp_path)

    assert read(read_table(tmp_path, format="classes"))[2] == ["plot"] * 3 + ["quote"] * 2
    assert read(read_table(tmp_path, format="lines"))[1:] == (TEXTS, [None] * 5)
    assert read(read_table(tmp_path, format="files"))[1] == ["\n".join(TEXTS[:3]) + "\n", "\n".join(TEXTS[3:]) + "\n"]


def test_pattern_of_prose(tmp_path):
    """Files of Markdown are a text each."""
    for i, text in enumerate(TEXTS):
        write_lines(tmp_path / f"{i}.md", ["# Title", text])

    assert read(read_table(str(tmp_path / "*.md")))[1] == [f"# Title\n{text}\n" for text in TEXTS]


def test_label_in_front_of_a_text(tmp_path):
    """Cut at the first blank or tab only; also without an ending, as ``custrev.all``."""
    texts = [*TEXTS, "the wind\twith a tab"]
    lines = [f"{i % 2} {text}" for i, text in enumerate(texts)]
    table = read_table(write_lines(tmp_path / "custrev.all", lines))

    assert read(table)[1:] == (texts, ["0", "1"] * 3)
    assert "the label is the word in front of each text" in " ".join(table.notes)


def test_few_first_words_may_be_labels(tmp_path):
    """Of other words it is said; ``labelled`` reads them so."""
    write_lines(tmp_path / "a.txt", [f"{('cats', 'dogs')[i % 2]} are {i} years old" for i in range(30)])
    table = read_table(tmp_path / "a.txt")

    assert read(table)[2] == [None] * 30
    assert "if the words in front (cats, dogs) are labels, give `format='labelled'`" in table.notes[0]
    assert read(read_table(tmp_path / "a.txt", format="labelled"))[2] == ["cats", "dogs"] * 15


def test_fasttext(tmp_path):
    """One label a line, or several; a line without one is unlabelled."""
    table = read_table(write_lines(tmp_path / "a.txt", ["__label__x the wind", "__label__y rain", "no label"]))
    assert read(table)[1:] == (["the wind", "rain", "no label"], ["x", "y", None])

    (block,) = read_table(write_lines(tmp_path / "b.txt", ["__label__x __label__y wind", "__label__y rain"])).blocks(9)
    assert (block.texts, block.labels.tolist(), block.label_names) == (["wind", "rain"], [[1, 1], [0, 1]], ["x", "y"])


def test_questions_of_trec(tmp_path):
    """The coarse class is the label, the fine one another column."""
    lines = ["DESC:manner How did it rain ?", "ENTY:cremat What wind ?", "DESC:def What is frost ?"] * 2
    path = write_lines(tmp_path / "train_5500.label", lines)

    assert read(read_table(path))[1:] == ([line.split(" ", 1)[1] for line in lines], ["DESC", "ENTY", "DESC"] * 2)
    assert read(read_table(path, label_columns=["fine"]))[2][:2] == ["DESC:manner", "ENTY:cremat"]


def test_parse_trees(tmp_path):
    """The number at the root, and the leaves."""
    path = write_lines(tmp_path / "train.txt", ["(3 (2 It) (4 (3 works) (2 -LRB-)))", "(1 (2 No) (0 good))"])

    assert read(read_table(path))[1:] == (["It works (", "No good"], ["3", "1"])


def test_excels_unicode_text(tmp_path):
    """UTF-16 with tabs, called .txt: a table."""
    rows = ["text\tlabel", *("\t".join(row) for row in ROWS)]
    (tmp_path / "a.txt").write_bytes("\r\n".join(rows).encode("utf-16"))

    assert read(read_table(tmp_path / "a.txt"))[1:] == (TEXTS, LABELS)


@pytest.mark.parametrize(("data", "texts"), [(b"hello\nbye\n", ["hello", "bye"]), (b"text\nhello\n", ["hello"])])
def test_lines_of_stdin(monkeypatch, data, texts):
    """Two lines are two texts; a usual name on the first is a header."""
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    assert read(read_table("-"))[1] == texts


@pytest.mark.parametrize(
    ("content", "texts", "labels"),
    [
        ("sep=;\ntext;label\na b;x\nc, d;y\n", ["a b", "c, d"], ["x", "y"]),
        (",text,label\n0,a b,x\n1,c d,y\n", ["a b", "c d"], ["x", "y"]),
        ("Unnamed: 0,text,label\n7,a b,x\n3,c d,y\n", ["a b", "c d"], ["x", "y"]),
        ('"text","label"\n"1","a b","x"\n"2","c d","y"\n', ["a b", "c d"], ["x", "y"]),  # as R writes it
        ("text,label\na b,x,\nc d,y,\n", ["a b", "c d"], ["x", "y"]),
        ("text;label\na b;1,0\nc d;0,0\n", ["a b", "c d"], ["1", "0"]),
        ('label, text\nx, "a, b"\ny, "c, d"\n', ["a, b", "c, d"], ["x", "y"]),
        ("'label','text'\n'x','a, b'\n'y','c, d'\n", ["a, b", "c, d"], ["x", "y"]),
        ('label,text\nx,"say \\"a\\", b"\ny,"c\\\\d"\n', ['say "a", b', "c\\\\d"], ["x", "y"]),
    ],
)
def test_habits_of_programs(tmp_path, content, texts, labels):
    """Excel, pandas, R and others; what is unusual is said."""
    (tmp_path / "a.csv").write_text(content)
    table = read_table(tmp_path / "a.csv")

    assert read(table)[1:] == (texts, labels)
    assert table.notes or "1,0" in content or content.startswith("text,label\na b,x,")
