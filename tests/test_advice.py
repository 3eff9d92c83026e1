"""What a refusal says to do is done to the letter, and works."""

import contextlib
import gzip
import io
import os
import re
import shlex
import sqlite3
import tarfile
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner
from helpers.commands import ROWS
from helpers.toy import write_csv
from helpers.workbooks import write_xlsx

from cli import cli
from embed import read_table
from stores import FailureError, InputError

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


def damage(name, data):
    """A file that broke off on the way, and the whole one beside it."""

    def make(folder):
        write(f"broken.{name}", data[: len(data) * 2 // 3])(folder)
        write(f"whole.{name}", data)(folder)

    return make


def parquet():
    """The good table."""
    labels, texts = zip(*ROWS, strict=True)
    pq.write_table(pa.table({"label": labels, "text": texts}), file := io.BytesIO())
    return file.getvalue()


def tar():
    """The good table in a packed archive."""
    with tarfile.open(fileobj=(file := io.BytesIO()), mode="w:gz") as archive:
        for label, text in ROWS:
            entry = tarfile.TarInfo(f"{label}/{text[8:11].strip()}.txt")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text.encode()))
    return file.getvalue()


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
    "more rows skipped than there are": (
        write("a.csv", GOOD), "describe a.csv --skip-rows 900", "give fewer", "describe a.csv --skip-rows 0",
    ),
    "more rows of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": [["label", "text"], *map(list, ROWS)]}),
        "describe a.xlsx --skip-rows 900", "give fewer", "describe a.xlsx --skip-rows 0",
    ),
    "less than no rows": (
        write("a.csv", GOOD), "describe a.csv --skip-rows -1", "0 or more", "describe a.csv --skip-rows 0",
    ),
    "rows skipped where lines are no rows": (
        write("a.jsonl", '{"text": "it rains"}\n' * 3), "describe a.jsonl --skip-rows 1", "leave it out",
        "describe a.jsonl",
    ),
    "quote that never closes": (
        lambda folder: [write("a.csv", '"' + GOOD)(folder), write("without.csv", GOOD)(folder)],
        "describe a.csv", "delete it", "describe without.csv",
    ),
    "control characters": (
        lambda folder: [write("a.csv", "\1" + GOOD)(folder), write("without.csv", GOOD)(folder)],
        "describe a.csv", "delete them", "describe without.csv",
    ),
    "another column of labels": (
        write("a.csv", "number,kind,text\n0.5,a,it rains\nhigh,b,it snows\n0.1,a,it pours\n"),
        "embed a.csv --label-column number --label-threshold 0.3", "name another column in --label-column",
        "embed a.csv --label-column kind",
    ),
    "other encoding of a folder": (
        lambda folder: [write(f"t/{name}/1.txt", f"café {name}".encode("cp1252"))(folder) for name in "ab"],
        "embed t --encoding utf-8", "give another --encoding", "embed t --encoding cp1252",
    ),
    "or what is not of it": (
        lambda folder: [write("t/a/1.txt", b"caf\xe9")(folder), write("t/b/1.txt", "tea")(folder)],
        "embed t --encoding utf-8", "--bad-rows skip", None,
    ),
    "other encoding of a text a file": (
        lambda folder: [write("a.txt", b"caf\xe9")(folder), write("b.txt", "tea")(folder)],
        "embed a.txt b.txt --format files --encoding utf-8", "give another --encoding",
        "embed a.txt b.txt --format files --encoding cp1252",
    ),
    "JSON that breaks off": (
        damage("json", b'[{"text": "it rains"}, {"text": "it snows"}]'), "describe broken.json", "correct it",
        "describe whole.json",
    ),
    "Parquet that breaks off": (
        damage("parquet", parquet()), "describe broken.parquet", "fetch it again", "describe whole.parquet",
    ),
    "tar that breaks off": (
        damage("tar.gz", tar()), "describe broken.tar.gz", "fetch it again", "describe whole.tar.gz",
    ),
    "gzip that breaks off": (
        damage("csv.gz", gzip.compress(GOOD.encode())), "describe broken.csv.gz", "fetch it again",
        "describe whole.csv.gz",
    ),
    # git itself is not run: the file that it would fetch lies beside the pointer
    "pointer of Git LFS": (
        lambda folder: [write("a.csv", "version https://git-lfs.github.com/spec/v1\n")(folder),
                        write("fetched.csv", GOOD)(folder)],
        "describe a.csv", "fetch it with: git lfs pull", "describe fetched.csv",
    ),
    "pointer of git-annex": (
        lambda folder: [write("a.csv", "/annex/objects/MD5E-s3--x.csv\n")(folder), write("fetched.csv", GOOD)(folder)],
        "describe a.csv", "fetch it with: git annex get", "describe fetched.csv",
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
    "title that is a row": (write("a.csv", "a,b\n" + GOOD), "--skip-rows 0"),
    "title of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": [["a", "b"], ["label", "text"], *map(list, ROWS)]}),
        "--skip-rows 0",
    ),
    "header of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": list(map(list, ROWS))}), "--header",
    ),
    "backslashes": (
        write("a.csv", "label,text\n" + 'ham,"say \\"hi\\", you"\nspam,"so, you"\n' * 4), "--quoting double",
    ),
    "quotes between tabs": (
        write("a.tsv", "label\ttext\n" + 'ham\t"hi" you\nspam\t"oh\nham\tso\n' * 4), "--quoting double",
    ),
    "blanks before quotes": (
        write("a.csv", "label,text\n" + 'ham, "hi you"\nspam, "oh no"\n' * 4), "--quoting double",
    ),
    "two texts": (
        write("a.csv", "label,title,body\n" + "".join(f"{label},{text} here,{text} in town\n" for label, text in ROWS)),
        "--text-column title --text-column body",
    ),
    "mixed": (
        write("a.csv", b"label,text\n" + "a,café\n".encode() * 9 + b"b,th\xe9\n"), "--encoding cp1252",
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
    "vectors with a single text": (
        f"predict {RUN} --text hello --vectors v.npy", "--vectors is for a run on vectors that were made elsewhere",
        f"predict {RUN} --text hello",
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


@pytest.mark.slow
def test_advice_about_new_texts_works(in_tmp):
    """Of a run whose table had no header, and of one whose tables had other columns for the texts."""
    write("bare.csv", GOOD.partition("\n")[2])(in_tmp)
    write("new.csv", "label,kind\nham,it is\nspam,oh no\n")(in_tmp)
    write("a.csv", GOOD)(in_tmp)
    write("b.csv", GOOD.replace("label,text", "label,body"))(in_tmp)
    write("both.csv", "label,text,body\nham,it is,so it is\nspam,oh,no no\n")(in_tmp)
    for line in (
        "embed bare.csv --no-header --out bare.h5", "classify bare.h5 --cv 2 --no-report --out bare",
        "embed a.csv --out a.h5", "embed b.csv --out b.h5", "features merge a.h5 b.h5 --out both.h5",
        "classify both.h5 --cv 2 --no-report --out both",
    ):  # fmt: skip
        assert tk(line)[0] == 0, line

    follow("predict bare new.csv", "--no-header", None)
    follow("predict both both.csv", "--text-column", "predict both both.csv --text-column body")


@pytest.mark.slow
def test_advice_about_given_vectors_works(in_tmp):
    """A run on vectors that no encoder here has made asks for those of the new texts."""
    write("a.csv", GOOD)(in_tmp)
    np.save("v.npy", np.random.default_rng(0).normal(size=(len(ROWS), 4)).astype(np.float32))
    assert tk("features import v.npy --data a.csv --name mine --out a.h5")[0] == 0
    assert tk("classify a.h5 --cv 2 --no-report --out a")[0] == 0

    follow("predict a a.csv", "--vectors", "predict a a.csv --vectors v.npy")


@pytest.mark.slow
def test_advice_about_bundles_works(trained):
    """What is no bundle stays as it is."""
    write("x.tk", "mine")(trained)
    with zipfile.ZipFile("y.tk", "w") as archive:
        archive.writestr("a.csv", GOOD)
    for name in ("x.tk", "y.tk"):
        code, said = tk(f"predict {name} --text hello")
        assert code == 1
        assert said.endswith("make one with: tk bundle RUN --out FILE\n")
    assert tk(f"bundle {RUN} --out FILE")[0] == 0
    assert tk("predict FILE --text hello")[0] == 0

    follow(f"bundle {RUN} --out x.tk", "--overwrite", None)


@pytest.mark.slow
def test_advice_of_all_trials_works(in_tmp):
    """A larger budget goes on in the same folder; other settings need another one."""
    write("a.csv", GOOD)(in_tmp)
    command = "run a.csv --encoder static --head logistic"
    code, said = tk(f"{command} --budget 0.0001s")
    assert code == 1
    assert "give a larger --budget" in said
    assert tk(f"{command} --budget 10m")[0] == 0

    follow(f"{command} --seed 3 --out experiments/a", "choose another --out", f"{command} --seed 3 --out other")


@pytest.mark.slow
def test_report_is_drawn_again(trained, monkeypatch):
    """With the command that is named, once there is room."""

    def full(*args):
        raise FailureError("report.html could not be written: No space left on device")

    with monkeypatch.context() as broken:
        broken.setattr("classify.reports.page._page", full)
        code, said = tk(f"classify {STORE} --cv 2 --out again")
    command = said.partition("draw it again with: tk ")[2].splitlines()[0]

    assert (code, command) == (0, "report again")
    assert tk(command)[0] == 0
    assert (trained / "again/report.html").is_file()


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
