"""The commands ``tk classify`` and ``tk heads``."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.reporter import command_reporter
from commands.runs import report_option, show, tensorboard_option
from commands.terminal import echo, json_option, note, print_json, print_table, shown, versions_of, with_options

if TYPE_CHECKING:
    from classify import Run


def validation_options(function: Callable) -> Callable:
    """The options that say what is tested by a model trained on what."""
    for option in reversed((
        click.option("--cv", type=int, help="Stratified folds.  [default: 5]"),
        click.option("--repeats", type=int, default=1, show_default=True, help="How often the folds are drawn again."),
        click.option("--test-size", type=float,
                     help="Share of rows held out, instead of folds (with --time-column the latest)."),
        click.option("--by-split", is_flag=True, help="Train and test as the split column of the table says."),
        click.option("--test", type=click.Path(path_type=Path), help="Store to test on; --features is to train on."),
        click.option("--test-rows", metavar="FILE",
                     help="Lines or ids of the rows to test on, one a line; or "
                          "train_test_split:test_size=0.1,random_state=42 for those that scikit-learn takes."),
        click.option("--folds-file", type=click.Path(path_type=Path), help="CSV of line or id, and fold, of each row."),
        click.option("--time-column", help="Id column of the table that holds a time: the latest rows are tested."),
        click.option("--groups", help="Id column of the table: rows with the same id stay on one side, too."),
        click.option("--identical", type=click.Choice(["likeness", "bytes"]), default="likeness", show_default=True,
                     help="Texts that stay on one side: those alike but for case, blanks, digits, links, mentions and "
                          "punctuation, or equal ones only."),
        click.option("--near-duplicates", type=float, metavar="SHARE",
                     help="Texts that share so many of their word pairs stay on one side, too, such as 0.7."),
        click.option("--allow-duplicates-across-folds", "allow_duplicates", is_flag=True,
                     help="Identical texts may sit on both sides; says how much that flatters."),
        click.option("--learning-curve", help="Shares of the training rows to learn from, such as 0.1,0.5."),
        click.option("--report-epochs", help="Epochs after which to score, too, such as 10,20,50."),
    )):  # fmt: skip
        function = option(function)
    return function


def training_options(function: Callable) -> Callable:
    """The options that say how heads are fitted, always inside the training rows."""
    for option in reversed((
        click.option("--sampler", multiple=True, default=["none"], show_default=True,
                     help="none, under, over, smote or ensemble (of under-samples); repeatable."),
        click.option("--class-weight", default="none", show_default=True, help="none or balanced."),
        click.option("--tune", multiple=True, metavar="HEAD:OPTION=VALUES", default=["default"], show_default=True,
                     help="Choose an option on inner folds: logistic:C=0.01..100, dense:units=64|256; repeatable. "
                          "default: what tk heads says of each head; none: nothing."),
        click.option("--calibrate", default="default", show_default=True,
                     help="none, sigmoid, temperature or isotonic (from 1,000 rows a class on), from inner folds; "
                          "default: sigmoid for nb, else none."),
        click.option("--threshold", help="Of two classes: a number, or f1 (the best on inner folds)."),
        click.option("--goal",
                     help="Threshold that reaches a goal with 95 % certainty by the inner folds: precision>=0.99."),
        click.option("--cost", metavar="TRUE->TAKEN=COST,...",
                     help="Decide for the class of the least expected cost: spam->ham=1,ham->spam=10."),
        click.option("--remove-components", "components", type=int, default=0, show_default=True,
                     help="Directions that the training rows share, taken out of vectors (1 completes --pooling sif)."),
        click.option("--inner", type=int, help="Inner folds.  [default: 5 for logistic on vectors, else 3]"),
    )):  # fmt: skip
        function = option(function)
    return function


@click.command()
@click.argument("stores", metavar="[STORE]...", nargs=-1)
@click.option("--features", multiple=True,
              help="Feature store from tk embed; a.h5+b.h5 puts two side by side, a.h5+tfidf a store and the words, "
              "a.h5:dims=256 takes the first columns, a.h5:pca=64 principal components, a.h5:pool=mean one vector of a "
              "text's tokens; repeatable.")  # fmt: skip
@click.option("--head", "heads", multiple=True, default=["logistic"], show_default=True,
              help="Head, or head:option=value,...; repeatable. tk heads lists them.")  # fmt: skip
@validation_options
@training_options
@click.option("--seed", default=0, show_default=True, help="Of split, sampling, head and bootstrap.")
@click.option("--positive", help="Of two classes, the one that precision, recall, AUC and thresholds are about; of "
                   "more, the one that --goal is about.  [default of two: spam, toxic, 1, yes, true, positive, or the "
                   "rarer]")  # fmt: skip
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

    Rows with the same text, or texts alike but for their writing, are never on both sides of a split. The split
    depends on the table and the seed alone, so that all encoders are tested on the same rows. Options of heads are
    chosen on inner folds of the training rows. Scores are out-of-fold, with 95 % intervals; the model that is kept is
    fitted on all labelled rows. Several stores, heads and samplers are measured on the same splits, each with each.

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
    options["learning_curve"] = _numbers(options["learning_curve"], float, "--learning-curve")
    options["report_epochs"] = _numbers(options["report_epochs"], int, "--report-epochs")
    goal = options.pop("goal")
    if goal is not None and options["threshold"] is not None:
        raise click.UsageError("--threshold and --goal exclude each other", click.get_current_context())
    options["threshold"] = options["threshold"] if goal is None else goal
    versions = versions_of("numpy", "scikit-learn", "imbalanced-learn", "tensorflow", "keras", "skops")
    with command_reporter() as reporter:
        runs = run_classify(features, heads, **options, command=command, versions=versions, reporter=reporter)
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
    from classify.reports.basis import basis
    from classify.reports.text import best_of, details, score_tables, spec_of

    command = click.get_current_context().command

    for table, first in score_tables(runs):
        print_table(table)
        echo(f"\n{basis(first)}\n")
    if len(runs) > 1:
        echo(f"{best_of(runs)}\n")
    for number, run in enumerate(runs):
        echo(f"{chr(10) if number else ''}{spec_of(run)}: {run.folder}")
        for line in details(run):
            echo(f"  {with_options(shown(line), command)}")


@click.command()
@json_option
def heads(as_json: bool) -> None:
    """List the heads with their options, defaults, and what is chosen for them on inner folds.

    \b
    Example:
        tk heads
    """
    from classify.heads import names
    from stores.shared.errors import FailureError

    found: dict[str, dict[str, Any]] = {}
    for name in names():
        try:
            found[name] = _about(name)
        except FailureError as error:  # of another package; it harms no other head
            note(str(error))
    if as_json:
        print_json(found)
        return
    for name, entry in found.items():
        echo(f"{name}: {entry['about']}\n    takes {', '.join(entry['kinds'])} features")
        for option, what in entry["options"].items():
            chosen = f"; chosen from {', '.join(f'{v}' for v in what['chosen'])}" if what["chosen"] else ""
            echo(f"    {option}={what['default']}  {what['help']}{chosen}")


def _about(name: str) -> dict[str, Any]:
    """What ``tk heads`` says of a head."""
    from classify.heads import documentation, head_class

    kind = head_class(name)
    texts, grid = documentation(kind), kind.grid
    options = {
        option: {"default": value, "help": texts[option], "chosen": list(grid.get(option, ()))}
        for option, value in kind().options().items()
    }
    about = (kind.__doc__ or "").strip().splitlines()[0]
    return {"about": about, "kinds": sorted(kind.kinds), "options": options}
