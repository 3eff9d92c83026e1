"""The commands on several finished runs: ``tk compare``, ``tk ensemble``, ``tk speed``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import json_option, note, print_json, print_table, shown, versions_of
from cli_report import report_option, show

if TYPE_CHECKING:
    from rich.table import Table

FOLDER = click.Path(path_type=Path)
runs_argument = click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=FOLDER)
by_option = click.option("--by", default="f1_macro", show_default=True,
                         help="f1_macro, accuracy, roc_auc, pr_auc or log_loss: the metric that decides.")  # fmt: skip


@click.command()
@runs_argument
@by_option
@click.option("--common", is_flag=True, help="Leave out rows that not all runs have tested.")
@click.option("--out", type=click.Path(path_type=Path), help="Folder for a page and figures of the same; made.")
@json_option
@click.pass_obj
def compare(command: str, folders: tuple[Path, ...], by: str, common: bool, out: Path | None, as_json: bool) -> None:
    """Compare runs on the same rows: scores with intervals, paired tests against the best, cost.

    The p-values are corrected for the number of pairs. A run is called not distinguishable from the best when the
    paired bootstrap of the difference in the chosen metric has p >= 0.05.

    \b
    Example:
        tk classify --features features/messages.words.h5 --cv 5
        tk compare runs/messages.static.logistic runs/messages.words.logistic
        tk compare runs/messages.static.logistic runs/messages.words.logistic --by pr_auc --json
    """
    from classify import read_run
    from classify.compare import basis
    from classify.compare import compare as run_compare

    found = run_compare([read_run(folder) for folder in folders], by, common)
    if out is not None:
        from classify.compare_page import write_comparison

        write_comparison(found, out, command)
        note(f"wrote {out}")
    if as_json:
        print_json(found)
        return
    print_table(_scores(found))
    click.echo()
    for entry in found["runs"][1:]:
        for line in _verdict(entry, found):
            click.echo(line)
    click.echo()
    print_table(_costs(found))
    click.echo(f"\n{basis(found)}")
    click.echo(f"cheapest that is not distinguishable from the best: {shown(found['cheapest'])}")


def _scores(found: dict) -> Table:
    from classify.report import SHOWN, cell

    table = _table("run", *SHOWN.values())
    for entry in found["runs"]:
        scores = [entry["scores"].get(name) for name in SHOWN]
        table.add_row(_text(entry["name"]), *map(cell, scores))
    return table


def _verdict(entry: dict, found: dict) -> list[str]:
    """What the tests say of a run, in two lines."""
    from classify.report import SHOWN

    against, name = entry["against_best"], SHOWN[found["by"]]
    difference = against["difference"]
    told = "worse than the best" if entry["distinguishable"] else "not distinguishable from the best"
    low, high = difference["low"], difference["high"]
    by = f"{name} {difference['value']:+.4f} [{low:+.4f}, {high:+.4f}]" if low is not None else f"{name} has no value"
    lines = [f"{shown(entry['name'])}: {told}; {by}"]
    mcnemar = against["mcnemar"]
    tests = [f"paired bootstrap {_p(against['bootstrap'])}"]
    counts = f"{mcnemar['best_ahead']:,} texts right in the best alone, {mcnemar['ahead']:,} here alone"
    tests.append(f"McNemar {_p(mcnemar)} ({counts})")
    if against["t_test"]:
        tests.append(f"corrected t-test over folds {_p(against['t_test'])}")
    return [*lines, f"  {'; '.join(tests)}"]


def _p(test: dict) -> str:
    p = test["p_holm"]
    return "has no p" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _costs(found: dict) -> Table:
    from classify.compare import COSTS, cost_cells

    table = _table("run", *COSTS)
    for entry in found["runs"]:
        table.add_row(_text(entry["name"]), *cost_cells(entry["cost"]))
    return table


def _table(*columns: str) -> Table:
    from rich.box import SIMPLE_HEAD
    from rich.table import Column, Table

    first, *others = columns
    right = [Column(name, justify="right") for name in others]
    return Table(
        Column(first, overflow="fold"), *right, box=SIMPLE_HEAD, padding=(0, 1, 0, 0), show_edge=False, pad_edge=False
    )


def _text(name: str) -> object:
    """A name as it is: to rich, brackets would be styles."""
    from rich.text import Text

    return Text(shown(name))


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


@click.command()
@runs_argument
@click.option("--method", default="average", show_default=True,
              help="average (of the probabilities), vote, or stack (logistic regression on their logits).")  # fmt: skip
@click.option("--out", type=FOLDER, help="Folder of the new run.  [default: runs/<table>.<method>]")
@report_option
@json_option
@click.pass_obj
def ensemble(
    command: str, folders: tuple[Path, ...], method: str, out: Path | None, report: bool, as_json: bool
) -> None:  # fmt: skip
    """Combine the out-of-fold predictions of runs on the same rows into a run of its own.

    What is stacked is learned for each fold on the predictions of the other folds' rows. The new run has scores and
    predictions like any other, for tk compare and tk errors, but tk predict needs its members one by one.

    \b
    Example:
        tk ensemble runs/messages.static.logistic runs/messages.words.logistic --out runs/both
        tk compare runs/both runs/messages.static.logistic runs/messages.words.logistic
    """
    from classify import read_run
    from classify.ensemble import ensemble as run_ensemble
    from classify.report import basis, details, score_tables

    versions = versions_of("numpy", "scikit-learn")
    runs = [read_run(folder) for folder in folders]
    run = run_ensemble(runs, method, out=out, command=command, versions=versions)
    show([run], report)
    if as_json:
        print_json({"run": str(run.folder), "recipe": run.recipe, "metrics": run.metrics})
        return
    for table, _ in score_tables([*runs, run]):
        print_table(table)
    click.echo(f"\n{basis(run)}\n\n{method}: {run.folder}")
    for line in details(run):
        click.echo(f"  {line}")


@click.command()
@runs_argument
@by_option
@click.option("--encode", "sample", type=click.IntRange(1), metavar="TEXTS",
              help="Measure the encoders now, on so many texts.  [default: what their stores recorded]")  # fmt: skip
@json_option
def speed(folders: tuple[Path, ...], by: str, sample: int | None, as_json: bool) -> None:
    """Show how many texts a second runs classify, encoder and head apart, against the score.

    The heads are measured now, on the first rows of their stores, the encoders when the stores were made.

    \b
    Example:
        tk speed runs/messages.static.logistic runs/messages.words.logistic
        tk speed runs/messages.static.logistic --encode 200
    """
    from classify import read_run
    from classify.report import SHOWN, cell
    from classify.speed import speed as run_speed

    found = run_speed([read_run(folder) for folder in folders], by, _encode_seconds if sample else None, sample or 0)
    if as_json:
        print_json(found)
        return
    table = _table("run", SHOWN[by], "encoder texts/s", "head texts/s", "together")
    for entry in found["runs"]:
        rates = (entry[name] for name in ("encoder_texts_per_second", "head_texts_per_second", "texts_per_second"))
        table.add_row(_text(entry["name"]), cell(entry["score"]), *(_number(rate, ",.0f") for rate in rates))
    print_table(table)
    when = f"now, on {sample:,} texts" if sample else "when their stores were made"
    click.echo(f"\nheads measured now, on {found['rows']:,} rows at most; encoders {when}")
    if any(entry["encoder_texts_per_second"] is None for entry in found["runs"]):
        click.echo("-: the store took its features from earlier ones; --encode 500 measures the encoder now")


def _encode_seconds(part: dict, texts: list[str]) -> float:
    """Seconds that the encoder of a store takes for texts, without loading it."""
    import time

    from embed import Recipe

    recipe = Recipe.from_dict(part["recipe"], part["identity_digest"])
    recipe.encode(texts[:8])
    start = time.perf_counter()
    recipe.encode(texts)
    return time.perf_counter() - start
