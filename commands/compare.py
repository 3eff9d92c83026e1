"""The command ``tk compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.runs import by_option, runs_argument
from commands.terminal import echo, json_option, note, print_json, print_table, shown

if TYPE_CHECKING:
    from rich.console import Group

    from classify.analysis.comparison import ComparedRun, Comparison, PairedTest


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
    from classify.analysis.compare import compare as run_compare

    found = run_compare([read_run(folder) for folder in folders], by, common)
    if out is not None:
        from classify.reports.compare_page import write_comparison

        write_comparison(found, out, command)
        note(f"wrote {out}")
    if as_json:
        print_json(found.as_dict())
        return
    print_table(_scores(found))
    echo()
    for entry in found.runs[1:]:
        for line in _verdict(entry, found):
            echo(line)
    echo()
    print_table(_costs(found))
    echo(f"\n{found.basis}")
    echo(f"cheapest that is not distinguishable from the best: {shown(found.cheapest)}")


def _scores(found: Comparison) -> Group:
    from classify.reports.grid import grid
    from classify.reports.text import cell
    from classify.scoring.metrics import columns_of

    columns = columns_of(found.problem)
    rows = [([shown(entry.name)], [cell(entry.scores.get(name)) for name in columns]) for entry in found.runs]
    return grid(["run"], list(columns.values()), rows)


def _verdict(entry: ComparedRun, found: Comparison) -> list[str]:
    """What the tests say of a run, in two lines."""
    from classify.scoring.metrics import title_of

    against, name = entry.against, title_of(found.by, found.problem)
    difference = against.difference
    told = "worse than the best" if entry.distinguishable else "not distinguishable from the best"
    low, high = difference.low, difference.high
    by = f"{name} has no value"
    if low is not None and high is not None:
        by = f"{name} {difference.value:+.4f} [{low:+.4f}, {high:+.4f}]"
    lines = [f"{shown(entry.name)}: {told}; {by}"]
    mcnemar = against.mcnemar
    tests = [f"paired bootstrap {_p(against.bootstrap)}"]
    counts = f"{mcnemar.best_ahead:,} texts right in the best alone, {mcnemar.ahead:,} here alone"
    tests.append(f"McNemar {_p(mcnemar)} ({counts})")
    if against.t_test is not None:
        tests.append(f"corrected t-test over folds {_p(against.t_test)}")
    return [*lines, f"  {'; '.join(tests)}"]


def _p(test: PairedTest) -> str:
    p = test.p_holm
    return "has no p" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _costs(found: Comparison) -> Group:
    from classify.analysis.cost import COSTS
    from classify.reports.grid import grid

    return grid(["run"], COSTS, [([shown(entry.name)], entry.cost.cells()) for entry in found.runs])
