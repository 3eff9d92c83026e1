"""CSV and TSV: row for row what Python's csv module reads, by the fast way and by the slow one."""

import csv
import io
import random

import pytest
from helpers.toy import mutate, read
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from embed import read_table
from embed.reading import csv_chunks, delimited, files
from stores import InputError

ANY_TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
WAYS = {"slow": 1 << 60, "fast": 0}  # from how many bytes on pyarrow is asked
anywhere = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=200)


@pytest.fixture(params=WAYS)
def way(request, monkeypatch):
    """Both ways to read a file."""
    monkeypatch.setattr(delimited, "FAST_FROM", WAYS[request.param])
    return request.param


def reference(data, delimiter=",", width=2):
    """Starting lines and cells of the rows that fit, and starting lines of those that do not, by the csv module.

    None if a quote never closes, or closes in the middle of a cell, or a carriage return stands alone.
    """
    lines = [*io.StringIO(data.decode(), newline="\n"), delimiter.join(["last"] * width)]
    reader = csv.reader(lines, delimiter=delimiter, strict=True)
    good, bad, start = [], [], 1
    try:
        for row in reader:
            if row:
                fits = len(row) == width and not any("\0" in cell for cell in row)
                (good if fits else bad).append((start, row))
            start = reader.line_num + 1
    except csv.Error:
        return None
    if good[-1:] != [(len(lines), ["last"] * width)]:
        return None
    return [line for line, _ in good[1:-1]], [row for _, row in good[1:-1]], [line for line, _ in bad]


def outcome(path, rows=1000, **options):
    """Lines, [id, text] and lines of broken rows of a table; or the message if there is no row."""
    try:
        blocks = list(read_table(path, bad_rows="skip", label_columns=[], **options).blocks(rows))
    except InputError as error:
        return str(error)
    lines = [line for block in blocks for line in block.line.tolist()]
    cells = [list(row) for block in blocks for row in zip(block.ids, block.texts, strict=True)]
    return lines, cells, [row.line for block in blocks for row in block.bad]


@pytest.mark.slow
@anywhere
@given(
    rows=st.lists(st.tuples(st.sampled_from(["ham", "spam"]), ANY_TEXT), min_size=1, max_size=6),
    delimiter=st.sampled_from(",\t;|"),
    form=st.sampled_from(
        [(csv.QUOTE_MINIMAL, "\r\n"), (csv.QUOTE_ALL, "\r\n"), (csv.QUOTE_ALL, "\n"), (csv.QUOTE_ALL, "\r")]
    ),
    block=st.integers(40, 200),
)
def test_any_text_comes_back(way, tmp_path, rows, delimiter, form, block):
    """Whatever Python's csv module writes is read back: quotes, delimiters, line breaks, any character.

    (A file with control characters all over is none of text, and refused.)
    """
    assume(sum(character < " " for _, text in rows for character in text) <= 32)
    path = tmp_path / "any.csv"
    with open(path, "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter=delimiter, quoting=form[0], lineterminator=form[1])
        writer.writerows([("label", "text"), *rows])

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        _, texts, labels = read(read_table(path, text_column="text", label_columns=["label"], delimiter=delimiter))
    assert list(zip(labels, texts, strict=True)) == rows


@anywhere
@given(body=st.text(st.sampled_from(list('ab,"\n\r \0é')), max_size=60), block=st.integers(15, 44))
@example(body='a,"b\n', block=24)
@example(body='"a,b\n"c\n",\n', block=16)
def test_any_characters_are_read_as_by_the_csv_module(way, tmp_path, body, block):
    """Also tables that no program wrote: the same rows, on the same lines, and the same rows are broken."""
    data = b"label,text\nx,y\n" + body.encode()
    (tmp_path / "any.csv").write_bytes(data)
    expected = reference(data)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(files, "BLOCK", block)
        found = outcome(tmp_path / "any.csv", text_column="text", id_column="label", delimiter=",", quoting="double")

    if expected is None:  # the line is rejected on which such a row begins, and what follows is read
        assert isinstance(found, str) or found[2]
    elif not expected[0]:
        assert isinstance(found, str)
    else:
        assert found == expected


def test_mutations_of_a_real_file_add_up(way, real, tmp_path, monkeypatch):
    """150 times some bytes of the tweets are changed: no traceback, and every row comes out or is counted."""
    whole = (real / "disaster_tweets/train.csv").read_bytes()
    monkeypatch.setattr(files, "BLOCK", 4096)
    rng = random.Random(1)
    compared = 0
    for _ in range(150):
        start = whole.index(b"\n", rng.randrange(len(whole) - 30_000)) + 1
        data = b"id,keyword,location,text,target\n" + mutate(
            whole[start : start + rng.randrange(1, 20_000)] + b"\n", rng
        )
        (tmp_path / "a.csv").write_bytes(data)
        found = outcome(tmp_path / "a.csv", text_column="text", id_column="id", delimiter=",")
        decoded = data.decode("utf-8", "replace") if not _is_utf8(data) else data.decode()
        expected = reference(decoded.encode(), width=5)
        if expected and expected[0]:
            assert len(found[0]) + len(found[2]) == len(expected[0]) + len(expected[2])
            assert found[0] == expected[0]
            compared += 1
    assert compared > 50


def _is_utf8(data):
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


@pytest.mark.parametrize("name", ["disaster_tweets/train.csv", "jigsaw/predibase_train.6.csv", "spam_sms/spam.csv"])
def test_real_tables_are_read_the_same_both_ways(real, monkeypatch, name):
    """On the same lines, with line breaks in cells, doubled quotes and cells cut by commas."""
    found = []
    for start in WAYS.values():
        monkeypatch.setattr(delimited, "FAST_FROM", start)
        monkeypatch.setattr(files, "BLOCK", 50_000)
        found.append(
            [(b.line.tolist(), b.texts, list(map(str, b.labels))) for b in read_table(real / name).blocks(500)]
        )

    assert found[0] == found[1]


def test_regular_tables_take_the_fast_way(real, monkeypatch):
    """With line breaks in cells and blocks that end in the middle of them, the csv module is not needed."""
    table = read_table(real / "jigsaw/predibase_train.6.csv")
    expected = read(table)[:2]
    monkeypatch.setattr(delimited, "FAST_FROM", 0)
    monkeypatch.setattr(files, "BLOCK", 100_000)
    monkeypatch.delattr(csv_chunks.ChunkReader, "_slow")

    assert read(table)[:2] == expected


def test_delimiter_is_found_in_the_first_rows(tmp_path):
    """Commas in the texts of a table with semicolons or tabs mislead nobody, also without a header."""
    (tmp_path / "a.tsv").write_text("label\ttext\nham\tone, two\n")
    (tmp_path / "b.csv").write_text("label;text\nham;one, two\n")
    (tmp_path / "c.csv").write_text("ham\tone, two\nspam\tthree\nham\tfour, five, six\n")

    assert read(read_table(tmp_path / "a.tsv")) == ([2], ["one, two"], ["ham"])
    assert read(read_table(tmp_path / "b.csv")) == ([2], ["one, two"], ["ham"])
    table = read_table(tmp_path / "c.csv", header=False, label_columns=["1"])
    assert table.columns.text == "2"
    assert read(table) == ([1, 2, 3], ["one, two", "three", "four, five, six"], ["ham", "spam", "ham"])


def test_literal_quotes(way, tmp_path):
    """Where quotes enclose no cells of a table with tabs they are characters, said so; else the row is named."""
    (tmp_path / "a.tsv").write_text('label\ttext\nham\t"fine" she said\nham\t"\nspam\tdisk\n')

    table = read_table(tmp_path / "a.tsv")
    assert "quotes are part of the texts" in table.notes[0]
    assert read(table)[1] == read(read_table(tmp_path / "a.tsv", quoting="none"))[1] == ['"fine" she said', '"', "disk"]
    with pytest.raises(InputError, match="line 2: a quote opens in this row, and where it closes the cell goes on"):
        read(read_table(tmp_path / "a.tsv", quoting="double"))


def test_row_after_an_unclosed_quote_is_not_lost(way, tmp_path):
    """Only the line on which the quote opens is left out."""
    (tmp_path / "a.csv").write_text('label,text\nham,one\nham,"two\nspam,three\nham,four\n')

    assert outcome(tmp_path / "a.csv", id_column="label") == (
        [2, 4, 5],
        [["ham", "one"], ["spam", "three"], ["ham", "four"]],
        [3],
    )


def test_quote_that_never_closes_in_a_long_file(tmp_path, monkeypatch):
    """It is noticed when the row has become absurdly long, not at the end of the file."""
    monkeypatch.setattr(csv_chunks, "LONGEST_ROW", 10_000)
    monkeypatch.setattr(files, "BLOCK", 1000)
    (tmp_path / "a.csv").write_text('label,text\nham,"one\n' + "spam,two\n" * 5000)
    lines, _, bad = outcome(tmp_path / "a.csv", id_column="label")

    assert (len(lines), bad) == (5000, [2])
    (tmp_path / "b.csv").write_text("label,text\nham," + "x" * 20_000)
    with pytest.raises(InputError, match="line 2 has more than 10,000 bytes"):
        read(read_table(tmp_path / "b.csv"))


def test_names_that_appear_twice_get_a_number(tmp_path):
    """And a note says so."""
    (tmp_path / "a.csv").write_text("text,label,text\na,x,b\nc,y,d\n")
    table = read_table(tmp_path / "a.csv", text_column="text.2")

    assert read(table)[1] == ["b", "d"]
    assert "has several columns 'text'; column 3 is called 'text.2'" in table.notes[0]


def test_text_of_forty_kilobytes(real):
    """The longest e-mail, one cell."""
    assert max(map(len, read(read_table(real / "spam_emails/emails.csv.gz"))[1])) == 43_952


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        (b"", {}, "is empty"),
        (b"\n\n", {}, "is empty"),
        (b"label,text\n", {}, "header but no rows"),
        (b"label,text\nham,a,b\n", {}, "line 2: 3 cells where the header has 2"),
        (b"label,text\nham,ok\n\nham\n", {}, "line 4: 1 cell where the header has 2"),
        (b'label,text\nham,ok\nham,"never closed\nspam,x\n', {}, "line 3: a quote opens in this row"),
        (b'label,"text\nham,ok\n', {}, "line 1: a quote opens in the first row"),
        (b"label,text\nham,ok\nham,\x00\x01\n", {}, "line 3: a NUL byte; delete it"),
        (b"\x00\x01\x02\x03,\n\x00", {}, "begins with NUL bytes or control characters"),
        (b"\x7f\x03\x02,text\nham,ok\n", {}, "begins with NUL bytes or control characters"),
        (b"label,text,,\nham,a,b,\nham,c,,d\n", {"text_column": "label"}, "line 2: 1 cells with content in columns"),
        (b"label,text\nham,a\n", {"text_column": "body"}, "no column 'body' .*it has: label, text"),
        (b"label,text\nham,a\n", {"label_columns": ["y"]}, "no column 'y'"),
    ],
)
def test_broken_table_is_one_clear_line(way, tmp_path, content, options, message):
    """What is wrong, on which line, and what to do."""
    path = tmp_path / "a.csv"
    path.write_bytes(content)

    with pytest.raises(InputError, match=message):
        read(read_table(path, **options))
