"""The command ``tk evaluate``."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.bundle import opened_run
from commands.tables import DATA_HELP, read, table_options
from commands.terminal import echo, json_option, models_option, print_json, print_table, shown, trust_option

if TYPE_CHECKING:
    from classify import Run
    from classify.analysis.goals import Goal
    from classify.analysis.score_run import ScoredRun
    from classify.model_inputs import Source

MISSED = 3  # exit code when a goal is not reached


@click.command()
@click.argument("words", metavar="[RUN] [FILE]...", nargs=-1)
@click.option("--run", "folder", type=click.Path(path_type=Path), help="Run from tk classify, or bundle of one.")
@click.option("--data", multiple=True, help=DATA_HELP)
@click.option("--features", help="Store of the labelled rows, instead of --data; a.h5+b.h5 for a run of several.")
@table_options
@models_option
@trust_option
@click.option("--with-training-rows", is_flag=True, help="Score rows that the run was trained on, too.")
@click.option(
    "--goal",
    "goals",
    multiple=True,
    metavar="METRIC>=NUMBER",
    help="What must be reached, such as f1_macro>=0.9; repeatable. Exit code 3 if it is not.",
)
@click.option("--goal-by", type=click.Choice(["value", "interval"]), default="value", show_default=True,
              help="What must reach it: the value, or the worse end of its 95 % interval as well.")  # fmt: skip
@json_option
@click.pass_obj
def evaluate(
    command: str, words: tuple[str, ...], folder: Path | None, data: tuple[str, ...], features: str | None,
    model: tuple[str, ...], trust_model: bool, with_training_rows: bool, goals: tuple[str, ...], goal_by: str,
    as_json: bool, reading: dict[str, Any],
) -> None:  # fmt: skip
    """Score the saved model of a run on labelled rows that it was not trained on.

    Rows whose text is among the training rows are counted and left out. All metrics have 95 % intervals, of this model
    on rows like these. Beside them stands how the rows differ from the training table: lengths, empty texts, unknown
    words, and how well a classifier tells the two apart (ROC-AUC; 0.5 is not at all).

    \b
    Example:
        tk evaluate runs/messages.static.logistic examples/messages.csv --with-training-rows
        tk evaluate --run runs/messages.static.logistic --features features/messages.static.h5 \\
            --with-training-rows --goal "f1_macro>=0.8" --goal-by interval
    """
    from classify.analysis.goals import parse_goal
    from classify.analysis.score_run import score_run
    from classify.model_inputs import sources

    if folder is None and words:
        folder, words = Path(words[0]), words[1:]
    data = (*words, *data)
    if folder is None or bool(data) == bool(features):
        raise click.UsageError("give a run, and either --data FILE or --features STORE", click.get_current_context())
    run, found = opened_run(folder)
    for goal in goals:  # a mistake is said before a table is encoded
        parse_goal(goal, run.recipe.problem)
    if {source.digest for source in found} - {source.digest for source in sources(run.recipe.features)}:
        why = f"{folder} has only some words of its encoder; score the run"
        raise click.UsageError(why, click.get_current_context())
    if features:
        scored = score_run(run, features, with_training_rows, goals)
    else:
        with tempfile.TemporaryDirectory(prefix="tk-") as scratch:
            stores = _encode(run, found, data, reading, model, trust_model, Path(scratch), command)
            scored = score_run(run, stores, with_training_rows, goals, ", ".join(data))
    if as_json:
        print_json(scored.as_dict())
    else:
        _print(scored, run)
    if not (scored.certain if goal_by == "interval" else scored.reached):
        sys.exit(MISSED)


def _encode(
    run: Run,
    found: list[Source],
    data: tuple[str, ...],
    reading: dict[str, Any],
    model: tuple[str, ...],
    trust_model: bool,
    scratch: Path,
    command: str,
) -> list[Path]:
    """The table through each of the run's own encoders, into a store each."""
    from classify.model_inputs import source_columns
    from commands.reporter import command_reporter
    from embed import StoreOptions, embed, load_recipes

    stores = []
    with command_reporter() as reporter:
        kept = [(source.recipe, source.digest) for source in found]
        recipes = load_recipes(kept, model, trust_model=trust_model, reporter=reporter)
        table = read(data, **{"like": source_columns(run.recipe.features)} | reading)
        for number, recipe in enumerate(recipes, 1):
            stores.append(scratch / f"rows-{number}.h5")
            embed(table, recipe, stores[-1], store=StoreOptions(catalogued=False), reporter=reporter, command=command)
    return stores


def _print(scored: ScoredRun, run: Run) -> None:
    from classify.reports.grid import grid
    from classify.reports.text import calibration, cell, head_spec
    from classify.scoring.metrics import columns_of

    for table in (1, 2):
        columns = columns_of(run.recipe.problem, table)
        cells = [cell(scored.overall.get(name)) for name in columns]
        print_table(grid(["head"], list(columns.values()), [([head_spec(run)], cells)]))
        echo()
    used = "scored with the others" if scored.with_training_rows else "left out"
    echo(f"{scored.rows:,} rows of {scored.texts:,} distinct texts scored; {scored.trained_on:,} rows that the run was "
         f"trained on {used}; {scored.unlabelled:,} without a label")  # fmt: skip
    for remark in scored.remarks:
        echo(f"note: {shown(remark)}")
    for line in calibration(scored.overall):
        echo(line)
    for name, score in scored.per_class.items():
        numbers = f"precision {score['precision']:.3f}  recall {score['recall']:.3f}  F1 {score['f1']:.3f}"
        echo(f"  {shown(name)}: {numbers}  ({score['support']:,.0f} rows)")
    drift = scored.drift
    for pair, what, form in (
        (drift.median_words, "words of the median text", ",.0f"),
        (drift.empty, "texts without a word", ".1%"),
        (drift.unknown, "unknown words", ".1%"),
    ):
        if pair is not None:
            echo(f"{what}: {pair[0]:{form}} trained on, {pair[1]:{form}} here")  # fmt: skip
    if drift.features_auc is not None:
        echo(f"told from the training rows by their features with ROC-AUC {drift.features_auc:.3f} (0.5: not at all)")
    if drift.missing:
        echo(f"drift: {shown(drift.missing)}")
    for goal in scored.goals:
        echo(goal_line(goal, run.recipe.problem))


def goal_line(goal: Goal, problem: str) -> str:
    """What came of a goal: by the value, and where that reaches it, by the worse end of its interval."""
    from classify.scoring.metrics import title_of

    value = "has no value" if goal.value is None else f"is {goal.value:.4f}"
    told = "reached" if goal.reached else "missed"
    if goal.reached and goal.end is None:
        told += "; not certain, as it has no interval"
    elif goal.reached:
        end = f"the {'lower' if goal.relation == '>=' else 'upper'} end of its 95 % interval, {goal.end:.4f},"
        told += f"; {end} {'reaches it, too' if goal.certain else 'does not reach it'}"
    return f"goal {goal.metric}{goal.relation}{goal.bound:g}: {title_of(goal.metric, problem)} {value}, {told}"
