"""The pages are true: what they show runs, and they speak of all that there is."""

import contextlib
import glob
import os
import re
import shlex
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner
from helpers import ROOT
from helpers.pages import GENERATED, PAGES, code_blocks, make_stand_ins

from classify.heads import names as head_names
from classify.scoring.metrics import METRICS
from cli import cli
from embed.encoders import names as encoder_names
from tools.update_reference import FOLDER, commands, pages

BY_HAND = {name: text for name, text in PAGES.items() if name not in GENERATED}
RUNS = {
    name: text for name, text in BY_HAND.items() if any(b.language in ("bash", "python") for b in code_blocks(text))
}


def tk(line):
    """The output of a command line of tk; unquoted patterns name files, as in a shell."""
    words = []
    for word in shlex.split(line, comments=True)[1:]:
        found = sorted(glob.glob(word)) if "*" in word and f'"{word}"' not in line else []
        words += found or [word]
    if "--engine ray" in line:  # a cluster that this process has started is in the way of those of other tests
        environment = os.environ | {"PYTHONPATH": str(ROOT)}
        done = subprocess.run([sys.executable, "-m", "cli", *words], capture_output=True, text=True, env=environment)
        assert done.returncode == 0, f"{line}: {done.stderr}"
        return done.stdout
    result = CliRunner().invoke(cli, words)
    assert result.exit_code == 0, f"{line}: {result.output}"
    return result.stdout


def assert_shown(session):
    """Each command gives the output that is shown: all of its words, and the same counts.

    Scores may differ in the last digits on another machine, so numbers with a decimal point are compared to 0.02.
    """
    for command, shown in re.findall(r"\$ (tk .+)\n((?:(?!\$ ).*\n)*)", session):
        found, expected = tk(command).split(), shown.split()
        assert len(found) == len(expected)
        for a, b in zip(found, expected, strict=True):
            if re.fullmatch(r"\d\.\d{3,}", a) and re.fullmatch(r"\d\.\d{3,}", b):
                assert float(a) == pytest.approx(float(b), abs=0.02)
            elif "." not in a:
                assert a == b


@pytest.mark.slow
@pytest.mark.parametrize("name", RUNS)
def test_code_of_a_page_runs(name, in_tmp, lookalike):
    """From the first block to the last, in one folder that holds small files of the names that the page uses."""
    make_stand_ins(in_tmp, PAGES[name], lookalike)
    if "features/reviews.static.h5" in PAGES[name]:
        tk("tk embed --data reviews.csv")
    scope = {}
    for block in code_blocks(PAGES[name]):
        if block.reason:
            continue
        if block.language == "python":
            exec(compile(block.code, name, "exec"), scope)
        elif block.language == "console":  # sessions have a folder of their own, as where they were recorded
            with contextlib.chdir(in_tmp / "session"):
                assert_shown(block.code)
        elif block.language == "bash":
            for line in block.lines:
                assert line.startswith("tk "), f"{line}: only tk runs here; say <!-- not run: why --> before the block"
                tk(line)


def test_commands_that_are_not_run_exist():
    """Of blocks that cannot run in a test, every option is one of that command, and there is a reason."""
    lines = [line for text in BY_HAND.values() for b in code_blocks(text) if b.reason for line in b.lines]
    checked = 0
    for line in lines:
        if match := re.search(r"\btk (?:--quiet )?(\w+)(.*)", line):
            command, words = cli.commands[match[1]], shlex.split(match[2], comments=True)
            while isinstance(command, click.Group):
                command = command.commands[words.pop(0)]
            known = {option for parameter in command.params for option in parameter.opts}
            assert {word for word in words if word.startswith("--")} <= known, line
            checked += 1
    assert checked >= 5


def test_reference_is_fresh():
    """What ``make docs`` would write now is what docs/reference holds."""
    found = {path.name: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.md")}
    stale = [name for name, text in pages().items() if found.get(name) != text]

    assert not stale, "run: python -m tools.update_reference"


def words_of(pages_):
    """All that looks like a name in these pages."""
    return set(re.findall(r"[\w-]+", " ".join(pages_.values())))


def test_everything_is_documented():
    """The pages that people write speak of every command, encoder, head and metric; all pages of every option."""
    by_hand, everywhere = words_of(BY_HAND), words_of(PAGES)
    contexts = list(commands(click.Context(cli, info_name="tk")))
    paths = {context.command_path for context in contexts[1:]}
    text = " ".join(BY_HAND.values())
    options = {name for c in contexts for p in c.command.params if isinstance(p, click.Option) for name in p.opts}
    titles = {metric.title for metric in METRICS.values()}

    assert {path for path in paths if not re.search(rf"{path}\b", text)} == set()
    assert {name for name in [*encoder_names(), *head_names()] if name not in by_hand} == set()
    assert {title for title in titles if title.split()[0].rstrip(".").lower() not in text.lower()} == set()
    assert {option for option in options if option not in everywhere} == set()
