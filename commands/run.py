"""The command ``tk run``."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.compare import print_comparison
from commands.evaluate import MISSED, goal_line
from commands.experiment_file import ENDING, RunCommand
from commands.runs import by_option
from commands.tables import clean_option, data_option, read, table_options
from commands.terminal import echo, json_option, note, print_json, shown, versions_of

if TYPE_CHECKING:
    from classify.analysis.comparison import Comparison
    from classify.analysis.goals import Goal
    from commands.trials.conduct import Experiment
    from commands.trials.probe import TableSample
    from commands.trials.trial import EncoderTrial, Outcome

HEADS = ("logistic", "nb", "dense")


@click.command(cls=RunCommand)
@data_option
@click.option(
    "--encoder", "encoders", multiple=True, metavar="[LABEL=]NAME[:option=value,...]",
    help="Encoder to try; repeatable.  [default: all whose weights are on this machine]",
)  # fmt: skip
@click.option("--head", "heads", multiple=True, default=HEADS, show_default=True, help="Head to try; repeatable.")
@click.option("--sampler", multiple=True, default=["none"], show_default=True, help="Sampler to try; repeatable.")
@table_options
@clean_option
@click.option("--budget", metavar="TIME", help="Begin nothing that would end later, such as 10m.  [default: no limit]")
@click.option("--dry-run", is_flag=True, help="Say what the encoders would take, and stop.")
@click.option("--cv", type=int, help="Stratified folds.  [default: 5]")
@click.option("--repeats", type=int, default=1, show_default=True, help="How often the folds are drawn again.")
@click.option("--test-size", type=float, help="Share of rows held out, instead of folds.")
@click.option("--by-split", is_flag=True, help="Train and test as the split column of the table says.")
@click.option("--groups", help="Id column of the table: rows with the same id stay on one side, too.")
@click.option("--seed", default=0, show_default=True, help="Of split, sampling, heads and bootstrap.")
@click.option("--positive", help="Of two classes, the one that precision, recall and areas are about.")
@by_option
@click.option("--rope", default=0.01, show_default=True, help="Differences up to this one are practically none.")
@click.option(
    "--goal",
    "goals",
    multiple=True,
    metavar="METRIC>=NUMBER",
    help="What the run to take must reach, such as f1_macro>=0.9; repeatable. Exit code 3 if it does not.",
)
@click.option("--out", type=click.Path(path_type=Path), help="Folder of all this.  [default: experiments/<data>]")
@click.option(
    "--write", metavar="FILE.toml", type=click.Path(path_type=Path),
    help="Write these options, with comments on all others, into a file that tk run takes, and stop.",
)  # fmt: skip
@json_option
@click.pass_obj
def run(
    command: str, data: tuple[str, ...], encoders: tuple[str, ...], heads: tuple[str, ...], sampler: tuple[str, ...],
    clean: str, budget: str | None, dry_run: bool, by: str, rope: float, out: Path | None, as_json: bool,
    goals: tuple[str, ...], reading: dict[str, Any], **settings: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Try encoders and heads on a table, the cheapest first, and say which to take.

    Each encoder is loaded and encodes a few texts, so that it can be said beforehand what it will take for the table.
    All are tested on the same splits. A head is trained for the first time without a limit; from then on what it takes
    is known, and what does not fit into the --budget is left out and named. The same command goes on where it was
    ended; what is done is not done again, and other encoders and heads may be added. At the end stands the frontier:
    the runs that no other beats in both score and cost, and the cheapest that is practically the same as the best.
    A file that ends in .toml stands for a table with all options; --write makes one to begin from.

    \b
    Example:
        tk run examples/messages.csv
        tk run examples/messages.csv --encoder static --encoder words --write messages.toml
        tk run messages.toml --budget 10m
        tk run examples/messages.csv --encoder static --encoder words --head logistic --budget 10m --dry-run
        tk run examples/messages.csv --encoder max=static:pooling=max --out experiments/more
    """
    from commands.reporter import command_reporter
    from commands.trials.budget import Budget, parse_budget
    from commands.trials.candidates import candidates
    from commands.trials.conduct import Experiment

    data = tuple(name for name in data if not name.endswith(ENDING))
    limit = None if budget is None else parse_budget(budget)
    tried = candidates(encoders)
    _check_early(heads, by, goals)
    with command_reporter() as reporter:
        table = read(data, **reading)
        experiment = Experiment(
            table, out or Path("experiments") / table.stem, heads, sampler, clean, settings, Budget(limit), reporter,
            command, versions_of("numpy", "scikit-learn", "imbalanced-learn", "tensorflow", "keras", "skops"),
        )  # fmt: skip
        if not dry_run:
            experiment.open_folder()
        trials, sample, unusable = experiment.probe(tried)
        if dry_run:
            _print_plan(trials, sample, unusable, as_json)
            return
        for line in _plan(trials, sample, unusable):
            note(line)
        outcome = experiment.conduct(trials)
    if not _show(experiment, outcome, by, rope, goals, as_json):
        sys.exit(MISSED)


def _check_early(heads: tuple[str, ...], by: str, goals: tuple[str, ...]) -> None:
    """Mistakes that would otherwise show after the first minutes."""
    from classify.analysis.goals import parse_goal
    from classify.heads import parse
    from classify.scoring.metrics import METRICS, PROBLEMS
    from stores.shared.errors import InputError
    from stores.shared.suggest import listing

    for head in heads:
        parse(head)
    if by not in METRICS:
        raise InputError(f"`by={by!r}`: choose one of {listing(by, METRICS)}")
    for goal in goals:  # of which problem it is shows when the table is read
        errors = []
        for problem in PROBLEMS:
            try:
                parse_goal(goal, problem)
            except InputError as error:
                errors.append(error)
        if len(errors) == len(PROBLEMS):
            raise errors[0]


def _plan(trials: list[EncoderTrial], sample: TableSample, unusable: dict[str, str]) -> list[str]:
    """What each encoder will take."""
    lines = [f"{sample.distinct:,} distinct texts"]
    for trial in trials:
        estimate, label = trial.estimate, trial.candidate.label
        if estimate is None:
            lines.append(f"{label}: encoded already{_took(trial.spent)}")
            continue
        said = (
            f"about {estimate.encode:,.1f} s to encode, by {estimate.encoded:,} texts; {estimate.load:,.1f} s to load"
        )
        if estimate.known:
            known = "all texts are" if estimate.known == sample.distinct else f"{estimate.known:,} texts are"
            said = f"{known} known{_took(estimate.before)}" + (f"; {said}" if estimate.encoded else "")
        lines.append(f"{label}: {said}")
    lines += [f"{label}: left out; {why}" for label, why in unusable.items()]
    total = sum(trial.encoding for trial in trials)
    lines.append(f"about {total:,.1f} s of encoding together")
    return [*lines, "with a --budget, the first training of each head is tried on a few rows before it is begun"]


def _took(seconds: float) -> str:
    """What encoding took where that was done, if it is known."""
    return f", which took {seconds:,.1f} s where they were encoded" if seconds > 0 else ""


def _print_plan(trials: list[EncoderTrial], sample: TableSample, unusable: dict[str, str], as_json: bool) -> None:
    if not as_json:
        for line in _plan(trials, sample, unusable):
            echo(shown(line))
        return
    found = {
        trial.candidate.label: None if trial.estimate is None else
        {"load_seconds": trial.estimate.load, "encode_seconds": trial.estimate.encode}
        for trial in trials
    }  # fmt: skip
    print_json({"distinct_texts": sample.distinct, "encoders": found, "left_out": unusable})


def _show(
    experiment: Experiment, outcome: Outcome, by: str, rope: float, goals: tuple[str, ...], as_json: bool
) -> bool:
    """Scores, tests, costs and the frontier; the page of the same; whether the run to take reaches the goals."""
    from classify.analysis.compare import compare
    from commands.trials.frontier import choice, frontier
    from stores.shared.errors import FailureError

    for name, why in outcome.left_out.items():
        note(f"left out: {name}: {why}")
    if not outcome.runs:
        raise FailureError("there was no time for any run; give a larger --budget")
    if len(outcome.runs) == 1:
        (only,) = outcome.runs
        judged = _judged(outcome, str(only.folder), goals)
        if as_json:
            print_json({"runs": [str(only.folder)], "goals": [goal.as_dict() for goal in judged]})
        else:
            echo(f"{only.folder}: {by} {only.metrics.overall[by].value:.3f}")
    else:
        found = compare(outcome.runs, by, rope=rope, reporter=experiment.reporter)
        page, taken = _write_page(found, experiment), choice(found).folder
        judged = _judged(outcome, taken, goals)
        if as_json:
            print_json({
                "take": taken, "frontier": frontier(found), "left_out": outcome.left_out,
                "goals": [goal.as_dict() for goal in judged], "comparison": found.as_dict(),
            })  # fmt: skip
        else:
            _print(found, outcome, page)
    for goal in () if as_json else judged:
        echo(goal_line(goal, outcome.runs[0].recipe.problem))
    return all(goal.reached for goal in judged)


def _judged(outcome: Outcome, folder: str, goals: tuple[str, ...]) -> list[Goal]:
    """What came of the goals, by the out-of-fold scores of the run in this folder."""
    from classify.analysis.goals import judged, parse_goal

    run = next(run for run in outcome.runs if str(run.folder) == folder)
    parsed = [parse_goal(goal, run.recipe.problem) for goal in goals]
    overall = run.metrics.overall
    return [judged(metric, relation, bound, overall[metric.name]) for metric, relation, bound in parsed]


def _print(found: Comparison, outcome: Outcome, page: Path) -> None:
    from commands.trials.frontier import frontier

    print_comparison(found)
    made = len(outcome.runs) - outcome.taken
    digest = outcome.runs[0].recipe.split.get("digest", "not known")
    echo(f"{made} runs made, {outcome.taken} taken as they were; one split for all, digest {str(digest)[:8]}")
    echo("\nbest for its cost, the cheapest first:")
    for line in frontier(found):
        echo(f"  {shown(line)}")
    note(f"wrote {page}")


def _write_page(found: Comparison, experiment: Experiment) -> Path:
    """``report/compare.html`` in the folder of the experiment, in the place of the one of an earlier call."""
    from classify.reports.compare_page import write_comparison

    folder = experiment.folder / "report"
    if folder.exists():
        shutil.rmtree(folder)
    return write_comparison(found, folder, experiment.command) / "compare.html"
