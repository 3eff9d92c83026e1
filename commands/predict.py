"""The command ``tk predict``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.bundle import opened_run
from commands.engine_options import cluster_options
from commands.evaluate import MISSED
from commands.tables import DATA_HELP, read, table_options
from commands.terminal import csv_safe_option, echo, is_quiet, models_option, note, overwrite_option, trust_option

if TYPE_CHECKING:
    from classify import Predictor
    from classify.model_inputs import Source
    from classify.watch import Condition
    from commands.prediction import Prediction
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
@click.option(
    "--batch", type=click.IntRange(1), metavar="ROWS",
    help="Rows that are read, encoded and written together.  [default: as suits the encoder]",
)  # fmt: skip
@click.option(
    "--fail-if", multiple=True, metavar="MEASURE>NUMBER",
    help="End with exit code 3 if this holds, such as drift>0.8; repeatable. The measures: rows, drift, and the shares "
    "empty, abstained, broken, unknown and share.CLASS.",
)  # fmt: skip
@click.option(
    "--checkpoint", type=click.Path(path_type=Path), metavar="FILE",
    help="Note in a FILE how far it is, and go on from there if it is there already; with --out.",
)  # fmt: skip
@cluster_options
def predict(
    words: tuple[str, ...], folder: Path | None, data: tuple[str, ...], texts: tuple[str, ...], model: tuple[str, ...],
    trust_model: bool, out: Path, overwrite: bool, form: str, as_json: bool, with_text: bool,
    coverage: float | None, coverage_by_class: bool, csv_safe: bool, remember: bool, vectors: Path | None,
    batch: int | None, fail_if: tuple[str, ...], checkpoint: Path | None, cluster: dict[str, Any] | None,
    reading: dict[str, Any],
) -> None:  # fmt: skip
    """Classify new texts with the model of a run, read and encoded as the run's own texts were.

    One line comes out for each text: its line in the file and its id if it has one (or the text itself), the
    predicted class and the probability of each class; an empty text is marked and has none. The texts are taken from
    the column that the run's own were in, cleaned as these were. The table needs no labels. A run on joined features
    and an ensemble predict like any other: each of their encoders encodes the texts once. JSON lines from standard
    input are predicted as they come. At the end a line on stderr says how many rows and classes there were, how many
    abstained, were empty or broken, which share of the words was not known, and the drift: how well the rows are told
    from those that the run was trained on (ROC-AUC; 0.5: not at all).
    With --engine ray the workers of a cluster encode the texts, which need no shared disk, and the rows come out in
    their order all the same.

    \b
    Example:
        tk predict --run runs/messages.static.logistic --text "WINNER!! call now"
        tk predict --run runs/messages.static.logistic --data examples/messages.csv --out predicted.csv
        tk predict runs/messages.static.logistic examples/messages.csv --with-text --json
        tk predict runs/messages.static.logistic examples/messages.csv --out p.jsonl --to jsonl \\
            --checkpoint p.checkpoint --fail-if "drift>0.95" --fail-if "share.spam>0.5"
        tk predict runs/messages.static.logistic examples/messages.csv --out p.csv --engine ray --workers 2
    """
    from classify import Predictor
    from classify.conformal import ConformalSets
    from classify.model_inputs import source_columns
    from classify.watch import Condition
    from commands.prediction import Prediction, given_features
    from stores.shared.files import is_stream
    from stores.shared.outputs import check_output

    folder, data = _run_and_data(words, folder, data, texts)
    form = "json" if as_json else form
    single = bool(texts) or "-" in data
    for wrong, why in (
        (checkpoint and (texts or vectors or is_stream(out)), "--checkpoint is for --data with --out FILE"),
        (checkpoint and _same(checkpoint, out), f"--checkpoint {checkpoint}: that is the output"),
        (texts and fail_if, "--fail-if is for --data"),
        (coverage_by_class and coverage is None, "--coverage-by-class needs --coverage"),
        (
            cluster is not None and (single or vectors or remember),
            "--engine ray is for --data with files; --vectors and --remember are for --engine local",
        ),
    ):
        if wrong:
            raise click.UsageError(why, click.get_current_context())
    if not is_stream(out) and not checkpoint:
        check_output(out, overwrite)
    run, found = opened_run(folder)
    conditions = [Condition.parse(text, run.recipe.classes) for text in fail_if]
    sets = None if coverage is None else ConformalSets.of_run(run, coverage, coverage_by_class)
    predictor = Predictor(run)
    if vectors:
        _check_given(predictor, texts)
    encoded = [source for source in found if not (vectors and source.recipe.get("given"))]
    recipes = _recipes(encoded, model, trust_model)
    rows = batch or min((recipe.encoder.part_rows for recipe in recipes), default=8192)
    tell = not (is_stream(out) and sys.stdout.isatty())  # a bar would run into the lines that come out
    workers = None
    if cluster is not None:
        from embed import Cluster

        workers = Cluster(**cluster)
    job = Prediction(run, predictor, sets, recipes, remember, with_text, rows, tell, workers)
    if not data:
        _write_all(job.of_texts(list(texts)), out, overwrite, form, csv_safe)
        return
    table = _table(data, rows, {"label_columns": (), "like": source_columns(run.recipe.features)} | reading)
    if vectors:
        _write_all(job.of_rows(*given_features(found, recipes, vectors, table)), out, overwrite, form, csv_safe)
    elif checkpoint:
        of = {"the run": run.recipe.digest, "--out": str(out.absolute()), "--to": form, "--with-text": with_text,
              "--coverage": coverage, "--coverage-by-class": coverage_by_class, "--csv-safe": csv_safe,
              "--batch": rows}  # fmt: skip
        job.write_resumably(table, checkpoint, out, overwrite, of, form, csv_safe)
    else:
        job.write(table, out, overwrite, form, csv_safe)
    _tell(job, conditions, out)


def _same(checkpoint: Path, out: Path) -> bool:
    """Whether the checkpoint would lie where results are written."""
    return checkpoint.absolute() in (out.absolute(), out.absolute().with_name(f"{out.name}.partial"))


def _tell(job: Prediction, conditions: list[Condition], out: Path) -> None:
    """What came of it, and whether a condition says that it has failed."""
    from stores.shared.files import is_stream

    counts = job.watch.counts
    if counts.broken:
        note(f"{counts.broken:,} broken rows have no prediction")
    if counts.empty:
        note(f"{counts.empty:,} empty text{'s have' if counts.empty > 1 else ' has'} no prediction (column empty)")
    if not is_stream(out):
        note(f"wrote {out}")
    if is_quiet() and not any(condition.measure == "drift" for condition in conditions):
        drift, missing = None, "not asked"
    else:
        drift, missing = job.drift()
    note(job.watch.line(drift, missing))
    failures = [failure for each in conditions if (failure := each.failure(job.watch.measures(drift), missing))]
    for failure in failures:
        echo(f"failed: {failure}", err=True)
    if failures:
        sys.exit(MISSED)


def _write_all(results: list[dict[str, Any]], out: Path, overwrite: bool, form: str, csv_safe: bool) -> None:
    from classify import write_results
    from stores.shared.files import is_stream
    from stores.shared.outputs import output_text

    with output_text(out, overwrite) as file:
        write_results(file, results, form, csv_safe)
    if not is_stream(out):
        note(f"wrote {out}")


def _table(data: tuple[str, ...], rows: int, reading: dict[str, Any]) -> Table:
    """The table; JSON lines from standard input are not waited for, but read as they come."""
    if data == ("-",) and reading.get("format") in (None, "json", "jsonl") and not reading.get("encoding"):
        from embed.reading.json_stream import JsonStream, holds_json_lines

        if holds_json_lines(sys.stdin.buffer):
            reading.pop("format", None)
            return read(JsonStream(sys.stdin.buffer, rows), **reading)
    return read(data, **reading)


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
