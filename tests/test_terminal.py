"""No string of a stranger moves a terminal: escapes and marks of direction come out as their spelling."""

import contextlib
import json
import re
import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner
from helpers.commands import LETTERS, tk
from helpers.stores import make_store, pooled

from cli import cli

EVIL = "\x1b]0;owned\x07\x1b[2J\u202ereversed\u2066\x9b31m\x7f"
DANGEROUS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069]")
FILES = {
    "table": f"a{EVIL}.jsonl",
    "other": f"b{EVIL}.jsonl",
    "store": f"s{EVIL}.h5",
    "run": f"run{EVIL}",
    "second": f"run2{EVIL}",
}
TEXT, LABEL = f"text{EVIL}", f"label{EVIL}"


@pytest.fixture(scope="module")
def evil_folder(tmp_path_factory):
    """A table, a store and runs whose texts, labels, columns and names hold escapes."""
    folder = tmp_path_factory.mktemp("evil")
    rows = [
        (f"{'no' if i % 3 else 'yes'}{EVIL}", f"{'tea' if i % 3 else 'WIN'} {EVIL} {LETTERS[i]}") for i in range(60)
    ]
    rows += [(f"no{EVIL}", f"WIN {EVIL} {LETTERS[0]}")] * 2
    with contextlib.chdir(folder):
        for name in ("table", "other"):
            Path(FILES[name]).write_text("".join(json.dumps({LABEL: a, TEXT: b}) + "\n" for a, b in rows))
        tk("embed", FILES["table"], "--text-column", TEXT, "--label-column", LABEL, "--out", FILES["store"])
        for head, run in (("logistic", "run"), ("majority", "second")):
            tk("classify", FILES["store"], "--head", head, "--cv", "2", "--no-report", "--out", FILES[run])
    return folder


@pytest.fixture
def evil(evil_folder, in_tmp):
    """The test runs in a copy of that folder."""
    shutil.copytree(evil_folder, in_tmp, dirs_exist_ok=True)


COMMANDS = [
    ["describe", "{table}"],
    ["describe", "{table}", "--text-column", f"missing{EVIL}"],
    ["describe", "{other}", "--json"],
    ["embed", "{other}", "--out", "new.h5"],
    ["embed", "{other}", "--out", "words.h5", "--encoder", "words"],
    ["embed", "{table}", "--label-map", f"x{EVIL}=y"],
    ["embed", f"none{EVIL}.csv"],
    ["classify", "{store}", "--cv", "2", "--out", f"new{EVIL}", "--no-report"],
    ["classify", "{store}", "--positive", f"none{EVIL}"],
    ["classify", "{store}", "--head", f"none{EVIL}"],
    ["classify", "{store}", "--cv", "2", "--json", "--out", f"new{EVIL}", "--no-report"],
    ["predict", "{run}", f"none{EVIL}.csv"],
    ["compare", "{run}", "{second}"],
    ["compare", "{run}", "{second}", "--json"],
    ["compare", "{run}", "{second}", "--to", "markdown"],
    ["compare", "{run}", "{second}", "--to", "latex"],
    ["compare", "{run}", "{second}", "--to", "csv"],
    ["rerun", "{run}", "--out", f"again{EVIL}"],
    ["run", f"none{EVIL}.toml"],
    ["predict", "{run}", "{other}", "--fail-if", f"share.{EVIL}>0.5"],
    ["ensemble", "{run}", "{second}", "--out", f"both{EVIL}", "--no-report"],
    ["errors", "{run}"],
    ["errors", "{run}", "--json"],
    ["speed", "{run}"],
    ["vectors", "{run}", "--out", f"v{EVIL}.npz"],
    ["evaluate", "{run}", "{other}"],
    ["evaluate", "{run}", "{other}", "--json"],
    ["report", f"none{EVIL}"],
    [
        "run",
        "{table}",
        "--text-column",
        TEXT,
        "--label-column",
        LABEL,
        "--encoder",
        "words",
        "--encoder",
        "static",
        "--head",
        "nb",
        "--cv",
        "2",
        "--out",
        f"experiment{EVIL}",
    ],
    ["run", "{table}", "--encoder", f"words{EVIL}"],
    ["bundle", "{run}", "--out", f"model{EVIL}.tk"],
    ["heads"],
    ["encoders"],
    ["encoders", "check", f"none{EVIL}"],
    ["features", "info", "{store}"],
    ["features", "info", "{store}", "--json"],
    ["features", "verify", "{store}"],
    ["features", "diff", "{store}", "{store}"],
    ["features", "export", "{store}", "--to", "npz", "--out", f"x{EVIL}.npz"],
    ["features", "find", "."],
    ["features", "pool", "{store}", "--out", f"p{EVIL}.h5"],
    ["features", "sample", "{store}", "--rows", "2", "--out", f"s{EVIL}.h5"],
    ["features", "import", f"none{EVIL}.npy", "{table}", "--name", f"theirs{EVIL}"],
    ["features", "merge", "{store}", f"none{EVIL}.h5", "--out", "m.h5"],
    ["features", "join", "{store}", "{store}", "--out", f"j{EVIL}.h5"],
    ["features", "prune", ".", "--json"],
    ["doctor"],
]


@pytest.mark.slow
@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: re.sub("[^a-z -]", "", " ".join(command))[:30])
def test_every_command_shows_what_strangers_wrote_as_it_is_spelt(evil, command):
    """On stdout and stderr, in tables, notes, errors and JSON."""
    result = CliRunner().invoke(cli, [word.format(**FILES) for word in command])

    assert result.exit_code in (0, 1, 2)
    assert not DANGEROUS.search(result.output), repr(DANGEROUS.search(result.output))
    assert "unforeseen" not in result.output


def test_every_command_is_among_them():
    """A new command is to be fed as well."""
    groups = {"features", "encoders"}
    tried = {tuple(words[: 1 + (words[0] in groups)]) for words in COMMANDS}
    tried = {words[0] if len(words) == 1 or words[0] not in groups else words for words in tried}

    assert {name for name in cli.commands if name not in groups} <= {"predict", *tried}
    assert {("features", name) for name in cli.commands["features"].commands} <= tried


@pytest.mark.slow
def test_json_says_what_there_is(evil):
    """The escapes are those of JSON: a program reads the same string."""
    found = json.loads(tk("features", "info", FILES["store"], "--json").stdout)

    assert any(name.startswith("yes\x1b]0;owned\x07") for name in found["labels"])


def test_text_of_a_stranger_begins_no_line(in_tmp):
    """A label with a line break cannot pretend to be a message of the program."""
    labels = ["a\nError: send money"] * 20 + ["b"] * 20
    make_store(in_tmp / "a.h5", pooled([[float(i)] for i in range(40)]), labels, list(map(str, range(40))))
    said = tk("features", "info", "a.h5").output + tk("classify", "a.h5", "--cv", "2", "--no-report").output

    assert not re.search("^Error", said, re.MULTILINE)
    shutil.rmtree(in_tmp / "runs")
