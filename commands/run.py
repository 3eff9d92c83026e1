"""The command ``tk run``."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.compare import print_comparison
from commands.runs import by_option
from commands.tables import clean_option, data_option, read, table_options
from commands.terminal import echo, json_option, note, print_json, shown, versions_of

if TYPE_CHECKING:
    from classify.analysis.comparison import Comparison
    from commands.trials.conduct import EncoderTrial, Experiment, Outcome
    from commands.trials.probe import TableSample

HEADS = ("logistic", "nb", "dense")


@click.command()
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
@click.option("--out", type=click.Path(path_type=Path), help="Folder of all this.  [default: experiments/<data>]")
@json_option
@click.pass_obj
def run(
    command: str, data: tuple[str, ...], encoders: tuple[str, ...], heads: tuple[str, ...], sampler: tuple[str, ...],
    clean: str, budget: str | None, dry_run: bool, by: str, rope: float, out: Path | None, as_json: bool,
    reading: dict[str, Any], **settings: Any,  # noqa: ANN401
) -> None:  # fmt: skip
    """Try encoders and heads on a table, the cheapest first, and say which to take.

    Each encoder is loaded and encodes a few texts, so that it can be said beforehand what it will take for the table.
    All are tested on the same splits. A head is trained for the first time without a limit; from then on what it takes
    is known, and what does not fit into the --budget is left out and named. The same command goes on where it was
    ended; what is done is not done again, and other encoders and heads may be added. At the end stands the frontier:
    the runs that no other beats in both score and cost, and the cheapest that is practically the same as the best.

    \b
    Example:
        tk run examples/messages.csv
        tk run examples/messages.csv --encoder static --encoder words --head logistic --budget 10m --dry-run
        tk run examples/messages.csv --encoder max=static:pooling=max --out experiments/more
    """
    from commands.reporter import command_reporter
    from commands.trials.budget import Budget, parse_budget
    from commands.trials.candidates import candidates
    from commands.trials.conduct import Experiment

    limit = None if budget is None else parse_budget(budget)
    tried = candidates(encoders)
    _check_early(heads, by)
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
    _show(experiment, outcome, by, rope, as_json)


def _check_early(heads: tuple[str, ...], by: str) -> None:
    """Mistakes that would otherwise show after the first minutes."""
    from classify.heads import parse
    from classify.scoring.metrics import METRICS
    from stores.shared.errors import InputError
    from stores.shared.suggest import listing

    for head in heads:
        parse(head)
    if by not in METRICS:
        raise InputError(f"`by={by!r}`: choose one of {listing(by, METRICS)}")


def _plan(trials: list[EncoderTrial], sample: TableSample, unusable: dict[str, str]) -> list[str]:
    """What each encoder will take."""
    lines = [f"{sample.distinct:,} distinct texts"]
    for trial in trials:
        estimate, label = trial.estimate, trial.candidate.label
        if estimate is None:
            lines.append(f"{label}: encoded already")
        else:
            lines.append(f"{label}: about {estimate.encode:,.1f} s to encode, by {estimate.encoded:,} texts; "
                         f"{estimate.load:,.1f} s to load")  # fmt: skip
    lines += [f"{label}: left out; {why}" for label, why in unusable.items()]
    total = sum(trial.encoding for trial in trials)
    return [*lines, f"about {total:,.1f} s of encoding together; what training takes is known once a head was trained"]


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


def _show(experiment: Experiment, outcome: Outcome, by: str, rope: float, as_json: bool) -> None:
    """Scores, tests, costs and the frontier; the page of the same."""
    from classify.analysis.compare import compare
    from stores.shared.errors import FailureError

    for name, why in outcome.left_out.items():
        note(f"left out: {name}: {why}")
    if not outcome.runs:
        raise FailureError("there was no time for any run; give a larger --budget")
    if len(outcome.runs) == 1:
        (only,) = outcome.runs
        score = only.metrics.overall[by]
        print_json({"runs": [str(only.folder)]}) if as_json else echo(f"{only.folder}: {by} {score.value:.3f}")
        return
    found = compare(outcome.runs, by, rope=rope, reporter=experiment.reporter)
    page = _write_page(found, experiment)
    if as_json:
        from commands.trials.frontier import choice, frontier

        print_json({
            "take": choice(found).folder, "frontier": frontier(found), "left_out": outcome.left_out,
            "comparison": found.as_dict(),
        })  # fmt: skip
    else:
        _print(found, outcome, page)


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
