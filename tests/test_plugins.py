"""Encoders that are added: as one file of the project, or by the entry points of another package."""

import os
import re
import shutil
import subprocess
import sys

import pytest
from helpers import ROOT
from helpers.commands import ROWS, tk
from helpers.toy import TEN_ROWS, write_csv

from cli import cli
from commands import encoder_options
from commands.encoder_options import generated_options
from embed import load_encoder
from stores import FeatureStore, InputError
from stores.shared.registry import Registry, parse_spec

PAGE = ROOT / "docs/how-to/add-an-encoder.md"


def code():
    """The class of the page, as it stands there."""
    return re.search(r"```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1]


def commands():
    """The command lines of the page."""
    return re.search(r"```sh\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.DOTALL)[1].splitlines()


def run(*args, path, cwd, code=0):
    """A command line in a process of its own, in which ``path`` is where modules are."""
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, path))}
    command = [sys.executable, "-m", "cli", *args]
    done = subprocess.run(command, capture_output=True, text=True, cwd=cwd, env=environment)
    assert done.returncode == code, done.stderr
    return done


def package(folder, name, target, source):
    """A package that is installed in ``folder``: a module, and what pip would write beside it."""
    folder.mkdir(exist_ok=True)
    module, _, _ = target.partition(":")
    (folder / f"{module}.py").write_text(source, encoding="utf-8")
    info = folder / f"{module}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[tk.encoders]\n{name} = {target}\n")
    return folder


def assert_works_in_every_way(path, cwd):
    """The encoder is listed, and its options are reached in both ways."""
    shutil.copytree(ROOT / "examples", cwd / "examples")
    for line in commands():
        done = run(*line.split()[1:], path=path, cwd=cwd)
    assert "word-lengths" in done.stdout
    with FeatureStore(cwd / "features/messages.word-lengths.h5") as one, FeatureStore(cwd / "features/two.h5") as two:
        assert one.identity == {
            "encoder": "word-lengths", "version": 1, "scale": 2.0, "longest": True, "dtype": "float32", "cleaning": [],
        }  # fmt: skip
        assert (two.to_numpy() == one.to_numpy()[:, :2]).all()
        words = one.texts[0].split()
        assert one.to_numpy()[0].tolist() == pytest.approx(
            [2 * len(words), 2 * sum(map(len, words)) / len(words), 2 * max(map(len, words))]
        )


@pytest.mark.slow
def test_one_file_is_an_encoder(tmp_path):
    """A copy of the project with one more file, which is called otherwise than the encoder: nothing else is touched."""
    project, work = tmp_path / "project", tmp_path / "work"
    for name in ("commands", "embed", "classify", "stores"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "cli.py", project)
    (project / "embed/encoders/lengths_of_words.py").write_text(code(), encoding="utf-8")
    work.mkdir()
    assert_works_in_every_way([project], work)
    text = run("embed", "--help", path=[project], cwd=work).stdout
    shown = " ".join(text.split())
    assert "--scale FLOAT word-lengths: what every number is multiplied by [default: 1.0]" in shown
    assert "--longest / --no-longest" in text


@pytest.mark.slow
def test_another_package_has_an_encoder(tmp_path):
    """By its entry point; the code is that of the page."""
    installed = package(tmp_path / "site", "word-lengths", "word_lengths:WordLengths", code())
    work = tmp_path / "work"
    work.mkdir()
    assert_works_in_every_way([ROOT, installed], work)


@pytest.mark.slow
def test_broken_package_is_named_and_harms_no_other_command(tmp_path):
    """One line in the list, one line where it is asked for, and none elsewhere."""
    installed = package(tmp_path / "site", "no-good", "broken_one:NoGood", "import there_is_no_such_module\n")
    table = write_csv(tmp_path / "ten.csv", TEN_ROWS)
    listed = run("encoders", path=[ROOT, installed], cwd=tmp_path).stdout
    other = run("embed", "--data", str(table), path=[ROOT, installed], cwd=tmp_path)
    asked = run("embed", "--encoder", "no-good", "--data", str(table), path=[ROOT, installed], cwd=tmp_path, code=1)

    line = "no-good of the package broken_one cannot be loaded (ModuleNotFoundError: No module named 'there_is_no_such_"
    assert next(text for text in listed.splitlines() if text.startswith("no-good")).endswith(f"{line}module')")
    assert "broken_one" not in other.stderr + other.stdout
    assert asked.stderr == f"Error: {line}module')\n"


def test_no_package_takes_a_name_of_the_project(tmp_path):
    """``static`` stays what it is."""
    installed = package(tmp_path / "site", "static", "word_lengths:WordLengths", code())
    done = run("encoders", "check", "static", path=[ROOT, installed], cwd=tmp_path)

    assert re.search(r"^pooled +float32 \[73, ", done.stdout, re.MULTILINE)


def test_options_of_a_class_are_read_from_its_source(tmp_path, monkeypatch):
    """Names, types, defaults and help, without an import: this module could not be imported."""
    (tmp_path / "some_package").mkdir()
    (tmp_path / "some_package/a_file.py").write_text(
        '''
import there_is_no_such_module

class Thing(there_is_no_such_module.Base):
    """It does something.

    Args:
        size, depth: numbers, which go on
            in the next line.
        model: a name; None: ``the usual one``.
        fast: whether it hurries.
    """

    name = "my-thing"

    def __init__(self, size: int = 3, depth: float | None = None, *, model: str = USUAL, fast: bool = False):
        pass
'''
    )
    monkeypatch.syspath_prepend(tmp_path)
    registry = Registry("some_package", "tk.things", "thing")
    options = [(o.name, o.kind, o.default, o.help) for o in registry.entry("my-thing").options]

    assert registry.names() == ["my-thing"]
    assert options == [
        ("size", int, 3, "numbers, which go on in the next line."),
        ("depth", float, None, "numbers, which go on in the next line."),
        ("model", str, None, "a name; None: the usual one."),
        ("fast", bool, False, "whether it hurries."),
    ]
    assert registry.options("my-thing", {"size": "4", "fast": "true", "model": "x"}) == {
        "size": 4, "fast": True, "model": "x",
    }  # fmt: skip
    with pytest.raises(InputError, match="thing my-thing: size=four is not a whole number"):
        registry.options("my-thing", {"size": "four"})
    with pytest.raises(InputError, match="thing my-thing has no option 'sise'; it has: size, depth, model, fast; did"):
        registry.options("my-thing", {"sise": "4"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ("static", ("static", {})),
        ("bert:layer=-2,max-tokens=64", ("bert", {"layer": "-2", "max_tokens": "64"})),
        ("elmo:mix=0.2,0.3,0.5,layer=mix", ("elmo", {"mix": "0.2,0.3,0.5", "layer": "mix"})),
        ("glove:model=a=b.txt", ("glove", {"model": "a=b.txt"})),
    ],
)
def test_name_with_options(spec, expected):
    """A piece without an equals sign belongs to the value before it."""
    assert parse_spec(spec) == expected


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("bert:layer", "'layer' has no value; write bert:layer=VALUE"),
        ("bert:layer=", "'layer' has no value; write bert:layer=VALUE"),
        ("bert:layer=1,layer=2", "layer is given twice"),
    ],
)
def test_wrong_specs(spec, message):
    """Each is one line."""
    with pytest.raises(InputError, match=message):
        parse_spec(spec)


def test_an_option_is_given_once(in_tmp):
    """Beside the encoder or as an option, not both."""
    write_csv(in_tmp / "ten.csv", TEN_ROWS)
    error = tk("embed", "--encoder", "static:pooling=max", "--pooling", "mean", "--data", "ten.csv", code=2).stderr
    assert error == "Error: pooling is given in 'static:pooling=max' and as --pooling; leave out one of them\n"


def test_encoders_are_looked_at_for_what_the_command_does_not_know(in_tmp, monkeypatch):
    """An option, or a variable, of an encoder; what the command has itself costs no look at sixteen encoders."""
    write_csv(in_tmp / "t.csv", ROWS[:12])
    looked = []
    monkeypatch.setattr(encoder_options, "generated_options", lambda: [*generated_options(), looked.append(1)][:-1])

    def pooling(*more):
        for name in ("_all", "_generated"):
            vars(cli.commands["embed"]).pop(name, None)
        looked.clear()
        tk("embed", "t.csv", "--encoder=static", "--out", "a.h5", "--overwrite", *more)
        with FeatureStore("a.h5") as store:
            return store.identity["pooling"], bool(looked)

    assert pooling() == ("mean", False)
    assert pooling("--pooling", "max") == ("max", True)
    monkeypatch.setenv("TK_EMBED_POOLING", "max")
    assert pooling() == ("max", True)


def test_options_as_text_have_their_types():
    """As they come from the command line."""
    assert load_encoder("static", shape="false").shape is False
    with pytest.raises(InputError, match="encoder static: shape=maybe is not true or false"):
        load_encoder("static", shape="maybe")


HELLO = '''"""The command ``tk hello``."""

import click

from commands.terminal import echo


@click.command()
@click.option("--name", default="world", help="Who is greeted.")
def hello(name: str) -> None:
    """Greet somebody."""
    echo(f"hello {name}")
'''


def test_one_file_is_a_command(tmp_path):
    """A copy of the project with one more file in ``commands``, imported and listed in cli.py."""
    project = tmp_path / "project"
    for name in ("commands", "stores"):
        shutil.copytree(ROOT / name, project / name, ignore=shutil.ignore_patterns("__pycache__"))
    (project / "commands/hello.py").write_text(HELLO, encoding="utf-8")
    main = (ROOT / "cli.py").read_text(encoding="utf-8")
    main = main.replace("for command in (\n", "from commands.hello import hello\n\nfor command in (\n    hello,\n")
    (project / "cli.py").write_text(main, encoding="utf-8")

    assert run("hello", "--name", "you", path=[project, ROOT], cwd=tmp_path).stdout == "hello you\n"
    assert "Greet somebody." in run("--help", path=[project, ROOT], cwd=tmp_path).stdout
    assert run("helo", path=[project, ROOT], cwd=tmp_path, code=2).stderr.startswith("Error: No such command 'helo'")
