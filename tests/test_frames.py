"""Tables that Python holds: data frames, Arrow tables, datasets, lists and generators are read as files are."""

import json

import numpy as np
import pyarrow as pa
import pytest
from helpers.toy import read, toy_recipe, write_csv

from embed import embed, read_table
from stores import FeatureStore, InputError

ROWS = [("ham", "see you at home"), ("spam", "WIN cash now"), ("", 'grüße, und\n"küsse"'), ("ham", "")]
COLUMNS = {"label": [label or None for label, _ in ROWS], "text": [text for _, text in ROWS]}
RECORDS = [dict(zip(("label", "text"), row, strict=True)) for row in zip(*COLUMNS.values(), strict=True)]


def of_pandas():
    """A frame whose index is no row number."""
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(COLUMNS, index=[7, 3, 3, 1])


def of_pandas_objects():
    """Columns of any objects."""
    pandas = pytest.importorskip("pandas")
    return pandas.DataFrame(COLUMNS, dtype=object)


def of_polars():
    """Labels of a type with few values."""
    polars = pytest.importorskip("polars")
    return polars.DataFrame(COLUMNS).with_columns(polars.col("label").cast(polars.Categorical))


def of_datasets():
    """Numbers with names, chosen from a larger order."""
    datasets = pytest.importorskip("datasets")
    names = datasets.ClassLabel(names=["ham", "spam"])
    numbers = [{"ham": 0, "spam": 1, None: -1}[label] for label in COLUMNS["label"]]
    held = datasets.Dataset.from_dict({"label": numbers[::-1], "text": COLUMNS["text"][::-1]})
    return held.cast_column("label", names).select([3, 2, 1, 0])


FORMS = {
    "pandas": of_pandas,
    "pandas, objects": of_pandas_objects,
    "polars, categorical": of_polars,
    "datasets, with names of classes": of_datasets,
    "Arrow": lambda: pa.table(COLUMNS),
    "a stream of Arrow": lambda: pa.table(COLUMNS).to_reader(),
    "mapping of columns": lambda: COLUMNS,
    "records": lambda: RECORDS,
    "generator of records": lambda: (record for record in RECORDS),
}


@pytest.mark.parametrize("form", FORMS)
def test_same_rows_as_from_a_file(form, tmp_path):
    """Lines, texts, labels and columns are those of the CSV, and no text is encoded again."""
    table = read_table(FORMS[form]())
    from_file = read_table(write_csv(tmp_path / "a.csv", ROWS))
    _, texts, labels = read(from_file)
    recipe = toy_recipe()

    assert read(table)[1:] == (texts, labels)
    assert table.columns.as_dict() == from_file.columns.as_dict()
    embed(from_file, recipe, tmp_path / "file.h5")
    made = embed(table, recipe, tmp_path / "frame.h5")
    assert (made.totals["encoded"], made.totals["reused"]) == (0, 4)


@pytest.mark.parametrize("form", FORMS)
def test_same_table_twice_is_up_to_date(form, tmp_path):
    """However its rows lie in memory; other rows are not."""
    embed(FORMS[form](), toy_recipe(), tmp_path / "a.h5")

    assert embed(FORMS[form](), toy_recipe(), tmp_path / "a.h5").up_to_date
    assert read_table(pa.table(COLUMNS)).source() == read_table(pa.concat_tables(
        [pa.table(COLUMNS).slice(0, 1), pa.table(COLUMNS).slice(1)])).source()  # fmt: skip
    changed = COLUMNS | {"label": ["spam", *COLUMNS["label"][1:]]}
    assert read_table(changed).source()["digest"] != read_table(COLUMNS).source()["digest"]


TEXTS = ["see you", "WIN cash", "ok"]


@pytest.mark.parametrize(
    "of",
    [
        list, tuple, np.array, pa.array, lambda texts: np.array(texts, object), lambda texts: iter(texts),
        lambda texts: pytest.importorskip("pandas").Series(texts, index=[2, 1, 0]),
        lambda texts: pytest.importorskip("polars").Series(texts),
    ],
)  # fmt: skip
def test_texts_alone(of):
    """Lists, arrays, Series and generators of texts; labels come beside them."""
    assert read(read_table(of(TEXTS))) == ([1, 2, 3], TEXTS, [None] * 3)
    assert read(read_table(of(TEXTS), labels=["ham", None, "spam"]))[2] == ["ham", None, "spam"]
    assert read(read_table(of(TEXTS), labels=np.array([0, 1, 0])))[2] == ["0", "1", "0"]


def test_numbers_as_labels_are_those_of_the_file(tmp_path):
    """A missing label makes floats of whole numbers in pandas; they are read as whole numbers."""
    pandas = pytest.importorskip("pandas")
    write_csv(tmp_path / "a.csv", [("1", "yes please"), ("", "who knows"), ("0", "no thanks")])

    frame = pandas.read_csv(tmp_path / "a.csv")
    assert frame["label"].dtype == float
    assert read(read_table(frame)) == ([1, 2, 3], ["yes please", "who knows", "no thanks"], ["1", None, "0"])


def test_values_of_several_types_in_one_column():
    """Such a column holds the cells that a file would."""
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": ["a b", "c d"], "label": [1, "spam"]})

    assert read(read_table(frame))[2] == ["1", "spam"]


def test_splits_of_a_dataset():
    """Each split is named in a column, so that published splits are found."""
    datasets = pytest.importorskip("datasets")
    parts = {name: datasets.Dataset.from_dict({"text": [f"{name} text"], "label": [0]}) for name in ("train", "test")}
    table = read_table(datasets.DatasetDict(parts))

    assert table.columns.split == "split"
    assert next(table.blocks(10)).splits == ["train", "test"]


def test_a_list_of_file_names_is_files(tmp_path, monkeypatch):
    """As long as each looks like one; a misspelt name is no text."""
    monkeypatch.chdir(tmp_path)
    write_csv(tmp_path / "a.csv", [("ham", "one")])
    write_csv(tmp_path / "b.csv", [("spam", "two")])

    assert read(read_table(["a.csv", "b.csv"]))[1] == ["one", "two"]
    with pytest.raises(InputError, match="b.cvs: no such file"):
        read_table(["a.csv", "b.cvs"])
    assert read(read_table(["call me", "a.csv"]))[1] == ["call me", "a.csv"]


def test_records_that_a_generator_gives_are_asked_for_once():
    """It could not be asked twice; nested fields and lone surrogates are read as in a file of JSON."""
    asked = []

    def records():
        for number in range(3):
            asked.append(number)
            yield {"text": f"text {'abc'[number]} \ud800", "meta": {"label": np.int64(number % 2)}, "at": float("nan")}

    table = read_table(records(), label_columns=["meta.label"])

    assert read(table)[1:] == (["text a \ufffd", "text b \ufffd", "text c \ufffd"], ["0", "1", "0"])
    assert asked == [0, 1, 2]


@pytest.mark.parametrize(
    ("data", "more", "message"),
    [
        (["a b", 3], {}, "`data`: item 1 is of type int, not a text"),
        ([{"text": "a"}, "b"], {}, "`data`: item 1 is of type str; give texts alone, or mappings alone"),
        (np.arange(3), {}, "`data`: this ndarray holds values of type int64, not texts"),
        ({"text": "hello"}, {}, "'text' holds a single value"),
        ({"text": ["a", "b"], "label": [1]}, {}, "its columns are not equally long: text 2, label 1"),
        ([], {}, "`data`: this list is empty"),
        (3, {}, "`data` is of type int; give a path, a table, a list of texts or records"),
        (["a b", "c d"], {"labels": [1]}, "`labels` are 1, but there are 2 texts"),
        ({"text": ["a"], "x": [1]}, {"labels": [1]}, "name one in `label_columns`"),
        ("a.csv", {"labels": [1]}, "a file has its labels in a column"),
        (COLUMNS, {"delimiter": ";"}, "`delimiter` is for files, and this is a dict"),
        (COLUMNS, {"header": False}, "`header` is for files, and this is a dict"),
        (COLUMNS, {"text_column": "txt"}, "dict has no column 'txt' (`text_column`); it has: "),
        ({"text": []}, {}, "has a header but no rows"),
    ],
)  # fmt: skip
def test_what_is_no_table(data, more, message):
    """One line that says what it is and what to give."""
    with pytest.raises(InputError) as caught:
        read_table(data, **more)
    assert message in str(caught.value)


def test_store_of_a_frame_says_what_it_was_made_of(tmp_path):
    """The source is JSON-able, and new tables are read like it."""
    path = embed(RECORDS, toy_recipe(), tmp_path / "a.h5").path
    with FeatureStore(path) as store:
        assert json.loads(json.dumps(store.source))["files"][0]["file"] == "list"
        assert read_table({"text": ["one", "two"]}, label_columns=(), like=store.source).columns.text == "text"
