"""The command line: its help, its version, and its mistakes in one line with an exit code."""

import json
import os
import re
import shlex
import shutil
import subprocess
import sys

import numpy as np
import pytest
from click.testing import CliRunner
from helpers import ROOT
from helpers.commands import LETTERS, ROWS, tk
from helpers.stores import make_store
from helpers.toy import write_csv

from cli import cli
from stores import TokenFeatures

STATIC, WORDS = "features/messages.static.h5", "features/messages.words.h5"


def test_version():
    """The version is that of the package."""
    assert re.fullmatch(r"tk, version \d+\.\d+\.\d+\n", tk("--version").stdout)


@pytest.mark.parametrize("command", sorted(cli.commands))
def test_help_explains_every_option_and_has_an_example(command):
    """Every command says what it does, every option has help, and an example is there to copy."""
    text = tk(command, "--help").stdout

    assert "Example:" in text
    assert cli.commands[command].help
    for option in cli.commands[command].params:
        assert getattr(option, "help", None) or option.param_type_name == "argument", option.name


def examples():
    """Every command line in the help texts, in the order of the commands that need each other."""
    order = [
        "describe",
        "embed",
        "classify",
        "report",
        "bundle",
        "predict",
        "evaluate",
        "compare",
        "ensemble",
        "errors",
    ]
    order += ["rerun", "speed", "vectors", "run", "encoders", "heads", "features", "doctor"]
    assert sorted(order) == sorted(cli.commands)
    below = ["info", "verify", "export", "merge", "join", "diff", "pool", "import", "find", "prune", "sample"]
    assert sorted(below) == sorted(cli.commands["features"].commands)
    assert list(cli.commands["encoders"].commands) == ["check", "shrink"]
    helps = [
        cli.help,
        *(cli.commands[name].help for name in order),
        *(command.help for command in cli.commands["encoders"].commands.values()),
    ]
    helps += [cli.commands["features"].commands[name].help for name in below]
    texts = [re.sub(r"\\\n\s*", "", text) for text in helps]  # one command on two lines
    return [line.strip() for text in texts for line in text.splitlines() if line.strip().startswith("tk ")]


@pytest.mark.slow
def test_examples_of_the_help_run(in_tmp, lookalike):
    """Each command line of every help text works as it stands, in a folder that holds the examples and a model."""
    shutil.copytree(ROOT / "examples", in_tmp / "examples")
    shutil.copytree(lookalike("use4"), in_tmp / "models/universal-sentence-encoder")
    (in_tmp / "vectors").mkdir()
    shutil.copy(lookalike("word_vectors"), in_tmp / "vectors/glove.50d.txt")
    write_csv(in_tmp / "more.csv", ROWS)
    np.save(in_tmp / "vectors.npy", np.eye(960, 3))
    tokens = TokenFeatures({"tokens": np.eye(2, dtype=np.float16)}, np.ones((2, 3), np.int32), np.array([0, 1, 2]))
    (in_tmp / "features").mkdir()
    make_store(in_tmp / "features/messages.bert-tokens.h5", tokens, ["ham", "spam"], ["see", "WIN"])
    tk(*"embed --data more.csv".split())
    tk(*"embed --data examples/messages.csv --pooling max --out features/messages.max.h5".split())

    assert len(examples()) >= 18
    for line in examples():
        tk(*shlex.split(line)[1:])


def _change_encoder(folder):
    """As if the run had been trained on the table of another version."""
    path = folder / "runs/messages.static.logistic/recipe.json"
    recipe = json.loads(path.read_text())
    recipe["features"]["identity_digest"] = "0" * 32
    path.write_text(json.dumps(recipe))


def _make_one_class(folder):
    write_csv(folder / "one.csv", [("ham", "a"), ("ham", "b")])
    tk("embed", "--encoder", "words", "--data", "one.csv")


def _make_few(folder):
    write_csv(folder / "few.csv", [("ham", f"a {w}") for w in LETTERS[:9]] + [("spam", f"b {w}") for w in LETTERS[:3]])
    tk("embed", "--encoder", "words", "--data", "few.csv")


def _make_unlabelled(folder):
    (folder / "texts.csv").write_text("text\nhello\nthere\n")
    tk("embed", "--encoder", "words", "--data", "texts.csv")


def _make_broken(folder):
    (folder / "broken.csv").write_text("label,text\nham,fine\nspam,one,two\n")


def _make_empty(folder):
    (folder / "empty.csv").write_text("")


def _make_file_in_the_way(folder):
    (folder / "taken").write_text("a file, not a folder")


def _make_half_run(folder):
    (folder / "runs/messages.words.logistic/model/1/head.json").unlink()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("prepare", "args", "code", "message"),
    [
        (None, "embed --data none.csv", 2, "none.csv: no such file"),
        (None, "embed --data messages.csv --text-column body", 2, "has no column 'body' (--text-column); it has:"),
        (None, "embed --data messages.csv --encoder glovee", 2, "no encoder 'glovee'; there are:"),
        (None, "embed --data messages.csv --encoder words --pooling max", 2, "encoder words has no option 'pooling'"),
        (None, "embed --data messages.csv --pooling median", 2, "--pooling median does not exist"),
        (None, "embed --data messages.csv --dtype int8", 2, "choose one of float32, float16"),
        (None, "embed", 2, "give a table: tk embed FILE"),
        (None, "embed --dta messages.csv", 2, "No such option '--dta'"),
        (None, "embed --data messages.csv --pooling max", 2, "holds features of another identity"),
        (_make_empty, "embed --data empty.csv", 2, "is empty"),
        (_make_broken, "embed --data broken.csv", 2, "broken.csv, line 3: 3 cells where the header has 2"),
        (_make_file_in_the_way, "embed --data messages.csv --out taken/a.h5", 1, "taken/a.h5.parts could not"),
        (None, "classify --features none.h5", 2, "none.h5: no such file; make a feature store with: tk embed"),
        (None, "classify --features messages.csv", 1, "no HDF5 file"),
        (_make_one_class, "classify --features features/one.words.h5", 2, "one class only, 'ham'"),
        (_make_few, "classify --features features/few.words.h5", 2, "class 'spam' has 3 different texts"),
        (_make_unlabelled, "classify --features features/texts.words.h5", 2, "no labelled rows"),
        (None, f"classify --features {WORDS} --head dense", 2, "head dense takes pooled features, but"),
        (None, f"classify --features {STATIC} --head dense:unit=3", 2, "no option 'unit'; it has: units"),
        (None, f"classify --features {STATIC} --cv 3 --test-size 0.2", 2, "exclude each other"),
        (None, f"classify --features {STATIC} --cv three", 2, "'three' is not a valid integer"),
        (None, f"classify --features {STATIC} --sampler smite", 2, "choose one of none, under, over"),
        (None, f"classify --features {STATIC} --out runs/messages.static.logistic", 2, "exists already"),
        (_make_file_in_the_way, f"classify --features {STATIC} --out taken/run", 1, "taken/run could not be made"),
        (None, "predict --run runs/none --text a", 2, "is no run"),
        (None, "predict --run runs/messages.static.logistic", 2, "give either --data FILE or --text TEXT"),
        (_change_encoder, "predict --run runs/messages.static.logistic --text a", 1, "it is not what was written"),
        (_make_half_run, "predict --run runs/messages.words.logistic --text a", 1, "head.json is missing"),
        (
            _make_broken,
            "predict --run runs/messages.words.logistic --data broken.csv --out o.csv",
            2,
            "line 3: 3 cells",
        ),
        (None, "dance", 2, "No such command 'dance'"),
    ],
)
def test_mistake_is_one_line_with_the_cure(trained, prepare, args, code, message):
    """What, where, and what to do, on stderr; nothing on stdout, no traceback, and no file is made or changed."""
    if prepare:
        prepare(trained)
    before = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}
    result = tk(*shlex.split(args), code=code)

    last = result.stderr.splitlines()[-1]
    assert last.startswith("Error: ")
    assert message in last
    assert "Traceback" not in result.output
    assert result.stdout == ""
    after = {path: path.read_bytes() for path in trained.rglob("*") if path.is_file() and ".parts" not in str(path)}
    assert after == before


@pytest.mark.parametrize("args", [[], ["features"]])
def test_no_command_shows_the_help(args):
    """As it is laid out, not as one long line."""
    result = CliRunner().invoke(cli, args)

    assert result.exit_code in (0, 2)  # by the version of Click
    assert "\nCommands:\n" in result.output


def test_debug_shows_the_traceback(in_tmp):
    """For those who debug the program rather than the input."""
    done = subprocess.run(
        [sys.executable, "-m", "cli", "--debug", "embed", "--data", "none.csv"],
        capture_output=True, text=True, check=False, cwd=in_tmp, env={"PYTHONPATH": str(ROOT)},
    )  # fmt: skip

    assert "Traceback" in done.stderr


def test_listings_name_every_encoder_and_head():
    """With their options and defaults; for encoders, the default weights and whether they are cached."""
    listed = tk("encoders").stdout
    found = json.loads(tk("encoders", "--json").stdout)

    assert "words" in listed
    assert "weights: 1 GB, Apache-2.0, Google on TF-Hub and Kaggle, not cached" in listed
    assert found["encoders"]["use"]["model"]["model"] == "https://tfhub.dev/google/universal-sentence-encoder/4"
    assert found["encoders"]["use"]["model"]["cached"] is None
    assert found["encoders"]["words"]["model"] is None
    assert found["cache"]["folder"] == os.environ["TK_CACHE_DIR"]
    assert "learning_rate=0.0002  of Adam." in tk("heads").stdout
    assert set(json.loads(tk("heads", "--json").stdout)) >= {"majority", "logistic", "nb", "dense"}
