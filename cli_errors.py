"""``tk errors``."""

from __future__ import annotations

import json
from pathlib import Path

import click

from cli_common import json_option, shown

BEGINNING = 150  # characters of a text that are shown


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--top", default=10, show_default=True, help="Rows of each kind.")
@json_option
def errors(folder: Path, top: int, as_json: bool) -> None:
    """Show what a run gets most wrong, labels that are probably wrong, and identical texts with different labels.

    Everything comes from the out-of-fold predictions: from models that had not seen the rows. The suspects are found
    by confident learning (Northcutt et al. 2021); look at them before you change a label.

    \b
    Example:
        tk errors runs/messages.static.logistic --top 3
    """
    from classify import read_run
    from classify.errors import errors as run_errors

    found = run_errors(read_run(folder), top)
    if as_json:
        click.echo(json.dumps(found, indent=1))  # in ASCII: texts of strangers may hold what moves a terminal
        return
    click.echo(f"{found['wrong']:,} of {found['rows']:,} rows are predicted wrong")
    if found["texts_missing"]:
        click.echo(f"no texts, lines only: {shown(found['texts_missing'])}")
    for name, kinds in found["classes"].items():
        for kind, what in (("false_positives", "taken for"), ("false_negatives", "missed as")):
            _print_rows(f"{what} {shown(name)}", kinds[kind], f"surest first, with the probability of {shown(name)}")
    _print_rows("suspected label errors", found["suspected_label_errors"], "label -> what it seems to be, margin")
    _print_contradictions(found["contradictions"])


def _print_rows(what: str, found: dict, how: str) -> None:
    click.echo(f"\n{what}: {found['count']:,}" + (f" ({how})" if found["rows"] else ""))
    for row in found["rows"]:
        number = f"{row['margin']:+.3f}" if "margin" in row else f"{row['p']:.3f}"
        seems = row.get("better", row["predicted"])
        label, seems = (name if isinstance(name, str) else "|".join(name) or "none" for name in (row["label"], seems))
        click.echo(f"  line {row['line']}  {number}  {shown(label)} -> {shown(seems)}{_begin(row['text'])}")


def _print_contradictions(found: dict) -> None:
    if found["count"] is None:
        click.echo("\nidentical texts with different labels: not known, the store is gone")
        return
    click.echo(f"\nidentical texts with different labels: {found['count']:,}")
    for row in found["rows"]:
        labels = "; ".join(f"{shown(name)} on {_lines(lines)}" for name, lines in row["lines_by_label"].items())
        click.echo(f"  {labels}{_begin(row['text'])}")


def _lines(lines: list[int]) -> str:
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:5]))}" + ", ..." * (len(lines) > 5)


def _begin(text: str | None) -> str:
    """The beginning of a text, on a line of its own."""
    if text is None:
        return ""
    return f"\n    {shown(' '.join(text[: 2 * BEGINNING].split())[:BEGINNING])}"
