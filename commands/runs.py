"""The commands on finished runs: ``tk report``, ``tk errors``, ``tk ensemble``, ``tk speed``; their common options."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import click

from commands.reporter import command_reporter
from commands.terminal import echo, json_option, note, print_json, print_table, shown, trust_option, versions_of

if TYPE_CHECKING:
    from classify import Run
    from classify.analysis.errors import Contradictions, ErrorRows
    from classify.recipe_json import FeaturesRecord

BEGINNING = 150  # characters of a text that are shown
FOLDER = click.Path(path_type=Path)
runs_argument = click.argument("folders", metavar="RUN...", nargs=-1, required=True, type=FOLDER)
by_option = click.option(
    "--by", default="f1_macro", show_default=True,
    help="The metric that decides: f1_macro, accuracy, roc_auc, pr_auc, log_loss, or another in metrics.json.",
)  # fmt: skip


def _number(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


report_option = click.option("--report/--no-report", default=True, show_default=True,
                             help="Write report.html and figures/ into the run.")  # fmt: skip
tensorboard_option = click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR",
                                  help="Write scalars, and features for the projector, for TensorBoard (the extra "
                                  "tensorboard).")  # fmt: skip


def show(runs: list[Run], report: bool, tensorboard: Path | None = None) -> None:
    """What is made of finished runs beside their numbers, after these are printed; what fails there is a note."""
    for run in runs:
        try:
            if report:
                from classify import write_report

                with command_reporter() as reporter:
                    path = write_report(run, reporter=reporter)
                note(f"wrote {path}")
            if tensorboard is not None:
                from classify import write_tensorboard

                note(f"wrote {write_tensorboard(run, tensorboard)}")
        except KeyboardInterrupt:
            note(f"the runs are complete; draw a report with: tk report {run.folder}")
            raise
        except Exception as error:  # the scores are printed and the run is saved, with or without pictures
            note(f"{run.folder} is complete, but not its report ({error}); draw it again with: tk report {run.folder}")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--png", is_flag=True, help="Write the figures as PNG, too.")
@click.option("--map", "projection", default="pca", show_default=True, metavar="NAME",
              help="How the features become a map: pca, or, which take longer, tsne or umap.")  # fmt: skip
def report(run: Path, png: bool, projection: str) -> None:
    """Make report.html and figures/ of a run (again), from its numbers and the store it was made from.

    \b
    Example:
        tk report runs/messages.static.logistic
        tk report runs/messages.static.logistic --map tsne
    """
    from classify import write_report

    with command_reporter() as reporter:
        path = write_report(run, png, reporter, projection)
    note(f"wrote {path}")


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
    predictions like any other, and keeps the models of its members: tk predict, tk evaluate, tk compare and tk errors
    take it as they take these.

    \b
    Example:
        tk ensemble runs/messages.static.logistic runs/messages.words.logistic --out runs/both
        tk compare runs/both runs/messages.static.logistic runs/messages.words.logistic
    """
    from classify import read_run
    from classify.analysis.ensemble import ensemble as run_ensemble
    from classify.reports.basis import basis
    from classify.reports.text import details, score_tables

    versions = versions_of("numpy", "scikit-learn")
    runs = [read_run(folder) for folder in folders]
    run = run_ensemble(runs, method, out=out, command=command, versions=versions)
    if as_json:
        print_json({"run": str(run.folder), "recipe": run.recipe.as_dict(), "metrics": run.metrics.as_dict()})
        show([run], report)
        return
    for table, _ in score_tables([*runs, run]):
        print_table(table)
    echo(f"\n{basis(run)}\n\n{method}: {run.folder}")
    for line in details(run):
        echo(f"  {shown(line)}")
    show([run], report)


@click.command()
@runs_argument
@by_option
@click.option("--encode", "sample", type=click.IntRange(1), metavar="TEXTS",
              help="Measure the encoders now, on so many texts.  [default: what their stores recorded]")  # fmt: skip
@trust_option
@json_option
def speed(folders: tuple[Path, ...], by: str, sample: int | None, trust_model: bool, as_json: bool) -> None:
    """Show how many texts a second runs classify, encoder and head apart, against the score.

    The heads are measured now, on the first rows of their stores, the encoders when the stores were made; features
    that a store took from an earlier one count as long as they took there.

    \b
    Example:
        tk speed runs/messages.static.logistic runs/messages.words.logistic
        tk speed runs/messages.static.logistic --encode 200
    """
    from classify import read_run
    from classify.analysis.speed import speed as run_speed
    from classify.reports.grid import grid
    from classify.reports.text import cell
    from classify.scoring.metrics import title_of

    found = run_speed(
        [read_run(folder) for folder in folders],
        by,
        partial(_encode_seconds, trust_model=trust_model) if sample else None,
        sample or 0,
    )
    if as_json:
        print_json(found.as_dict())
        return
    rows = []
    for entry in found.runs:
        rates = (entry.encoder_texts_per_second, entry.head_texts_per_second, entry.texts_per_second)
        rows.append(([shown(entry.name)], [cell(entry.score), *(_number(rate, ",.0f") for rate in rates)]))
    print_table(grid(["run"], [title_of(by), "encoder texts/s", "head texts/s", "together"], rows))
    when = f"now, on {sample:,} texts" if sample else "when their stores were made"
    echo(f"\nheads measured now, on {found.rows:,} rows at most; encoders {when}")
    if any(entry.encoder_texts_per_second is None for entry in found.runs):
        echo("-: the store does not say what its features took; --encode 500 measures the encoder now")


def _encode_seconds(part: FeaturesRecord, texts: list[str], trust_model: bool) -> float:
    """Seconds that the encoder of a store takes for texts, without loading it."""
    import time

    from embed import Recipe

    recipe = Recipe.from_dict(part.recipe, part.identity_digest, trust_model=trust_model, reporter=command_reporter())
    recipe.encode(texts[:8], reuse=False)
    start = time.perf_counter()
    recipe.encode(texts, reuse=False)
    return time.perf_counter() - start


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--top", default=10, show_default=True, help="Rows of each kind.")
@json_option
def errors(folder: Path, top: int, as_json: bool) -> None:
    """Show what a run gets most wrong, labels that are probably wrong, and identical texts with different labels.

    Everything comes from the out-of-fold predictions: from models that had not seen the rows. The suspects are found
    by confident learning (Northcutt et al. 2021); look at them before you change a label.

    \b
    Example:
        tk errors runs/messages.static.logistic --top 3
    """
    from classify import read_run
    from classify.analysis.errors import errors as run_errors

    found = run_errors(read_run(folder), top)
    if as_json:
        print_json(found.as_dict())
        return
    echo(f"{found.wrong:,} of {found.rows:,} rows are predicted wrong")
    if found.texts_missing:
        echo(f"no texts, lines only: {shown(found.texts_missing)}")
    for name, kinds in found.classes.items():
        for rows, what in ((kinds.false_positives, "wrongly predicted"), (kinds.false_negatives, "missed")):
            _print_rows(f"{what} {shown(name)}", rows, f"surest first, with the probability of {shown(name)}")
    _print_rows("suspected label errors", found.suspected_label_errors, "label -> what it seems to be, margin")
    _print_contradictions(found.contradictions)


def _print_rows(what: str, found: ErrorRows, how: str) -> None:
    echo(f"\n{what}: {found.count:,}" + (f" ({how})" if found.rows else ""))
    for row in found.rows:
        number = f"{row.p or 0:.3f}" if row.margin is None else f"{row.margin:+.3f}"
        answers = (row.label, row.better or row.predicted)
        label, seems = (name if isinstance(name, str) else "|".join(name) or "none" for name in answers)
        echo(f"  line {row.line}  {number}  {shown(label)} -> {shown(seems)}{_begin(row.text)}")


def _print_contradictions(found: Contradictions) -> None:
    if found.count is None:
        echo("\nidentical texts with different labels: not known, the store is gone")
        return
    echo(f"\nidentical texts with different labels: {found.count:,}")
    for row in found.rows:
        labels = "; ".join(f"{shown(name)} on {_lines(lines)}" for name, lines in row.lines_by_label.items())
        echo(f"  {labels}{_begin(row.text)}")


def _lines(lines: list[int]) -> str:
    return f"line{'s' * (len(lines) > 1)} {', '.join(map(str, lines[:5]))}" + ", ..." * (len(lines) > 5)


def _begin(text: str | None) -> str:
    """The beginning of a text, on a line of its own."""
    if text is None:
        return ""
    return f"\n    {shown(' '.join(text[: 2 * BEGINNING].split())[:BEGINNING])}"
