"""The command ``tk predict``."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.bundle import opened_run
from commands.tables import DATA_HELP, read, table_options
from commands.terminal import csv_safe_option, models_option, note, overwrite_option, trust_option

if TYPE_CHECKING:
    from classify import NewTexts, Predictor
    from classify.model_inputs import Source
    from embed import Recipe, Table


@click.command()
@click.argument("words", metavar="[RUN] [FILE]...", nargs=-1)
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Run from tk classify, or bundle of one.")
@click.option("--data", multiple=True, help=DATA_HELP)
@click.option("--text", "texts", multiple=True, help="A text, instead of a file; repeatable.")
@table_options
@models_option
@trust_option
@click.option(
    "--out", type=click.Path(path_type=Path), default="-", show_default=True,
    help="File for the result; - is standard output.",
)  # fmt: skip
@overwrite_option
@click.option(
    "--to", "form", type=click.Choice(["csv", "jsonl", "json"]), default="csv", show_default=True,
    help="Form of the result: a table, a JSON object a line, or one JSON array.",
)  # fmt: skip
@click.option("--json", "as_json", is_flag=True, help="The same as --to json.")
@click.option("--remember", is_flag=True, help="Keep the vectors of new texts for the next time, without the texts.")
@click.option(
    "--vectors", type=click.Path(path_type=Path),
    help="Vectors of the texts, a file as of tk features import; for a run on vectors that were made elsewhere.",
)  # fmt: skip
@click.option("--with-text", is_flag=True, help="Write the text beside its prediction.")
@click.option(
    "--coverage",
    type=float,
    metavar="SHARE",
    help="Add the set of classes that holds the true one in this share of texts, such as 0.95, and the answer: its "
    "class, or abstain where there is not one.",
)
@click.option("--coverage-by-class", is_flag=True, help="The coverage holds for each class by itself.")
@csv_safe_option
def predict(
    words: tuple[str, ...], folder: Path | None, data: tuple[str, ...], texts: tuple[str, ...], model: tuple[str, ...],
    trust_model: bool, out: Path, overwrite: bool, form: str, as_json: bool, with_text: bool,
    coverage: float | None, coverage_by_class: bool, csv_safe: bool, remember: bool, vectors: Path | None,
    reading: dict[str, Any],
) -> None:  # fmt: skip
    """Classify new texts with the model of a run, read and encoded as the run's own texts were.

    One line comes out for each text: its line in the file and its id if it has one (or the text itself), the
    predicted class and the probability of each class; an empty text is marked and has none. The texts are taken from
    the column that the run's own were in, cleaned as these were. The table needs no labels. A run on joined features
    and an ensemble predict like any other: each of their encoders encodes the texts once.

    \b
    Example:
        tk predict --run runs/messages.static.logistic --text "WINNER!! call now"
        tk predict --run runs/messages.static.logistic --data examples/messages.csv --out predicted.csv
        tk predict runs/messages.static.logistic examples/messages.csv --with-text --json
    """
    from classify import Predictor, write_results
    from classify.conformal import ConformalSets
    from classify.model_inputs import source_columns
    from commands.reporter import command_reporter
    from stores.shared.files import is_stream
    from stores.shared.outputs import check_output, output_text

    folder, data = _run_and_data(words, folder, data, texts)
    if not is_stream(out):
        check_output(out, overwrite)
    run, found = opened_run(folder)
    if coverage_by_class and coverage is None:
        raise click.UsageError("--coverage-by-class needs --coverage", click.get_current_context())
    sets = None if coverage is None else ConformalSets.of_run(run, coverage, coverage_by_class)
    predictor = Predictor(run)
    if vectors:
        _check_given(predictor, texts)
    encoded = [source for source in found if not (vectors and source.recipe.get("given"))]
    recipes = _recipes(encoded, model, trust_model)
    like = source_columns(run.recipe.features)
    table = read(data, **{"label_columns": (), "like": like} | reading) if data else None
    tell = not (is_stream(out) and sys.stdout.isatty())  # a bar would run into the lines that come out
    blocks = _blocks(recipes, table, texts, with_text, remember, tell)
    if vectors and table is not None:
        blocks = _given(found, recipes, vectors, table, with_text)
    empty = 0

    def counted() -> Iterator[NewTexts]:
        nonlocal empty
        for block in blocks:
            empty += int(block.empty.sum())
            yield block

    with command_reporter(), output_text(out, overwrite) as file:
        results = predictor.results(counted())
        write_results(file, results if sets is None else sets.add(results), "json" if as_json else form, csv_safe)
    if empty:
        note(f"{empty:,} empty text{'s have' if empty > 1 else ' has'} no prediction (column empty)")
    if not is_stream(out):
        note(f"wrote {out}")


def _run_and_data(
    words: tuple[str, ...], folder: Path | None, data: tuple[str, ...], texts: tuple[str, ...]
) -> tuple[Path, tuple[str, ...]]:
    """The run and the tables, however they were named."""
    if folder is None and words:
        folder, words = Path(words[0]), words[1:]
    if folder is None:
        raise click.UsageError("give a run: tk predict RUN", click.get_current_context())
    data = (*words, *data)
    if bool(data) == bool(texts):
        raise click.UsageError("give either --data FILE or --text TEXT", click.get_current_context())
    return folder, data


def _check_given(predictor: Predictor, texts: tuple[str, ...]) -> None:
    """``--vectors`` is for runs one of whose encoders nobody has here."""
    if texts or sum(bool(source.recipe.get("given")) for source in predictor.sources) != 1:
        raise click.UsageError(
            "--vectors is for a run on vectors that were made elsewhere, with --data", click.get_current_context()
        )


def _recipes(found: Sequence[Source], model: tuple[str, ...], trust_model: bool) -> list[Recipe]:
    from commands.reporter import command_reporter
    from embed import load_recipes

    kept = [(source.recipe, source.digest) for source in found]
    return load_recipes(kept, model, trust_model=trust_model, reporter=command_reporter())


def _blocks(
    recipes: Sequence[Recipe], table: Table | None, texts: tuple[str, ...], with_text: bool, remember: bool, tell: bool
) -> Iterator[NewTexts]:
    """The texts with what identifies them and their features, a block at a time; ``tell``: whether to say how far."""
    from classify import NewTexts
    from commands.reporter import command_reporter
    from embed import encode_rows, encode_texts
    from stores.shared.reporter import SILENT, Progress

    if table is None:
        yield NewTexts({"text": list(texts)}, *encode_texts(texts, recipes, remember=remember))
        return
    bad = done = 0
    reporter = command_reporter() if tell else SILENT
    for rows, encoded, empty in encode_rows(table, recipes, remember=remember):
        keys = {"line": rows.line.tolist()} | ({"id": rows.ids} if rows.ids else {})
        keys |= {"text": rows.texts} if with_text else {}
        yield NewTexts(keys, encoded, empty)
        bad, done = bad + len(rows.bad), done + len(rows.line)
        share = min(table.share(int(rows.line[-1])), 0.999) if len(rows.line) else None
        reporter.progress(Progress("predicting", share, f"{done:,} rows"))
    reporter.progress(Progress("predicting", 1.0))
    if bad:
        note(f"{bad:,} broken rows have no prediction")


def _given(
    found: Sequence[Source], recipes: Sequence[Recipe], vectors: Path, table: Table, with_text: bool
) -> Iterator[NewTexts]:
    """The rows of a table with vectors that were made elsewhere, and beside them what ``recipes`` make of the texts."""
    import numpy as np

    from classify import NewTexts
    from embed import encode_texts
    from embed.given_vectors import read_vectors, vectors_of_rows
    from embed.tables.rows import Rows
    from stores import Features, InputError, PooledFeatures

    rows = Rows.concat(list(table.blocks(8192)), [])
    values = vectors_of_rows(read_vectors(vectors), rows, table)
    given = next(source for source in found if source.recipe.get("given"))
    width = given.identity.get("width", values.shape[1])
    if values.shape[1] != width:
        raise InputError(f"{vectors} has {values.shape[1]} columns; the run was trained on {width}")
    keys = {"line": rows.line.tolist()} | ({"id": rows.ids} if rows.ids else {})
    keys |= {"text": rows.texts} if with_text else {}
    own = PooledFeatures({"pooled": np.asarray(values, given.recipe["dtype"])}, np.zeros((len(values), 3), np.int32))
    others: Iterator[Features] = iter(encode_texts(rows.texts, recipes)[0] if recipes else [])
    features = [own if source.recipe.get("given") else next(others) for source in found]
    yield NewTexts(keys, features, np.array([not text.strip() for text in rows.texts]))
