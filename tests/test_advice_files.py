"""What a refusal of a file says to do works: encodings, forms, archives, sheets, quotes, damage."""

import gzip
import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from helpers.advice import GOOD, database, follow, link, write
from helpers.commands import ROWS
from helpers.workbooks import write_xlsx

BARE = [["foo", "rain"], ["bar", "snow"], ["foo", "wind"], ["bar", "hail"]]
RUSSIAN = "Доброе утро, как дела? Спасибо, очень хорошо. Жду, когда приедет мой брат в город"


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
    "sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {name: [["text"], ["it rains"], ["it snows"]] for name in "xy"}),
        "embed a.xlsx", "--sheet x", None,
    ),
    "table of a database": (database, "embed a.db", "--table one", None),
    "texts or lines": (several, "embed a.txt b.txt", "--format files", None),
    "or lines": (several, "embed a.txt b.txt", "--format lines", None),
    "or classes": (several, "embed a.txt b.txt", "--format classes", None),
    "no text in a folder": (
        lambda folder: [write("t/a/1.txt", "x y")(folder), write("t/b/2.txt", b"%PDF-1.4")(folder)],
        "embed t", "--bad-rows skip", None,
    ),
    "links": (link, "embed texts", "--follow-links", None),
    "format": (write("a.csv", GOOD), "embed a.csv --format cvs", "csv", "embed a.csv --format csv"),
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
    "more rows of a sheet": (
        lambda folder: write_xlsx(folder / "a.xlsx", {"x": [["label", "text"], *map(list, ROWS)]}),
        "describe a.xlsx --skip-rows 900", "give fewer", "describe a.xlsx --skip-rows 0",
    ),
    "quote that never closes": (
        lambda folder: [write("a.csv", '"' + GOOD)(folder), write("without.csv", GOOD)(folder)],
        "describe a.csv", "delete it", "describe without.csv",
    ),
    "control characters": (
        lambda folder: [write("a.csv", "\1" + GOOD)(folder), write("without.csv", GOOD)(folder)],
        "describe a.csv", "delete them", "describe without.csv",
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


@pytest.mark.parametrize("name", CASES)
def test_advice_about_tables_works(in_tmp, name):
    """Each refusal of a table, or of how it is to be read."""
    make, command, advice, then = CASES[name]
    make(in_tmp)
    refusal, (code, said) = follow(command, advice, then)

    assert advice in refusal
    assert code == 0, said
