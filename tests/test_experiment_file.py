"""``tk run experiment.toml``: the options of the command in a file."""

import re
import tomllib

import pytest
from click.testing import CliRunner
from helpers.commands import ROWS, tk
from helpers.toy import write_csv

import commands.run as run_module
from classify import read_run
from cli import cli
from commands.experiment_file import ABOUT, SECTIONS
from commands.run import run

FILE = """
data = "messages.csv"
heads = "nb"
by = "accuracy"
goals = ["accuracy>=0.5"]
out = "experiments/mine"
[encoders]
max = "static:pooling=max"
w = "words"
[split]
cv = 2
[table]
text_column = "text"
label_map = "spam=bad,ham=good"
"""


@pytest.fixture
def messages(in_tmp):
    """A table of 60 rows."""
    write_csv(in_tmp / "messages.csv", ROWS)
    return in_tmp


def refused(folder, text):
    """The one line that is said of a file with this text."""
    (folder / "e.toml").write_text(text, encoding="utf-8")
    said = tk("run", "e.toml", code=2).stderr.splitlines()
    assert len(said) == 1 and said[0].startswith("Error: e.toml"), said
    return said[0]


@pytest.mark.slow
def test_a_file_is_the_same_as_the_options(messages):
    """Table, encoders, heads, splits, goals; and what the command line says as well wins."""
    (messages / "e.toml").write_text(FILE, encoding="utf-8")
    said = tk("run", "e.toml").stdout
    found = {path.name: read_run(path) for path in (messages / "experiments/mine/runs").iterdir()}

    assert set(found) == {"max.nb", "w.nb"}
    assert found["max.nb"].recipe.features.recipe["options"] == {"pooling": "max"}
    assert found["max.nb"].recipe.classes == ["bad", "good"]
    assert found["max.nb"].recipe.split["folds"] == 2
    assert "goal accuracy>=0.5: accuracy is" in said
    options = ("messages.csv", "--encoder", "max=static:pooling=max", "--encoder", "w=words", "--head", "nb")
    options += ("--cv", "2", "--text-column", "text", "--label-map", "spam=bad,ham=good", "--out", "experiments/mine")
    assert "0 runs made, 2 taken as they were" in tk("run", *options).stdout
    assert "goal accuracy>=1.5: accuracy is" in tk("run", "e.toml", "--goal", "accuracy>=1.5", code=3).stdout
    assert "holds an experiment with other settings" in tk("run", "e.toml", "--cv", "3", code=2).stderr


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('data = "a.csv"\nhead = ["nb"]', "goals, positive, seed, out; did you mean 'heads'?"),
        ('data = "a.csv"\n[split]\nfolds = 5', "there is no key folds in [split]; there are cv, repeats"),
        ('data = "a.csv"\ncv = 5', "cv is in the wrong place; write it in [split]"),
        ('data = "a.csv"\n[split]\nseed = 5', "seed in [split] is in the wrong place; write it at the top of the file"),
        ('data = "a.csv"\n[splits]\ncv = 5', "there is no section [splits], but split, table, encoders; did you mean"),
        ('data = "a.csv"\n[split]\ncv = 2.5', "cv in [split] is 2.5; give a number"),
        ('data = "a.csv"\n[split]\ncv = true', "cv in [split] is true; give a number"),
        ('data = "a.csv"\n[split]\nby_split = "yes"', 'by_split in [split] is "yes"; give true or false'),
        ('data = "a.csv"\nheads = [1]', "heads is [1]; give a text, or a list of these"),
        ('data = "a.csv"\nclean = ["html"]', 'clean is ["html"]; give a text'),
        ('data = "a.csv"\nbudget = 2026-11-29', 'budget is "2026-11-29"; give a text'),
        ('table = "a.csv"', "table is a section, [table] with keys below; a table is data"),
        ("heads = ['nb']", 'names no table; add a line such as data = "messages.csv"'),
        ("data = a.csv", "is no TOML: Invalid value (at line 1, column 8)"),
        ('data = "a.csv"\ndata = "b.csv"', "is no TOML: Cannot overwrite a value"),
    ],
)
def test_mistakes_are_named(in_tmp, text, said):
    """One line: the file, the key, what to do."""
    assert said in refused(in_tmp, text)


def test_files_that_are_none(messages):
    """A file that is missing or no text; a table beside it."""
    assert "gone.toml: No such file or directory; make one with: tk run --write gone.toml" in tk(
        "run", "gone.toml", code=2
    ).stderr  # fmt: skip
    (messages / "e.toml").write_bytes(b"\xff\xfe")
    assert "e.toml is not UTF-8" in tk("run", "e.toml", code=2).stderr
    assert "e.toml names the table; give no other one" in tk("run", "e.toml", "messages.csv", code=2).stderr
    assert tk("run", "--help").exit_code == 0


def test_a_file_to_begin_from(messages, monkeypatch):
    """It holds what was given, and every comment is a key with a value that would be taken."""
    given = ("messages.csv", "--encoder", "w=words", "--head", "nb", "--cv", "3", "--label-map", 'spam="b\x7fd"')
    assert "wrote e.toml; look at it, and: tk run e.toml" in tk("run", *given, "--write", "e.toml").stderr
    text = (messages / "e.toml").read_text(encoding="utf-8")
    plain = "\n".join(re.sub(r"^# (\w+ = )", r"\1", line) for line in text.splitlines())
    keys = {(section, key) for section, own in SECTIONS.items() for key in own}
    whole = tomllib.loads(plain)
    found = {(s, key) for s in SECTIONS for key in (whole[s] if s else whole) if s or key not in ABOUT}

    assert tomllib.loads(text) == {
        "data": ["messages.csv"], "encoders": ["w=words"], "heads": ["nb"], "split": {"cv": 3},
        "table": {"label_map": 'spam="b\x7fd"'},
    }  # fmt: skip
    assert found == keys
    (messages / "all.toml").write_text(plain, encoding="utf-8")
    monkeypatch.setattr(run_module, "read", lambda data, **reading: (_ for _ in ()).throw(InterruptedError(str(data))))
    assert "('messages.csv',)" in tk("run", "all.toml", code=1).stderr  # it comes as far as the table
    assert "--write e.toml: that file is there already" in tk("run", "--write", "e.toml", code=2).stderr
    assert "give a name that ends in .toml" in tk("run", "--write", "e.txt", code=2).stderr


def test_every_option_is_a_key():
    """But those about one call alone."""
    of_a_call = {"files", "dry_run", "write", "as_json"}
    keys = {name for own in SECTIONS.values() for name in own.values()}

    assert {parameter.name for parameter in run.params} - of_a_call == keys


def test_help_is_shown_in_spite_of_a_file(in_tmp):
    """A wrong file is no reason not to say what is right."""
    assert CliRunner().invoke(cli, ["run", "--help"]).exit_code == 0
