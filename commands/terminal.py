"""What the commands print with: notes, tables, JSON, versions, and the progress of long work on stderr."""

from __future__ import annotations

import ast
import json
import re
import shlex
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.console import Console, ConsoleOptions, RenderableType
    from rich.segment import Segment
    from rich.text import Text

PIPED_WIDTH = 120  # characters of a table that no terminal limits
Clock = Callable[[], float]
# a parameter of the library in a message: `name` or `name=value`, see stores.shared.errors
_PARAMETER = re.compile(r"""`([a-z_]\w*)(?:=('(?:[^'\\]|\\.)*'|"(?:[^"\\]|\\.)*"|[^`]*))?`""")


def is_quiet() -> bool:
    """Whether the command line began with ``tk --quiet``."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("quiet"))


def shown(text: str) -> str:
    """Somebody's text, harmless to a terminal: what cannot be printed is shown as its escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def cell(text: str) -> Text:
    """Somebody's text as the cell of a table: harmless, and to rich brackets would be styles."""
    from rich.text import Text

    return Text(shown(text))


def echo(message: str = "", err: bool = False) -> None:
    """Lines on stdout or stderr; everything that a command says goes through here.

    What cannot be printed (escape sequences, marks of direction) is shown as its escape, wherever it came from; of
    somebody's text within a message, which is not to begin a line of its own, ``shown`` escapes line ends as well.
    """
    click.echo("\n".join(map(shown, message.split("\n"))), err=err)


def note(message: str) -> None:
    """A line on stderr, unless the user wants it quiet."""
    if not is_quiet():
        context = click.get_current_context(silent=True)
        echo(with_options(message, context.command if context else None), err=True)


def with_options(message: str, command: click.Command | None) -> str:
    """A message of the library in which parameters that are options of ``command`` are written as such.

    "`dtype='float64'`" becomes "--dtype float64", "`overwrite=True`" becomes "--overwrite"; what is no option of the
    command stays as Python has it, without the backticks.
    """

    def written(parameter: re.Match) -> str:
        name, value = parameter.groups()
        option = _option(command, name)
        return parameter[0][1:-1] if option is None else _as_typed(option, value)

    return _PARAMETER.sub(written, message)


def _option(command: click.Command | None, name: str) -> click.Option | None:
    """The option of this name, if there is one; those that the encoders add take a while, and are looked at last."""
    for attribute in ("own_params", "params"):
        for option in getattr(command, attribute, ()):
            if option.name == name and isinstance(option, click.Option):
                return option
    return None


def _as_typed(option: click.Option, value: str | None) -> str:
    """An option as it is typed; ``value``: the Python expression of it, None: the name of the option alone."""
    name = max(option.secondary_opts if value == "False" and option.secondary_opts else option.opts, key=len)
    if value is None or option.is_flag:
        return name
    try:
        values = ast.literal_eval(value)
    except (ValueError, SyntaxError):  # a number of numpy's, a path
        values = value
    if option.multiple and values in ((), []):
        return f"--no-{name.removeprefix('--')}"
    if (option.nargs == 1 and not option.multiple) or not isinstance(values, list | tuple):
        values = [values]
    return " ".join(f"{name} {shlex.quote(str(value))}" for value in values)


def print_json(value: object) -> None:
    """A result as JSON on stdout."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    click.echo("".join(c if c.isprintable() or c == "\n" else _in_json(c) for c in text))


def _in_json(character: str) -> str:
    """The escape of a character that cannot be printed."""
    return f"\\u{ord(character):04x}" if character < "\U00010000" else json.dumps(character)[1:-1]


def print_table(table: RenderableType) -> None:
    """A table, or several, on stdout; what cannot be printed is shown as its escape, as ``echo`` does it."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(_Harmless(table))


class _Harmless:
    """A renderable of rich whose texts are escaped when it is drawn; its styles stay."""

    def __init__(self, table: RenderableType) -> None:
        self._table = table

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Segment]:
        from rich.segment import Segment

        for segment in console.render(self._table, options):
            text = "\n".join(map(shown, segment.text.split("\n")))
            yield segment if segment.control else Segment(text, segment.style)


trust_option = click.option(
    "--trust-model", is_flag=True,
    help="Run, and fetch, the model that is named even if it is a program that was never used here, or comes by http.",
)  # fmt: skip
models_option = click.option(
    "--model", multiple=True, metavar="PATH",
    help="Where the model of the run's encoder is now; where the run has several encoders ENCODER=PATH, repeatable.  "
    "[default: where it was]",
)  # fmt: skip
json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")
overwrite_option = click.option("--overwrite", is_flag=True, help="Replace the file if it is there already.")
csv_safe_option = click.option(
    "--csv-safe", is_flag=True, help="In CSV, an apostrophe before cells that a spreadsheet would compute as formulas."
)


def versions_of(*packages: str) -> dict[str, str]:
    """Name -> version of Python, tk and these packages, as far as they are installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    from stores.shared import distribution

    found = {"python": platform.python_version(), "tk": distribution.version()}
    for package in packages:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
