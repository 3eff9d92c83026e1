"""The command ``tk predict``."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.tables import DATA_HELP, read, table_options
from commands.terminal import note

if TYPE_CHECKING:
    from embed import Recipe, Table
    from stores import Features


@click.command()
@click.option("--run", "folder", required=True, type=click.Path(path_type=Path), help="Run from tk classify.")
@click.option("--data", multiple=True, help=DATA_HELP)
@click.option("--text", "texts", multiple=True, help="A text, instead of a file; repeatable.")
@table_options
@click.option("--model", help="Where the model of the run's encoder is now.  [default: where it was]")
@click.option("--out", type=click.Path(path_type=Path), help="File for the result.  [default: stdout]")
@click.option("--to", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True, help="Form of the result.")
def predict(
    folder: Path, data: tuple[str, ...], texts: tuple[str, ...], model: str | None, out: Path | None, to: str,
    reading: dict[str, Any],
) -> None:  # fmt: skip
    """Classify new texts with the model of a run, encoded as the run's own texts were.

    One line comes out for each text: its line in the file and its id if it has one (or the text itself), the
    predicted class and the probability of each class. The table needs no labels.

    \b
    Example:
        tk predict --run runs/messages.static.logistic --text "WINNER!! call now"
        tk predict --run runs/messages.static.logistic --data examples/messages.csv --out predicted.csv
    """
    from classify import Predictor, read_run, write_results
    from embed import Recipe
    from stores.shared.files import whole_file

    if bool(data) == bool(texts):
        raise click.UsageError("give either --data FILE or --text TEXT", click.get_current_context())
    run = read_run(folder)
    made = run.recipe.features
    recipe = Recipe.from_dict(made.recipe, made.identity_digest, model)
    predictor = Predictor(run)
    table = read(data, **{"label_columns": ()} | reading) if data else None
    results = predictor.results(_blocks(recipe, table, texts))
    if out is None:
        write_results(sys.stdout, results, to)
        return
    with whole_file(out) as temporary, open(temporary, "w", newline="", encoding="utf-8") as file:
        write_results(file, results, to)
    note(f"wrote {out}")


def _blocks(recipe: Recipe, table: Table | None, texts: tuple[str, ...]) -> Iterator[tuple[dict, Features]]:
    """What identifies the texts (name -> values) and their features, a block at a time."""
    from embed import encode_rows

    if table is None:
        yield {"text": list(texts)}, recipe.encode(recipe.clean(list(texts)))
        return
    bad = 0
    for rows, encoded in encode_rows(table, recipe):
        yield {"line": rows.line.tolist()} | ({"id": rows.ids} if rows.ids else {}), encoded
        bad += len(rows.bad)
    if bad:
        note(f"{bad:,} broken rows have no prediction")
