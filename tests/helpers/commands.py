"""Command lines run in the process of the test, and a table for them."""

from click.testing import CliRunner

from cli import cli

# 60 texts that no two of are alike: numbers would make no difference
LETTERS = ["".join("abcdefghij"[int(digit)] for digit in f"{i:02}") for i in range(60)]
ROWS = [
    ("ham" if i % 3 else "spam", f"{'see you' if i % 3 else 'WIN cash'} {word} {'!' * (i % 5)}")
    for i, word in enumerate(LETTERS)
]


def tk(*args, code=0, **options):
    """Run a command line; its result, after the exit code was looked at."""
    result = CliRunner().invoke(cli, list(map(str, args)), **options)
    assert result.exit_code == code, result.output
    return result
