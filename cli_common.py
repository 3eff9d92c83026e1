"""What the commands share: notes, JSON, versions."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rich.table import Table

PIPED_WIDTH = 120  # characters of a table that no terminal limits


def is_quiet() -> bool:
    """Whether the command line began with ``tk --quiet``."""
    context = click.get_current_context(silent=True)
    return context is not None and bool(context.find_root().params.get("quiet"))


def note(message: str) -> None:
    """A line on stderr, unless the user wants it quiet."""
    if not is_quiet():
        click.echo(message, err=True)


def print_json(value: object) -> None:
    """A result as JSON on stdout."""
    click.echo(json.dumps(value, indent=1, ensure_ascii=False))


def print_table(table: Table) -> None:
    """A table on stdout."""
    from rich.console import Console

    console = Console(highlight=False)
    if not console.is_terminal:
        console.width = PIPED_WIDTH
    console.print(table)


def shown(text: str) -> str:
    """Somebody's text, harmless to a terminal: what cannot be printed is shown as its escape."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


json_option = click.option("--json", "as_json", is_flag=True, help="Print JSON instead of text.")


def versions_of(*packages: str) -> dict[str, str]:
    """Name -> version of Python, tk and these packages, as far as they are installed."""
    import platform
    from importlib.metadata import PackageNotFoundError, version

    found = {"python": platform.python_version()}
    for package in ("tk", *packages):
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            continue
    return found
