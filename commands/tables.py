"""The options that say how a table is read, and the command ``tk describe``."""

from __future__ import annotations

import functools
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.terminal import cell, echo, json_option, note, overwrite_option, print_json, print_table, shown

if TYPE_CHECKING:
    from rich.table import Table as RichTable

    from embed import Table
    from embed.reading.format import TableFile
    from embed.tables.describe import TableDescription

NO_HEADER = ("header", False)  # of all options the one whose False says something
DATA_HELP = (
    "File, pattern ('part-*.csv'), folder or tar archive of texts or tables, s3://... and the like, or - for stdin;"
    " repeatable."
)


def data_option(command: Callable) -> Callable:
    """The table, as arguments or with ``--data``; it reaches the command as ``data``."""

    @functools.wraps(command)
    def given(*args: Any, files: tuple[str, ...], data: tuple[str, ...], **others: Any) -> Any:  # noqa: ANN401
        if not files and not data:
            context = click.get_current_context()
            raise click.UsageError(f"give a table: tk {context.command.name} FILE", context)
        return command(*args, data=(*files, *data), **others)

    given = click.option("--data", multiple=True, help=DATA_HELP)(given)
    return click.argument("files", metavar="[FILE]...", nargs=-1)(given)


clean_option = click.option(
    "--clean", default="none", show_default=True,
    help="Steps, in this order: html lower digits punctuation single-chars spaces urls mentions; or classic.",
)  # fmt: skip


def table_options(command: Callable) -> Callable:
    """The options of ``embed.read_table``; those that were given reach the command as the mapping ``reading``."""
    options = (
        click.option("--format", help="csv tsv json excel sqlite parquet arrow lines labelled trees files classes.  "
                     "[default: by the name, else the content]"),
        click.option("--encoding", help="Encoding of the file.  [default: UTF-8, else Windows-1252 with a note]"),
        click.option("--delimiter", help="One character between cells, or tab.  [default: found in the first rows]"),
        click.option("--quoting", help="double (quotes around cells, doubled inside), backslash (one before each "
                     "inside), single (apostrophes) or none (quotes are text).  [default: found in the first rows]"),
        click.option("--header/--no-header", default=None, help="The first row names the columns, or is data and they "
                     "are called 1, 2, ...  [default: found by comparing it with the others]"),
        click.option("--skip-rows", type=int, help="Lines of a CSV file, or rows of a sheet, above the table.  "
                     "[default: found, where usual names stand below a title]"),
        click.option("--follow-links", is_flag=True, help="Follow links inside a folder of texts."),
        click.option("--sheet", help="Sheet of a workbook (.xlsx .xls .ods).  [default: the only one with cells]"),
        click.option("--table", help="Table or view of an SQLite database.  [default: the only one]"),
        click.option("--query", help="SELECT on an SQLite database, instead of --table; nothing is written."),
        click.option("--text-column", multiple=True,
                     help="Column with the texts; repeat it to join several.  [default: found by name and content]"),
        click.option("--text-separator", help="What joins several text columns.  [default: a line break]"),
        click.option("--label-column", "label_columns", multiple=True,
                     help="Column with the labels; several, with 0 and 1 each: repeat it.  [default: found likewise]"),
        click.option("--no-label-column", is_flag=True, help="Read no labels."),
        click.option("--split-column", help="Column that says train or test.  [default: found by content]"),
        click.option("--id-column", help="Column that identifies the rows.  [default: found by name and content]"),
        click.option("--label-map", help="OLD=NEW,OLD=NEW: what labels are to be called; names with = or , in double "
                     "quotes, * is what is not named.  [default: as they are]"),
        click.option("--label-separator", help="What stands between several labels in one cell, or none: a cell is one "
                     "label.  [default: recognised]"),
        click.option("--label-threshold", type=float, help="Labels are numbers: at least this much is 1, less is 0."),
        click.option("--missing", help="What stands for a missing label, with commas between.  [default: NaN NA "
                     "None null and the like]"),
        click.option("--bad-rows", help="error, skip (and count), or a FILE to list them in.  [default: error]"),
    )  # fmt: skip
    names = [parameter.name for option in options for parameter in click.command()(option(lambda: None)).params]

    @functools.wraps(command)
    def gathered(*args: Any, **given: Any) -> Any:  # noqa: ANN401
        values = {name: given.pop(name) for name in names}
        unset = {name for name, value in values.items() if value is None or value is False or value == ()}  # 0 is not
        reading = {name: value for name, value in values.items() if name not in unset or (name, value) == NO_HEADER}
        if reading.pop("no_label_column", False):
            reading["label_columns"] = ()
        return command(*args, reading=reading, **given)

    for option in reversed(options):
        gathered = option(gathered)
    return gathered


def read(data: tuple[str, ...] | TableFile, **reading: Any) -> Table:  # noqa: ANN401
    """The table; what is to be known about the reading goes to stderr."""
    from embed import read_table

    named = [Path(name) for name in data] if isinstance(data, tuple) else data  # paths, whatever they look like
    table = read_table(named, **reading)
    for line in (*table.notes, *table.columns.reasons):
        note(line)
    return table


@click.command()
@data_option
@table_options
@clean_option
@click.option(
    "--out", type=click.Path(path_type=Path),
    help="Picture of the lengths by class (.png, .svg, .pdf); NAME.classes.ENDING beside it: their rows.",
)  # fmt: skip
@overwrite_option
@json_option
def describe(
    data: tuple[str, ...], reading: dict, clean: str, out: Path | None, overwrite: bool, as_json: bool
) -> None:  # fmt: skip
    """Say what is in a table before anything is encoded: classes, duplicates, lengths, broken rows, what is cut off.

    Broken rows are counted and the first of them shown, unless --bad-rows says otherwise.

    \b
    Example:
        tk describe examples/messages.csv
        tk describe --data examples/messages.csv --clean classic --out lengths.png
    """
    from dataclasses import asdict

    from embed.cleaning import parse_steps
    from embed.tables.describe import classes_beside, draw
    from embed.tables.describe import describe as run_describe
    from stores.shared.files import is_stream
    from stores.shared.outputs import check_output

    steps = parse_steps(clean)
    if out and str(out) == "-":
        raise click.UsageError("--out -: the description is printed there; give the picture a name", None)
    if out and not is_stream(out):
        check_output(out, overwrite)
        check_output(classes_beside(out), overwrite)
    table = read(data, **{"bad_rows": "skip"} | reading)
    found = run_describe(table, steps)
    for line in table.late_notes():
        note(line)
    drawn = draw(found, out, overwrite) if out else []
    if as_json:
        print_json({"source": table.source(), **asdict(found)})
    else:
        given = {"clean": clean if steps else None, "bad_rows": "skip" if found.bad else None} | reading
        _print_description(found, _embed_command(table, given))
    for path in drawn:
        note(f"wrote {path}")


def _print_description(found: TableDescription, command: str) -> None:
    from embed.tables.describe import BEGINNING

    echo(f"{found.rows:,} rows, {found.distinct:,} distinct texts")
    for count, what in (
        (found.duplicates, "rows repeat the text of an earlier row"),
        (found.contradictory, "texts stand with different labels"),
        (found.empty, "empty texts"),
        (found.emptied, "of these were emptied by the cleaning"),
        (found.mojibake, "texts with controls U+0080 to U+009F, where other characters once were"),
        (found.unlabelled, "rows without a label"),
        (found.bad, "broken rows"),
    ):
        if count:
            echo(f"{count:,} {what}")
    for line in found.first_bad:
        echo(f"  {shown(line)}")
    if found.alike:
        echo(
            f"{found.alike:,} rows are alike to another but for case, blanks, digits, links, mentions and punctuation; "
            f"{found.distinct_alike:,} texts are left that are not; the largest groups:"
        )
    for group in found.largest_alike:
        echo(f"  {group.rows:,} rows like line {group.line:,}: {shown(' '.join(group.beginning.split()))}")
    if found.splits:
        echo("split: " + ", ".join(f"{shown(name) or '(none)'} {rows:,}" for name, rows in found.splits.items()))
    print_table(_length_table(found))
    print_table(_histogram(found))
    shares = ", ".join(f"{share:.1%} at {limit}" for limit, share in found.cut.items())
    echo(f"texts longer than a limit of word pieces, estimated as for English: {shares}")
    if found.other_language:
        echo(
            f"{looks_like(found.other_language, found.languages)}; texts that are not English have more "
            "word pieces than estimated, and static knows none of their words"
        )
    echo("longest texts (line, characters, beginning):")
    for at, characters, text in found.longest:
        echo(f"  {at:>8} {characters:>9,}  {shown(' '.join(text.split())[:BEGINNING])}")
    echo(f"tk embed would encode {found.distinct:,} texts:\n  {command}")


def looks_like(language: str, shares: dict[str, float]) -> str:
    """What is said of a table that is not English."""
    return f"the texts look {language} ({shares[language]:.0%} of those that tell)"


def _length_table(found: TableDescription) -> RichTable:
    from rich.table import Table as RichTable

    grid = RichTable(box=None, pad_edge=False)
    grid.add_column("class", overflow="fold")
    for name in ("rows", "share", "characters: median", "p95", "max", "words: median", "p95", "max"):
        grid.add_column(name, justify="right")
    for name, characters in found.characters.items():
        rows = sum(found.histogram[name])
        lengths = [f"{kind[q]:,.0f}" for kind in (characters, found.words[name]) for q in ("median", "p95", "max")]
        grid.add_row(cell(name), f"{rows:,}", f"{rows / found.rows:.1%}", *lengths)
    return grid


def _histogram(found: TableDescription) -> RichTable:
    from rich.table import Table as RichTable

    from stores.shared.lengths import bin_names

    grid = RichTable(box=None, pad_edge=False)
    grid.add_column("words", justify="right")
    for name in found.histogram:
        grid.add_column(cell(name), overflow="fold")
    most = max(max(counts) for counts in found.histogram.values())
    width = max(5, 60 // len(found.histogram))
    columns = list(found.histogram.values())
    for i, name in enumerate(bin_names(len(columns[0]))):
        grid.add_row(name, *("█" * -(-width * counts[i] // most) for counts in columns))
    return grid


def _embed_command(table: Table, given: dict) -> str:
    """The command that reads the table just so."""
    columns = table.columns
    options: list[tuple[str, object]] = [("--data", form.source.given or form.name) for form in table.files]
    options += [("--text-column", name) for name in columns.texts]
    options += [*(("--label-column", name) for name in columns.labels), ("--split-column", columns.split)]
    options += [("--id-column", columns.id)]
    names = (
        "format", "sheet", "table", "query", "encoding", "delimiter", "quoting", "skip_rows", "text_separator",
        "label_map", "label_separator", "label_threshold", "missing", "bad_rows", "clean",
    )  # fmt: skip
    options += [(f"--{name.replace('_', '-')}", given.get(name)) for name in names]
    words = [word for name, value in options if value is not None for word in (name, str(value))]
    words += ["--no-label-column"] * (given.get("label_columns") == ())
    header = ["--header" if given.get("header") else "--no-header"] * ("header" in given)
    return shlex.join(["tk", "embed", *words, *header, *["--follow-links"] * ("follow_links" in given)])
