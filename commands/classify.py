"""The commands ``tk classify`` and ``tk heads``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.runs import report_option, show, tensorboard_option
from commands.terminal import echo, json_option, print_json, print_table, shown, step_progress, versions_of

if TYPE_CHECKING:
    from classify import Run


def validation_options(function: Callable) -> Callable:
    """The options that say what is tested by a model trained on what."""
    for option in reversed((
        click.option("--cv", type=int, help="Stratified folds.  [default: 5]"),
        click.option("--repeats", type=int, default=1, show_default=True, help="How often the folds are drawn anew."),
        click.option("--test-size", type=float, help="Share of rows held out, instead of folds."),
        click.option("--by-split", is_flag=True, help="Train and test as the split column of the table says."),
        click.option("--test", type=click.Path(path_type=Path), help="Store to test on; --features is to train on."),
        click.option("--groups", help="Id column of the table: rows with the same id stay on one side, too."),
        click.option("--allow-duplicates-across-folds", "allow_duplicates", is_flag=True,
                     help="Identical texts may sit on both sides; says how much that flatters."),
        click.option("--learning-curve", "shares", help="Shares of the training rows to learn from, such as 0.1,0.5."),
        click.option("--report-epochs", "epochs", help="Epochs after which to score, too, such as 10,20,50."),
    )):  # fmt: skip
        function = option(function)
    return function


def training_options(function: Callable) -> Callable:
    """The options that say how heads are fitted, always inside the training rows."""
    for option in reversed((
        click.option("--sampler", multiple=True, default=["none"], show_default=True,
                     help="none, under, over, smote or ensemble (of under-samples); repeatable."),
        click.option("--class-weight", default="none", show_default=True, help="none or balanced."),
        click.option("--tune", multiple=True, metavar="HEAD:OPTION=VALUES",
                     help="Choose an option on inner folds: logistic:C=0.01..100, dense:units=64|256; repeatable."),
        click.option("--calibrate", default="none", show_default=True,
                     help="none, sigmoid or isotonic, from inner folds."),
        click.option("--threshold", help="Of two classes: a number, or f1 (the best on inner folds)."),
        click.option("--goal", help="Threshold that reaches a goal on inner folds, such as precision>=0.99."),
        click.option("--remove-components", "components", type=int, default=0, show_default=True,
                     help="Directions that the training rows share, taken out of vectors (1 completes --pooling sif)."),
        click.option("--inner", type=int, default=3, show_default=True, help="Inner folds."),
    )):  # fmt: skip
        function = option(function)
    return function


@click.command()
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@click.option("--features", multiple=True,
              help="Feature store from tk embed; a.h5+b.h5 puts two side by side; repeatable.")  # fmt: skip
@click.option("--head", "heads", multiple=True, default=["logistic"], show_default=True,
              help="Head, or head:option=value,...; repeatable. tk heads lists them.")  # fmt: skip
@validation_options
@training_options
@click.option("--seed", default=0, show_default=True, help="Of split, sampling, head and bootstrap.")
@click.option("--positive", help="The class that AUC and thresholds are about, of two.  [default: the last by name]")
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the run.  [default: runs/<store>.<head>]")
@report_option
@tensorboard_option
@json_option
@click.pass_obj
def classify(
    command: str, stores: tuple[str, ...], features: tuple[str, ...], heads: tuple[str, ...], as_json: bool,
    report: bool, tensorboard: Path | None, **options: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Train and measure heads on the features of a store, and keep each as a run.

    Rows with the same text are never on both sides of a split. Scores are out-of-fold, with bootstrap 95 %
    intervals; the model that is kept is fitted on all labelled rows. Several stores, heads and samplers are
    measured on the same splits, each with each.

    \b
    Example:
        tk classify features/messages.static.h5 --cv 5
        tk classify --features features/messages.static.h5 --head logistic --head nb --sampler none --sampler under
        tk classify --features features/messages.words.h5 --head nb:weights=counts --test-size 0.2 --seed 1
        tk classify --features features/messages.static.h5 --tune logistic:C=0.01..100 --goal "recall>=0.9"
    """
    from classify import classify as run_classify

    features = (*stores, *features)
    if not features:
        raise click.UsageError("give a store: tk classify STORE", click.get_current_context())
    if tensorboard is not None:
        from classify.reports.tensorboard import require_tensorboard

        require_tensorboard()
    options["shares"] = _numbers(options["shares"], float, "--learning-curve")
    options["epochs"] = _numbers(options["epochs"], int, "--report-epochs")
    goal = options.pop("goal")
    if goal is not None and options["threshold"] is not None:
        raise click.UsageError("--threshold and --goal exclude each other", click.get_current_context())
    options["threshold"] = options["threshold"] if goal is None else goal
    versions = versions_of("numpy", "scikit-learn", "imbalanced-learn", "tensorflow", "keras", "skops")
    with step_progress("training") as progress:
        runs = run_classify(features, heads, **options, command=command, versions=versions, progress=progress)
    if as_json:
        print_json(
            [{"run": str(run.folder), "recipe": run.recipe.as_dict(), "metrics": run.metrics.as_dict()} for run in runs]
        )
    else:
        _print_runs(runs)
    show(runs, report, tensorboard)


def _numbers(text: str | None, kind: type, option: str) -> list:
    try:
        return [] if text is None else [kind(part) for part in text.split(",")]
    except ValueError:
        raise click.UsageError(
            f"{option} {text}: give numbers with commas between", click.get_current_context()
        ) from None


def _print_runs(runs: list[Run]) -> None:
    from classify.reports.text import basis, best_of, details, score_tables, spec_of

    for table, first in score_tables(runs):
        print_table(table)
        echo(f"\n{basis(first)}\n")
    if len(runs) > 1:
        echo(f"{best_of(runs)}\n")
    for number, run in enumerate(runs):
        echo(f"{chr(10) if number else ''}{spec_of(run)}: {run.folder}")
        for line in details(run):
            echo(f"  {shown(line)}")


@click.command()
@json_option
def heads(as_json: bool) -> None:
    """List the heads with their options and defaults.

    \b
    Example:
        tk heads
    """
    from classify.heads import head_class, names

    found = {name: {"about": _about(head_class(name)), "options": head_class(name)().options()} for name in names()}
    if as_json:
        print_json(found)
        return
    for name, entry in found.items():
        options = ",".join(f"{option}={value}" for option, value in entry["options"].items())
        echo(f"{name:10} {entry['about']}")
        if options:
            echo(f"{'':10} {options}")


def _about(kind: type) -> str:
    return (kind.__doc__ or "").strip().splitlines()[0]
