"""What a refusal or a note about columns, labels and options says to do works."""

import shlex

import pytest
from click.testing import CliRunner
from helpers.advice import GOOD, follow, link, tk, write
from helpers.commands import ROWS
from helpers.workbooks import write_xlsx

from cli import cli

TWO_LABELS = "mood,tone,text\n" + "calm,soft,it rains\nwild,loud,it pours\ncalm,loud,it snows\nwild,soft,it hails\n" * 5
FRACTIONS = "label,text\n0.5,it rains\n0.25,it snows\n0.75,it pours\n0.1,it hails\n"
COMMAS = 'label,text\n"1,2",it rains\n"2,5",it snows\n"1,5",it pours\n3,it hails\n'
# what is made, the command that is refused, the advice as it stands in the refusal, what is typed then
# (None: the command with the advice behind it)
CASES = {
    "title above the header": (
        write("a.csv", "Report\n\n" + GOOD.replace("label,text", "kind,words")), "embed a.csv", "--skip-rows 2", None,
    ),
    "title with a delimiter": (
        write("a.csv", "Report,\n" + GOOD.replace("label,text", "kind,words")), "embed a.csv", "--skip-rows 1", None,
    ),
    "header or data": (write("a.csv", "foo,rain\nbar,snow\n"), "embed a.csv", "--header", None),
    "or data": (write("a.csv", "foo,rain\nbar,snow\n"), "embed a.csv", "--no-header", None),
    "field inside": (
        write("a.jsonl", "".join(f'{{"data": {{"text": "{text}"}}}}\n' for _, text in ROWS)), "embed a.jsonl",
        "--text-column data.text", None,
    ),
    "broken row": (write("a.csv", GOOD + "a,b,c\n"), "embed a.csv", "--bad-rows skip", None),
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
    "less than no rows": (
        write("a.csv", GOOD), "describe a.csv --skip-rows -1", "0 or more", "describe a.csv --skip-rows 0",
    ),
    "rows skipped where lines are no rows": (
        write("a.jsonl", '{"text": "it rains"}\n' * 3), "describe a.jsonl --skip-rows 1", "leave it out",
        "describe a.jsonl",
    ),
    "another column of labels": (
        write("a.csv", "number,kind,text\n0.5,a,it rains\nhigh,b,it snows\n0.1,a,it pours\n"),
        "embed a.csv --label-column number --label-threshold 0.3", "name another column in --label-column",
        "embed a.csv --label-column kind",
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


@pytest.mark.parametrize("name", CASES)
def test_advice_about_tables_works(in_tmp, name):
    """Each refusal of a table, or of how it is to be read."""
    make, command, advice, then = CASES[name]
    make(in_tmp)
    refusal, (code, said) = follow(command, advice, then)

    assert advice in refusal
    assert code == 0, said


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
