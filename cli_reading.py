"""The options that say how a table is read, and the command ``tk describe``."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from embed import Table

DATA_HELP = "File, pattern ('part-*.csv'), folder of class folders, tar archive of one, or - for stdin; repeatable."
data_option = click.option("--data", required=True, multiple=True, help=DATA_HELP)
clean_option = click.option(
    "--clean", default="none", show_default=True,
    help="Steps, in this order: html lower digits punctuation single-chars spaces urls mentions; or classic.",
)  # fmt: skip


def table_options(command: Callable) -> Callable:
    """The options of ``embed.read_table``; those that were given reach the command as the mapping ``reading``."""
    options = (
        click.option("--format", help="csv tsv json lines parquet arrow.  [default: by the name, else the content]"),
        click.option("--encoding", help="Encoding of the file.  [default: UTF-8, else Windows-1252 with a note]"),
        click.option("--delimiter", help="One character between cells, or tab.  [default: found in the first rows]"),
        click.option("--quoting", help="double (quotes around cells) or none (quotes are text).  [default: double]"),
        click.option("--no-header", is_flag=True, help="The first row is data; columns are called 1, 2, ..."),
        click.option("--text-column", help="Column with the texts.  [default: found by name and content]"),
        click.option("--label-column", "label_columns", multiple=True,
                     help="Column with the labels; several, with 0 and 1 each: repeat it.  [default: found likewise]"),
        click.option("--split-column", help="Column that says train or test.  [default: found by content]"),
        click.option("--id-column", help="Column that identifies the rows.  [default: found by name and content]"),
        click.option("--label-map", help="OLD=NEW,OLD=NEW: what the labels are to be called.  [default: as they are]"),
        click.option("--bad-rows", help="error, skip (and count), or a FILE to list them in.  [default: error]"),
    )  # fmt: skip
    names = [option(lambda: None).__click_params__[0].name for option in options]

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:  # noqa: ANN401
        reading = {name: value for name in names if (value := given.pop(name))}
        if reading.pop("no_header", False):
            reading["header"] = False
        return command(*args, reading=reading, **given)

    for option in reversed(options):
        gathered = option(gathered)
    return gathered


def read(data: tuple[str, ...], **reading: Any) -> Table:  # noqa: ANN401
    """The table; what is to be known about the reading goes to stderr."""
    from embed import read_table

    table = read_table(data, **reading)
    for note in (*table.notes, *table.columns.reasons):
        click.echo(note, err=True)
    return table
