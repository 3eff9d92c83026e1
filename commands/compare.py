"""The command ``tk compare``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.reporter import command_reporter
from commands.runs import by_option, runs_argument
from commands.terminal import csv_safe_option, echo, json_option, note, print_json, print_table, shown

if TYPE_CHECKING:
    from rich.console import Group

    from classify.analysis.comparison import ComparedRun, Comparison, PairedTest


@click.command()
@runs_argument
@by_option
@click.option("--common", is_flag=True, help="Leave out rows that not all runs have tested.")
@click.option(
    "--rope",
    default=0.01,
    show_default=True,
    help="Differences up to this one are practically none (region of practical equivalence).",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder for a page and figures of the same; made.")
@click.option(
    "--to", type=click.Choice(["markdown", "latex", "csv"]),
    help="Print a table for a paper instead: the best in bold, marks of what is worse, and a caption that explains.",
)  # fmt: skip
@click.option("--metrics", help="Columns of that table, as f1_macro,roc_auc.  [default: those of the terminal]")
@csv_safe_option
@json_option
@click.pass_obj
def compare(
    command: str, folders: tuple[Path, ...], by: str, common: bool, rope: float, out: Path | None, to: str | None,
    metrics: str | None, csv_safe: bool, as_json: bool,
) -> None:  # fmt: skip
    """Compare runs on the same rows: scores with intervals, paired tests against the best, cost.

    A run is called worse than the best when the difference in the chosen metric, over a standard error in which the
    luck of training is, has p < 0.05 after the correction for all pairs (Holm). It is called practically the same when
    the difference is within --rope with a probability of 0.95.

    \b
    Example:
        tk classify --features features/messages.words.h5 --cv 5
        tk compare runs/messages.static.logistic runs/messages.words.logistic
        tk compare runs/messages.static.logistic runs/messages.words.logistic --by pr_auc --json
        tk compare runs/messages.static.logistic runs/messages.words.logistic --to latex --metrics f1_macro,accuracy
    """
    if to and as_json:
        raise click.UsageError("--to and --json exclude each other", click.get_current_context())
    if metrics is not None and not to:
        raise click.UsageError("--metrics chooses the columns of --to", click.get_current_context())
    from classify import read_run
    from classify.analysis.compare import compare as run_compare

    with command_reporter() as reporter:
        found = run_compare([read_run(folder) for folder in folders], by, common, rope, reporter)
    if out is not None:
        from classify.reports.compare_page import write_comparison

        write_comparison(found, out, command)
        note(f"wrote {out}")
    if to:
        from classify.reports.paper_table import paper_table

        chosen = [name.strip() for name in metrics.split(",")] if metrics is not None else []
        echo(paper_table(found, to, csv_safe, chosen).removesuffix("\n"))
    elif as_json:
        print_json(found.as_dict())
    else:
        print_comparison(found)


def print_comparison(found: Comparison) -> None:
    """Scores, tests against the best, costs, and what they rest on."""
    print_table(_scores(found))
    echo()
    for entry in found.runs[1:]:
        for line in _verdict(entry, found):
            echo(line)
    echo()
    print_table(_costs(found))
    echo(f"\n{found.basis}")
    for line in _caveats(found):
        echo(shown(line))
    echo(f"cheapest that is not distinguishable from the best: {shown(found.cheapest)}")


def _scores(found: Comparison) -> Group:
    from classify.reports.grid import grid
    from classify.reports.text import cell
    from classify.scoring.metrics import columns_of

    columns = columns_of(found.problem)
    rows = [([shown(entry.name)], [cell(entry.scores.get(name)) for name in columns]) for entry in found.runs]
    return grid(["run"], list(columns.values()), rows)


def _verdict(entry: ComparedRun, found: Comparison) -> list[str]:
    """What the tests say of a run, in a few lines."""
    from classify.scoring.metrics import title_of

    against, name = entry.against, title_of(found.by, found.problem)
    told = {"worse": "worse than the best", "practically the same": "practically the same as the best",
            "not distinguishable": "not distinguishable from the best"}[entry.verdict]  # fmt: skip
    difference, test, mcnemar = against.difference, against.test, against.mcnemar
    by = f"{name} has no value"
    if difference.value is not None:
        by = f"{name} {difference.value:+.4f}"
        by += f" [{difference.low:+.4f}, {difference.high:+.4f}]" if difference.low is not None else ""
    lines = [f"{shown(entry.name)}: {told}", f"  {by}, {_p(test)}"]
    if test.practically_same is not None:
        lines.append(f"  within {found.rope:g} of the best with a probability of {test.practically_same:.2f}")
    counts = f"{mcnemar.best_ahead:,} texts right in the best alone, {mcnemar.ahead:,} here alone"
    lines.append(f"  McNemar {_p(mcnemar)} ({counts})")
    floor = found.smallest_bootstrap_p if _at_floor(against.bootstrap, found) else None
    others = [f"paired bootstrap {_p(against.bootstrap)}" + (f" (it cannot be below {floor:.2g})" if floor else "")]
    others += [] if against.t_test is None else [f"corrected t-test over folds {_p(against.t_test)}"]
    return [*lines, f"  {'; '.join(others)}"]


def _at_floor(test: PairedTest, found: Comparison) -> bool:
    return test.p_holm is not None and test.p_holm <= found.smallest_bootstrap_p


def _p(test: PairedTest) -> str:
    p = test.p_holm
    return "has no p" if p is None else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _caveats(found: Comparison) -> list[str]:
    """What picking the best does to its score, and what differences can be seen at all."""
    from classify.scoring.metrics import title_of

    name, lines = title_of(found.by, found.problem), []
    score, corrected = found.runs[0].scores[found.by].value, found.best_corrected
    if score is not None and corrected.value is not None and corrected.low is not None:
        interval = f"[{corrected.low:.4f}, {corrected.high:.4f}]"
        lines.append(f"{name} of the best, corrected for having been picked: {corrected.value:.4f} {interval}")
    if found.smallest_visible is not None:
        lines.append(f"differences under about {found.smallest_visible:.3f} are mostly not seen with these rows")
    return lines


def _costs(found: Comparison) -> Group:
    from classify.analysis.cost import COSTS
    from classify.reports.grid import grid

    return grid(["run"], COSTS, [([shown(entry.name)], entry.cost.cells()) for entry in found.runs])
