"""What people type: bare arguments, misspelt names, the Tab key, and environment variables."""

import json

import click
import pytest
from click.shell_completion import ShellComplete
from helpers.commands import ROWS, tk
from helpers.stores import make_store, pooled
from helpers.toy import write_csv

from cli import cli
from commands.completion import variables
from stores.shared.suggest import did_you_mean


@pytest.mark.slow
def test_tables_stores_and_runs_as_arguments(in_tmp):
    """As people type them; options with the same meaning are added to them."""
    write_csv(in_tmp / "a.csv", ROWS)
    write_csv(in_tmp / "b.csv", [(label, f"{text} again") for label, text in ROWS])
    assert tk("describe", "a.csv").stdout == tk("describe", "--data", "a.csv").stdout
    tk("embed", "a.csv")
    tk("embed", "a.csv", "--data", "b.csv", "--out", "both.h5")
    assert json.loads(tk("features", "info", "both.h5", "--json").stdout)["rows"] == 2 * len(ROWS)
    tk("classify", "features/a.static.h5", "--cv", "2", "--no-report", "--out", "run")

    assert tk("predict", "run", "--text", "WIN cash").stdout.splitlines()[1].startswith("WIN cash,spam,")


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("embed", "give a table: tk embed FILE"),
        ("describe", "give a table: tk describe FILE"),
        ("classify", "give a store: tk classify STORE"),
        ("predict", "give a run: tk predict RUN"),
    ],
)
def test_nothing_to_work_on(command, message):
    """What is missing, and how to write it."""
    assert message in tk(command, code=2).stderr


@pytest.mark.parametrize(
    ("name", "names", "expected"),
    [
        ("logistics", ["logistic", "lstm"], "; did you mean 'logistic'?"),
        ("Text_Column", ["text-column", "id"], "; did you mean 'text-column'?"),
        ("klingon", ["logistic", "lstm"], ""),
        ("float64", ["float16", "int8"], ""),
        ("flot64", ["float64", "float16"], "; did you mean 'float64'?"),
        ("x", [], ""),
    ],
)
def test_nearest_name(name, names, expected):
    """One that is like it, if there is one."""
    assert did_you_mean(name, names) == expected


@pytest.mark.parametrize(
    ("command", "meant"),
    [
        ("embed a.csv --encoder statc", "did you mean 'static'?"),
        ("embed a.csv --clean lowr", "did you mean 'lower'?"),
        ("embed a.csv --text-column txt", "did you mean 'text'?"),
        ("embed a.csv --dtype flot32", "did you mean 'float32'?"),
        ("embed a.csv --format cvs", "did you mean 'csv'?"),
        ("embed a.csv --pooling maen", "did you mean 'mean'?"),
        ("classify a.h5 --head logistics", "did you mean 'logistic'?"),
        ("classify a.h5 --head logistic:c=1", "did you mean 'C'?"),
        ("classify a.h5 --sampler undr", "did you mean 'under'?"),
        ("embed a.csv --encodr static", "--encoder"),
    ],
)
def test_misspelt_names(in_tmp, command, meant):
    """Encoders, steps, heads, their options, samplers, options of commands."""
    write_csv(in_tmp / "a.csv", ROWS)
    make_store(in_tmp / "a.h5", pooled([[float(i % 2)] for i in range(40)]), ["a", "b"] * 20, list(map(str, range(40))))

    assert meant in tk(*command.split(), code=2).stderr


def completed(line):
    """What the Tab key proposes at the end of a command line."""
    *words, incomplete = line.split(" ")
    found = ShellComplete(cli, {}, "tk", "_TK_COMPLETE").get_completions(words, incomplete)
    return [item.value if item.type == "plain" else item.type for item in found]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("emb", ["embed"]),
        ("embed --encoder s", ["static"]),
        ("classify --head gr", ["gru", "gru2"]),
        ("classify --sampler s", ["smote"]),
        ("embed --dtype f", ["float32", "float16"]),
        ("embed --clean u", ["urls"]),
        ("embed --data a", ["file"]),
        ("embed a", ["file"]),
        ("classify feat", ["file"]),
        ("features export --to n", ["npz"]),
        ("ensemble --method v", ["vote"]),
        ("compare --by f1_ma", ["f1_macro"]),
    ],
)
def test_values_are_completed(line, expected):
    """Names of encoders, heads, metrics and choices; files where one is to be given."""
    assert completed(line) == expected


def test_completion_script():
    """The line of the page gives a script for each shell."""
    for shell in ("bash", "zsh", "fish"):
        from click.shell_completion import get_completion_class

        script = get_completion_class(shell)(cli, {}, "tk", "_TK_COMPLETE").source()
        assert "_TK_COMPLETE" in script


def test_every_option_has_a_variable_of_its_own():
    """No two options share one, and each is named after its command and itself."""
    named = variables(cli)
    options = 0

    def count(command):
        nonlocal options
        options += sum(isinstance(parameter, click.Option) for parameter in command.params)
        for below in getattr(command, "commands", {}).values():
            count(below)

    count(cli)
    assert len(named) == options > 100
    assert {"TK_QUIET", "TK_EMBED_LABEL_COLUMN", "TK_FEATURES_EXPORT_TO", "TK_CLASSIFY_HEAD"} <= named.keys()


def test_variables_set_options(in_tmp, monkeypatch):
    """A value, several, a switch that is on, one that turns something off; what is typed counts more."""
    write_csv(in_tmp / "a.csv", ROWS)
    monkeypatch.setenv("TK_EMBED_ENCODER", "words")
    monkeypatch.setenv("TK_EMBED_KEEP_TEXTS", "no")
    tk("embed", "a.csv")
    assert json.loads(tk("features", "info", "features/a.words.h5", "--json").stdout)["texts"] == "left out"
    tk("embed", "a.csv", "--encoder", "static")
    assert (in_tmp / "features/a.static.h5").exists()
    monkeypatch.setenv("TK_CLASSIFY_REPORT", "0")
    monkeypatch.setenv("TK_CLASSIFY_HEAD", "majority nb")
    monkeypatch.setenv("TK_CLASSIFY_CV", "2")
    monkeypatch.setenv("TK_CLASSIFY_JSON", "1")
    runs = json.loads(tk("classify", "features/a.words.h5").stdout)
    assert [run["recipe"]["head"]["name"] for run in runs] == ["majority", "nb"]


def test_misspelt_variable_is_named(in_tmp, monkeypatch):
    """It is not passed over in silence; variables of others are."""
    write_csv(in_tmp / "a.csv", ROWS)
    monkeypatch.setenv("TK_EMBED_ENCODR", "words")
    monkeypatch.setenv("TK_SILENCE_DEPRECATION", "1")
    said = tk("describe", "a.csv").stderr

    assert said.splitlines()[0] == (
        "Warning: the environment variable TK_EMBED_ENCODR sets no option; did you mean 'TK_EMBED_ENCODER'?"
    )
    assert "SILENCE" not in said
