"""What a refusal says to do is done to the letter, and works: in Python, and on the way to a first table."""

import os
import re
import shlex
import tarfile
import zipfile

import pytest
from click.testing import CliRunner
from helpers.advice import GOOD, pack, tk, write

from cli import cli
from embed import read_table
from stores import InputError

# what is given to read_table, the advice, what is given then
FROM_PYTHON = {
    "one value": ({"text": "it rains"}, {}, "give a list of it", {"text": ["it rains"]}, {}),
    "or records": ({"text": "it rains"}, {}, "a list of mappings, one a row", [{"text": "it rains"}], {}),
    "mixed records": ([{"text": "a"}, "b"], {}, "give texts alone", ["a", "b"], {}),
    "mixed texts": ([{"text": "a"}, "b"], {}, "or mappings alone", [{"text": "a"}, {"text": "b"}], {}),
    "number": (3, {}, "a list of texts", ["three"], {}),
    "labels of columns": (
        {"text": ["a b"], "x": ["c"]}, {"labels": ["d"]}, "name one in `label_columns`", {"text": ["a b"], "x": ["c"]},
        {"label_columns": ["x"]},
    ),
    "labels of records": (
        [{"text": "a b", "x": "c"}], {"labels": ["d"]}, "name the key of the label in `label_columns`",
        [{"text": "a b", "x": "c"}], {"label_columns": ["x"]},
    ),
    "one text column of several": (
        {"text": ["a b"]}, {"text_column": "txt"}, "it has: text", {"text": ["a b"]}, {"text_column": "text"},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", FROM_PYTHON)
def test_advice_about_tables_in_memory_works(name):
    """It names parameters, as Python writes them."""
    data, given, advice, then, more = FROM_PYTHON[name]
    with pytest.raises(InputError) as caught:
        read_table(data, **given)

    assert advice in str(caught.value)
    assert next(read_table(then, **more).blocks(9)).texts


@pytest.mark.slow
def test_splits_and_lazy_frames_are_given_as_is_said():
    """Splits with other columns, one of them; a frame that holds no rows yet, collected."""
    datasets, polars = pytest.importorskip("datasets"), pytest.importorskip("polars")
    splits = datasets.DatasetDict({name: datasets.Dataset.from_dict({name: ["it rains"]}) for name in ("text", "body")})
    lazy = polars.LazyFrame({"text": ["it rains"]})
    for data, advice, then in (
        (splits, "give one of them", splits["text"]), (lazy, "give what its collect() returns", lazy.collect()),
    ):  # fmt: skip
        with pytest.raises(InputError, match=re.escape(advice)):
            read_table(data)
        assert next(read_table(then).blocks(9)).texts == ["it rains"]


def test_variable_that_is_meant_is_the_one_that_works(in_tmp, monkeypatch):
    """The environment variable that is named instead of a misspelt one."""
    write("a.csv", GOOD)(in_tmp)
    monkeypatch.setenv("TK_EMBED_ENCODR", "words")
    meant = tk("embed a.csv --out x.h5")[1].partition("did you mean '")[2].partition("'")[0]
    monkeypatch.delenv("TK_EMBED_ENCODR")
    monkeypatch.setenv(meant, "statik")

    assert "no encoder 'statik'" in tk("embed a.csv")[1]


def test_zero_is_a_value(in_tmp):
    """Of options whose value is a number; the command that is proposed has it, too."""
    write("a.csv", "label,text\n-0.5,it rains\n0.25,it snows\n-0.75,it pours\n0.1,it hails\n")(in_tmp)
    done = CliRunner().invoke(cli, shlex.split("describe a.csv --label-threshold 0 --skip-rows 0"))
    command = done.stdout.splitlines()[-1]

    assert done.exit_code == 0, done.output
    assert "--label-threshold 0.0" in command and "--skip-rows 0" in command
    assert tk(command.strip().removeprefix("tk "))[0] == 0


def test_unpack_it_and_give_a_pattern(in_tmp):
    """An archive of several tables, unpacked."""
    pack(in_tmp)
    assert "unpack it and give the folder, one, or a pattern" in tk("embed a.zip")[1]
    with zipfile.ZipFile("a.zip") as archive:
        archive.extractall()

    assert tk("embed one.csv")[0] == 0
    assert tk("embed --data '*.csv' --out both.h5")[0] == 0


def test_command_that_describe_proposes(in_tmp):
    """It reads the same table: also one in an archive, without a header, with skipped rows."""
    write("t/a.csv", GOOD.partition("\n")[2] + "a,b,c\n")(in_tmp)
    with tarfile.open("t.tar.gz", "w:gz") as archive:
        archive.add("t/a.csv")
    result = CliRunner().invoke(cli, ["describe", "t.tar.gz", "--no-header"])
    command = result.stdout.splitlines()[-1].strip()

    assert command.startswith("tk embed --data t.tar.gz ")
    assert tk(command.removeprefix("tk "))[0] == 0


def test_list_of_broken_rows_replaces_no_other_file(in_tmp):
    """Not the table itself, nor anything that somebody wrote; the list of an earlier run is replaced."""
    write("a.csv", GOOD + "a,b,c\n")(in_tmp)
    write("notes.txt", "mine")(in_tmp)
    for name in ("a.csv", "notes.txt"):
        code, said = tk(f"embed a.csv --bad-rows {name}")
        assert code == 2
        assert f"--bad-rows {name}: that file is there already, and lists no broken rows" in said
    assert (in_tmp / "notes.txt").read_text() == "mine"
    for store in ("x.h5", "y.h5"):
        assert tk(f"embed a.csv --bad-rows bad.jsonl --out {store}")[0] == 0
    assert (in_tmp / "bad.jsonl").read_text().count("\n") == 1


@pytest.mark.parametrize("what", ["working", "cache"])
def test_advice_of_doctor_works(in_tmp, monkeypatch, what):
    """Where a folder cannot be written, another one is named, and all is well."""
    can_access = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: "locked" not in str(path) and can_access(path, mode))
    (in_tmp / "locked").mkdir()
    if what == "cache":
        monkeypatch.setenv("TK_CACHE_DIR", "locked")
    else:
        monkeypatch.chdir("locked")
    broken = CliRunner().invoke(cli, ["doctor"])
    monkeypatch.chdir(in_tmp)
    monkeypatch.setenv("TK_CACHE_DIR", str(in_tmp))
    advice = {
        "working": "-> work in another folder\n",
        "cache": "-> name another folder in the environment variable TK_CACHE_DIR\n",
    }

    assert (broken.exit_code, advice[what] in broken.stdout) == (1, True), broken.stdout
    assert "`" not in broken.stdout
    assert CliRunner().invoke(cli, ["doctor"]).exit_code == 0
