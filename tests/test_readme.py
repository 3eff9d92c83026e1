"""The README is true: what it shows runs."""

import re
import shlex
import shutil
import subprocess
import sys

import pytest
from click.testing import CliRunner
from helpers import ROOT

from cli import cli

README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def with_examples(in_tmp):
    """A folder of its own that holds the examples."""
    shutil.copytree(ROOT / "examples", in_tmp / "examples")
    return in_tmp


def run(line):
    """The output of a command line of tk, blanks at the ends of lines aside."""
    result = CliRunner().invoke(cli, shlex.split(line)[1:])
    assert result.exit_code == 0, result.output
    return [shown.rstrip() for shown in result.stdout.splitlines()]


def test_sessions_are_real(with_examples):
    """Each command of the shown sessions gives the output that is shown: all of its words, and the same counts.

    Scores may differ in the last digits on another machine, so numbers with a decimal point are compared to 0.02.
    """
    blocks = re.findall(r"```\n(\$ tk .*?)```", README, re.DOTALL)
    assert len(blocks) == 2
    for session in blocks:
        for command, shown in re.findall(r"\$ (tk .+)\n((?:(?!\$ ).*\n)*)", session):
            found, expected = "\n".join(run(command)).split(), shown.split()
            assert len(found) == len(expected)
            for a, b in zip(found, expected, strict=True):
                if re.fullmatch(r"\d\.\d{3,}", a) and re.fullmatch(r"\d\.\d{3,}", b):
                    assert float(a) == pytest.approx(float(b), abs=0.02)
                elif "." not in a:
                    assert a == b


def test_python_examples_run(with_examples):
    """The library example and the one with bare h5py, one after the other."""
    code = "\n".join(re.findall(r"```python\n(.*?)```", README, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, env={"PYTHONPATH": str(ROOT)}
    )

    assert done.returncode == 0, done.stderr
    assert "'value': 0.9" in done.stdout


def test_commands_of_the_readme_exist():
    """Every option that a command line in the README uses is one of that command."""
    lines = [line.split("#")[0].strip() for line in README.splitlines() if re.match(r"\s+tk \w+ --", line)]
    assert len(lines) >= 5
    for line in lines:
        words = shlex.split(line)
        known = {opt for parameter in cli.commands[words[1]].params for opt in parameter.opts}
        assert {word for word in words if word.startswith("--")} <= known, line
