"""What a refusal says to do is done to the letter, and works."""

import contextlib
import gzip
import re
import shlex
import sqlite3
import tarfile
import zipfile

import pytest
from click.testing import CliRunner
from helpers.commands import ROWS
from helpers.toy import write_csv
from test_carriers import write_xlsx

from cli import cli

GOOD = "label,text\n" + "".join(f"{label},{text}\n" for label, text in ROWS)
TWO_LABELS = "mood,tone,text\n" + "calm,soft,it rains\nwild,loud,it pours\ncalm,loud,it snows\nwild,soft,it hails\n" * 5
FRACTIONS = "label,text\n0.5,it rains\n0.25,it snows\n0.75,it pours\n0.1,it hails\n"
COMMAS = 'label,text\n"1,2",it rains\n"2,5",it snows\n"1,5",it pours\n3,it hails\n'
BARE = [["foo", "rain"], ["bar", "snow"], ["foo", "wind"], ["bar", "hail"]]
STORE, RUN = "features/messages.static.h5", "runs/messages.static.logistic"
RUSSIAN = "Доброе утро, как дела? Спасибо, очень хорошо. Жду, когда приедет мой брат в город"


def write(name, data):
    """A file of bytes or text; the folder around it is made."""

    def make(folder):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())

    return make


def link(folder):
    """A folder of texts that are links."""
    write("blobs/1", "WIN cash")(folder)
    write("texts/other/2.txt", "see you")(folder)
    (folder / "texts/spam").mkdir()
    (folder / "texts/spam/1.txt").symlink_to(folder / "blobs/1")
    (folder / "texts/other/2.txt").unlink()
    (folder / "texts/other/2.txt").symlink_to(folder / "blobs/1")


def pack(folder):
    """Two tables in one zip."""
    with zipfile.ZipFile(folder / "a.zip", "w") as archive:
        archive.writestr("one.csv", GOOD)
        archive.writestr("two.csv", GOOD)


def database(folder):
    """Two tables."""
    with contextlib.closing(sqlite3.connect(folder / "a.db")) as connection, connection:
        for name in ("one", "two"):
            connection.execute(f"create table {name} (label text, text text)")
            connection.executemany(f"insert into {name} values (?, ?)", ROWS)


def several(folder):
    """Two files of lines, whose names say nothing."""
    write("a.txt", "it rains\nit snows\n")(folder)
    write("b.txt", "it is warm\nit is dry\n")(folder)


# what is made, the command that is refused, the advice as it stands in the refusal, what is typed then
# (None: the command with the advice behind it)
CASES = {
    "other encoding": (
        write("a.csv", ("label,text\n" + f'a,"{RUSSIAN}"\nb,"{RUSSIAN}"\n').encode("cp1251")),
        "embed a.csv", "--encoding cp1251", None,
    ),
    "or Windows-1252": (
        write("a.csv", ("label,text\n" + f'a,"{RUSSIAN}"\nb,"{RUSSIAN}"\n').encode("cp1251")),
        "embed a.csv", "--encoding cp1252", None,
    ),
    "wrong encoding": (
        write("a.csv", "label,text\na,café\nb,tea\n".encode("cp1252")), "embed a.csv --encoding utf-8",
        "give another --encoding", "embed a.csv --encoding cp1252",
    ),
    "utf-16 without a mark": (
        write("a.csv", GOOD.encode("utf-16-le")), "embed a.csv", "--encoding utf-16-le", None,
    ),
    "utf-16, the other order": (
        write("a.csv", GOOD.encode("utf-16-be")), "embed a.csv", "--encoding utf-16-be", None,
    ),
    "title above the header": (
        write("a.csv", "Report\n\n" + GOOD.replace("label,text", "kind,words")), "embed a.csv", "--skip-rows 2", None,
    ),
    "title with a delimiter": (
        write("a.csv", "Report,\n" + GOOD.replace("label,text", "kind,words")), "embed a.csv", "--skip-rows 1", None,
    ),
    "header or data": (write("a.csv", "foo,rain\nbar,snow\n"), "embed a.csv", "--header", None),
    "or data": (write("a.csv", "foo,rain\nbar,snow\n"), "embed a.csv", "--no-header", None),
    "sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {name: [["text"], ["it rains"], ["it snows"]] for name in "xy"}),
        "embed a.xlsx", "--sheet x", None,
    ),
    "table of a database": (database, "embed a.db", "--table one", None),
    "field inside": (
        write("a.jsonl", "".join(f'{{"data": {{"text": "{text}"}}}}\n' for _, text in ROWS)), "embed a.jsonl",
        "--text-column data.text", None,
    ),
    "texts or lines": (several, "embed a.txt b.txt", "--format files", None),
    "or lines": (several, "embed a.txt b.txt", "--format lines", None),
    "or classes": (several, "embed a.txt b.txt", "--format classes", None),
    "broken row": (write("a.csv", GOOD + "a,b,c\n"), "embed a.csv", "--bad-rows skip", None),
    "no text in a folder": (
        lambda folder: [write("t/a/1.txt", "x y")(folder), write("t/b/2.txt", b"%PDF-1.4")(folder)],
        "embed t", "--bad-rows skip", None,
    ),
    "links": (link, "embed texts", "--follow-links", None),
    "format": (write("a.csv", GOOD), "embed a.csv --format cvs", "csv", "embed a.csv --format csv"),
    "encoder": (write("a.csv", GOOD), "embed a.csv --encoder statik", "'static'", "embed a.csv --encoder static"),
    "step": (write("a.csv", GOOD), "embed a.csv --clean lowr", "'lower'", "embed a.csv --clean lower"),
    "text column": (
        write("a.csv", GOOD), "embed a.csv --text-column txt", "text", "embed a.csv --text-column text",
    ),
    "nothing given": (write("FILE", GOOD), "embed", "tk embed FILE", "embed FILE"),
    "picture that is there": (
        lambda folder: [write("a.csv", GOOD)(folder), write("a.png", "mine")(folder)],
        "describe a.csv --out a.png", "--overwrite", None,
    ),
    "store of another identity": (
        lambda folder: [write("a.csv", GOOD)(folder), tk("embed a.csv --out x.h5")],
        "embed a.csv --encoder words --out x.h5", "--overwrite", None,
    ),
    "two columns of labels": (write("a.csv", TWO_LABELS), "describe a.csv", "--label-column mood", None),
    "or the other": (write("a.csv", TWO_LABELS), "describe a.csv", "--label-column tone", None),
    "or none": (write("a.csv", TWO_LABELS), "describe a.csv", "--no-label-column", None),
    "label column": (
        write("a.csv", GOOD), "describe a.csv --label-column labl", "label", "describe a.csv --label-column label",
    ),
    "numbers that are no classes": (write("a.csv", FRACTIONS), "describe a.csv", "--label-threshold 0.5", None),
    "or a class each": (write("a.csv", FRACTIONS), "describe a.csv", "--label-column label", None),
    "label that is no number": (
        write("a.csv", FRACTIONS + "high,it is hot\n"), "embed a.csv --label-threshold 0.5", "--bad-rows skip", None,
    ),
    "one label or several": (write("a.csv", COMMAS), "describe a.csv", "--label-separator ,", None),
    "or one": (write("a.csv", COMMAS), "describe a.csv", "--label-separator none", None),
    "label map": (
        write("a.csv", GOOD), "describe a.csv --label-map spam", "OLD=NEW,OLD=NEW",
        "describe a.csv --label-map spam=1,ham=0",
    ),
    "label that the map lacks": (
        write("a.csv", GOOD), "embed a.csv --label-map spam=1", "--bad-rows skip", None,
    ),
    "no text": (
        write("a.csv", "label,number\n1,22\n0,33\n1,44\n"), "describe a.csv", "--text-column",
        "describe a.csv --text-column number",
    ),
    "lists as texts": (
        write("a.jsonl", "".join(f'{{"words": ["{text}"], "body": "{text}"}}\n' for _, text in ROWS)),
        "describe a.jsonl --text-column words", "--text-column", "describe a.jsonl --text-column body",
    ),
    "tokens": (write("a.txt", "Rome\tB-LOC\nis\tO\n\nit\tO\nrains\tO\n"), "describe a.txt", "--format lines", None),
    "letters as escapes": (
        write("a.txt", "今日は雨が降ります\n明日は晴れるでしょう\n".encode("iso2022_jp")), "describe a.txt",
        "--encoding iso2022_jp", None,
    ),
    "unknown encoding": (
        write("a.csv", GOOD), "describe a.csv --encoding utf-7x", "utf-8", "describe a.csv --encoding utf-8",
    ),
    "quoting": (write("a.csv", GOOD), "describe a.csv --quoting singel", "single", "describe a.csv --quoting single"),
    "delimiter": (
        write("a.tsv", GOOD.replace(",", "\t")), "describe a.tsv --delimiter TT", "tab",
        "describe a.tsv --delimiter tab",
    ),
    "sheet of a file that is no workbook": (
        write("a.csv", GOOD), "describe a.csv --sheet x", "--sheet", "describe a.csv",
    ),
    "table and query": (
        database, "describe a.db --table one --query 'select * from one'", "give one of them",
        "describe a.db --table one",
    ),
    "query": (database, "describe a.db", "--query", "describe a.db --query 'select * from two'"),
    "query that selects nothing": (
        database, "describe a.db --query 'drop table one'", "SELECT", "describe a.db --query 'select * from one'",
    ),
    "quotes in texts": (
        write("a.csv", GOOD + 'ham,"see" you\n'), "embed a.csv", "--quoting none", None,
    ),
    "NUL byte": (write("a.csv", GOOD + "ham,a\0b\n"), "embed a.csv", "--bad-rows skip", None),
    "carriage return": (write("a.csv", GOOD + "ham,a\rb\n"), "embed a.csv", "--bad-rows skip", None),
    "line that is no JSON": (
        write("a.jsonl", "".join(f'{{"text": "{text}"}}\n' for _, text in ROWS) + "{"), "embed a.jsonl",
        "--bad-rows skip", None,
    ),
    "rows above a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": [["Report"], *BARE]}), "describe a.xlsx",
        "--skip-rows 1", None,
    ),
    "header of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": BARE[:2]}), "describe a.xlsx", "--header", None,
    ),
    "or data of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": BARE[:2]}), "describe a.xlsx", "--no-header", None,
    ),
    "option twice": (
        write("a.csv", GOOD), "describe a.csv --encoding utf-8 --encoding cp1252", "give it once",
        "describe a.csv --encoding utf-8",
    ),
    "tables of other columns": (
        lambda folder: [write("a.csv", GOOD)(folder), write("b.csv", "kind,body\nham,x\n")(folder)],
        "describe a.csv b.csv", "give one command each", "describe b.csv",
    ),
    "picture on standard output": (
        write("a.csv", GOOD), "describe a.csv --out -", "give the picture a name", "describe a.csv --out a.png",
    ),
    "packed twice": (
        lambda folder: write("a.csv.gz", gzip.compress(gzip.compress(GOOD.encode())))(folder)
        or write("b.csv.gz", gzip.compress(GOOD.encode()))(folder),
        "describe a.csv.gz", "unpack it once", "describe b.csv.gz",
    ),
}  # fmt: skip
# what is said of a table that is read all the same, and goes when it is done
NOTES = {
    "no header": (write("a.csv", GOOD.partition("\n")[2]), "--header"),
    "header": (write("a.csv", GOOD.replace("label,text", "kind,words") + "ham,it is\n" * 20), "--no-header"),
    "title": (write("a.csv", "Report\n\n" + GOOD), "--skip-rows 2"),
    "separator": (write("a.csv", "text,label\nrain,a|b\nsnow,a\nwind,b\nsun,a|b\n"), "--label-separator none"),
    "lists": (write("a.csv", "text,label\nrain,\"['a', 'b']\"\nsnow,['a']\n"), "--label-separator none"),
    "lists of one": (write("a.csv", "text,label\nrain,['a']\nsnow,['b']\nwind,['a']\n"), "--label-separator ,"),
    "missing": (write("a.csv", "text,label\nrain,NA\nsnow,EU\nwind,NA\nsun,EU\n"), "--missing ''"),
    "case": (write("a.csv", "text,label\nrain,Ham\nsnow,ham\nwind,ham\n"), "--label-map 'ham=ham,Ham=ham,*=*'"),
    "truth": (write("a.csv", "text,label\nrain,1\nsnow,True\nwind,1\nsun,0\n"), "--label-map '1=1,true=1,*=*'"),
    "tabs": (
        write("a.txt", "it rains\tham\nit snows\tspam\nit is\ta\tham\nit hails\tham\nit is\tspam\n"), "--format tsv",
    ),
    "labels": (
        write("a.txt", "".join(f"{'calm' if row % 2 else 'wild'} text {chr(97 + row)}\n" for row in range(24))),
        "--format labelled",
    ),
    "texts of files": (
        lambda folder: [write(f"t/{name}.txt", f"it is {name}")(folder) for name in "abc"], "--format lines",
    ),
    "encoding": (write("a.csv", "label,text\na,café\nb,tea\n".encode("cp1252")), "--encoding cp1252"),
    "apostrophes": (write("a.csv", "label,text\n'a','x, y'\n'b','z'\n'a','w'\n"), "--quoting double"),
    "links": (
        lambda folder: [link(folder), write("texts/spam/2.txt", "call now")(folder)], "--follow-links",
    ),
}  # fmt: skip
TRAINED = {
    "run that is there": (
        "classify features/messages.static.h5 --cv 2 --no-report --out runs/messages.static.logistic",
        "--out", "classify features/messages.static.h5 --cv 2 --no-report --out another",
    ),
    "predictions that are there": (
        "predict runs/messages.static.logistic messages.csv --out messages.csv", "--overwrite", None,
    ),
    "column of the run": (
        "predict runs/messages.static.logistic other.csv", "--text-column", "predict runs/messages.static.logistic "
        "other.csv --text-column body",
    ),
    "head": ("classify features/messages.static.h5 --cv 2 --no-report --head logistik --out a", "'logistic'",
             "classify features/messages.static.h5 --cv 2 --no-report --head logistic --out a"),
    "sampler": ("classify features/messages.static.h5 --cv 2 --no-report --sampler undr --out a", "'under'",
                "classify features/messages.static.h5 --cv 2 --no-report --sampler under --out a"),
    "metric": ("compare runs/messages.static.logistic runs/messages.words.logistic --by f1_makro", "'f1_macro'",
               "compare runs/messages.static.logistic runs/messages.words.logistic --by f1_macro"),
    "export that is there": ("features export features/messages.static.h5 --to csv --out messages.csv", "--overwrite",
                             None),
    "merge onto what is there": (
        "features merge features/messages.static.h5 features/messages.static.h5 --out messages.csv", "another --out",
        "features merge features/messages.static.h5 features/messages.static.h5 --out new.h5",
    ),
    "no store": (
        "classify --cv 2 --no-report --out a", "tk classify STORE", f"classify {STORE} --cv 2 --no-report --out a",
    ),
    "header of new texts": (
        f"predict {RUN} messages.csv --no-header", "--header", f"predict {RUN} messages.csv --header",
    ),
    "threshold and goal": (
        f"classify {STORE} --cv 2 --threshold 0.5 --goal recall>=0.5", "exclude each other",
        f"classify {STORE} --cv 2 --no-report --out a --goal recall>=0.5",
    ),
    "numbers": (
        f"classify {STORE} --cv 2 --learning-curve half", "numbers with commas between",
        f"classify {STORE} --cv 2 --no-report --out a --learning-curve 0.5,1",
    ),
    "no run": ("predict --text hello", "tk predict RUN", f"predict {RUN} --text hello"),
    "no texts": (f"predict {RUN}", "--text TEXT", f"predict {RUN} --text TEXT"),
    "coverage by class": (
        f"predict {RUN} --text hello --coverage-by-class", "needs --coverage",
        f"predict {RUN} --text hello --coverage-by-class --coverage 0.5",
    ),
    "rows to evaluate": (
        f"evaluate {RUN}", "--data FILE", f"evaluate {RUN} --data messages.csv --with-training-rows",
    ),
    "or a store": (
        f"evaluate {RUN}", "--features STORE", f"evaluate {RUN} --features {STORE} --with-training-rows",
    ),
    "nothing but training rows": (f"evaluate {RUN} --data messages.csv", "--with-training-rows", None),
    "labels to evaluate": (
        f"evaluate {RUN} --data kinds.csv --no-label-column", "--label-column",
        f"evaluate {RUN} --data kinds.csv --label-column notes",
    ),
    "workers": ("embed messages.csv --out x.h5 --workers 2", "--engine ray", "embed messages.csv --out x.h5"),
    "option of an encoder twice": (
        "embed messages.csv --out x.h5 --encoder static:pooling=max --pooling max", "leave out one of them",
        "embed messages.csv --out x.h5 --encoder static:pooling=max",
    ),
    "metric of all trials": (
        "run messages.csv --dry-run --encoder static --by f1_makro", "'f1_macro'",
        "run messages.csv --dry-run --encoder static --by f1_macro",
    ),
    "budget": (
        "run messages.csv --dry-run --encoder static --budget ten", "10m",
        "run messages.csv --dry-run --encoder static --budget 10m",
    ),
    "encoders of one name": (
        "run messages.csv --dry-run --encoder static --encoder static", "--encoder other=static",
        "run messages.csv --dry-run --encoder static --encoder other=static",
    ),
}  # fmt: skip


def tk(line):
    """A command line, run; its exit code and what it said on stderr."""
    result = CliRunner().invoke(cli, shlex.split(line))
    return result.exit_code, result.stderr


def follow(command, advice, then):
    """Refused in one line that holds the advice; with the advice it works."""
    code, said = tk(command)
    last = said.splitlines()[-1]
    assert code == 2, said
    assert advice in last, last
    assert "`" not in last
    assert not re.search(r"\b(overwrite|header|follow_links|reuse|encoding|bad_rows|out)=", last), (
        last
    )  # not the library's
    code, said = tk(then or f"{command} {advice}")
    assert code == 0, said


@pytest.mark.parametrize("name", CASES)
def test_advice_about_tables_works(in_tmp, name):
    """Each refusal of a table, or of how it is to be read."""
    make, *others = CASES[name]
    make(in_tmp)

    follow(*others)


@pytest.mark.parametrize("name", NOTES)
def test_what_a_note_names_decides_otherwise(in_tmp, name):
    """Each option that is named beside what was found; with it the note is gone."""
    make, option = NOTES[name]
    make(in_tmp)
    table = (
        "t" if (in_tmp / "t").is_dir() else "texts" if (in_tmp / "texts").is_dir() else next(in_tmp.glob("a.*")).name
    )
    before, after = (CliRunner().invoke(cli, ["describe", table, *more]) for more in ([], shlex.split(option)))
    said = option.partition(" ")[0] if option in ("--encoding cp1252", "--skip-rows 2") else option
    noted = [line for line in before.output.splitlines() if said in line and not line.startswith("  tk embed")]

    assert (before.exit_code, len(noted)) == (0, 1), before.output
    assert after.exit_code == 0, after.output
    assert noted[0] not in after.output.splitlines()


@pytest.mark.slow
@pytest.mark.parametrize("name", TRAINED)
def test_advice_about_runs_and_stores_works(trained, name):
    """Each refusal of what is to be done with stores and runs."""
    write_csv(trained / "other.csv", ROWS[:5], header=("label", "body"))
    kinds = [f"{label},new text {letter}" for (label, _), letter in zip(ROWS, "abcdefgh", strict=False)]
    (trained / "kinds.csv").write_text("\n".join(["notes,text", *kinds]))

    follow(*TRAINED[name])


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
