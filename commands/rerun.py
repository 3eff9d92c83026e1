"""The command ``tk rerun``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from commands.evaluate import MISSED
from commands.tables import DATA_HELP, read, table_options
from commands.terminal import echo, json_option, models_option, note, print_json, shown, trust_option, versions_of

if TYPE_CHECKING:
    from classify import Run
    from classify.recipe_json import FeaturesRecord
    from classify.rerun import RunDifference
    from embed import Table

PACKAGES = ("numpy", "scikit-learn", "imbalanced-learn", "tensorflow", "keras", "skops")


@click.command()
@click.argument("folder", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--features", help="The store now; a.h5+b.h5 for a run of several.  [default: where it was]")
@click.option("--data", multiple=True, help=f"The table: compared, and encoded if a store is gone. {DATA_HELP}")
@table_options
@models_option
@trust_option
@click.option("--out", type=click.Path(path_type=Path), help="Folder of the new run.  [default: RUN-again]")
@json_option
@click.pass_obj
def rerun(
    command: str, folder: Path, features: str | None, data: tuple[str, ...], model: tuple[str, ...],
    trust_model: bool, out: Path | None, as_json: bool, reading: dict[str, Any],
) -> None:  # fmt: skip
    """Make a run again from its recipe, and say what differs: versions, digests, scores, predictions.

    The head is trained on the same store, with the same options, splits and seed. With --data the table is compared
    with the one that the store was made from; if the store is gone, it is made again from it. An ensemble is made again
    from its runs. The exit code is 0 if the same came out, else 3; other versions alone are no difference.

    \b
    Example:
        tk rerun runs/messages.static.logistic
        tk rerun runs/messages.static.logistic --data examples/messages.csv --out runs/again
    """
    from classify import read_run
    from classify.rerun import differences
    from classify.rerun import rerun as make_again
    from commands.reporter import command_reporter

    run = read_run(folder)
    out = out or folder.with_name(f"{folder.name}-again")
    with command_reporter() as reporter:
        table = _table(run, data, reading) if data else None
        if features is None:
            _embed_lost(run, table, model, trust_model, command)
        now = make_again(run, out, features, command=command, versions=versions_of(*PACKAGES), reporter=reporter)
    found = differences(run, now, None if table is None else _digest_like(run, table))
    print_json(found.as_dict() | {"same": found.same}) if as_json else _print(found)
    if not found.same:
        sys.exit(MISSED)


def _table(run: Run, data: tuple[str, ...], reading: dict[str, Any]) -> Table:
    """The table, read as that of the run was unless options say otherwise."""
    from classify.model_inputs import source_columns
    from classify.rerun import reading_of

    return read(data, **reading_of(source_columns(run.recipe.features)) | reading)


def _digest_like(run: Run, table: Table) -> str:
    """The digest of the table; where the run's store was made otherwise, as of a test store, that of the run's."""
    from classify.rerun import table_digest

    kept = list(dict.fromkeys(table_digest(part) for part in run.recipe.features.stores()))
    return "+".join([str(table.source()["digest"]), *kept[1:]])


def _embed_lost(run: Run, table: Table | None, model: tuple[str, ...], trust_model: bool, command: str) -> None:
    """Stores of the run that are gone are made again, where they were."""
    lost = [part for part in run.recipe.features.stores() if not Path(part.path).exists()]
    if run.recipe.ensemble is not None or not lost:
        return
    _check_lost(run, lost, table)
    from commands.reporter import command_reporter
    from embed import embed, load_recipes

    assert table is not None  # noqa: S101 (checked)
    for part in lost:
        kept = [(part.recipe, part.identity_digest)]
        (recipe,) = load_recipes(kept, model, trust_model=trust_model, reporter=command_reporter())
        embed(table, recipe, part.path, reporter=command_reporter(), command=command)
        note(f"{part.path} was gone, and is encoded again")


def _check_lost(run: Run, lost: list[FeaturesRecord], table: Table | None) -> None:
    from stores.shared.errors import InputError

    first = lost[0]
    if any("encoder" not in part.recipe for part in lost):
        raise InputError(f"{first.path} is gone, and was joined or merged; make it again, or name it in `features`")
    if first.recipe.get("given"):
        raise InputError(f"{first.path} is gone, and its vectors were made elsewhere; import them again")
    if table is None:
        name = first.source.get("file", "the table")
        raise InputError(
            f"{first.path} is gone (seen from this folder); name the store in `features`, or the table {name} in "
            "`data` to encode it again"
        )
    if run.recipe.features.test is not None:
        raise InputError(f"{first.path} is gone, and the run has a test store; embed the tables, and rerun then")


def _print(found: RunDifference) -> None:
    echo(f"made again: {shown(found.now)}")
    for name, (before, now) in found.versions.items():
        echo(f"  version of {name}: {before}, now {now or 'none'}")
    for name, pair in found.digests.items():
        echo(f"  digest of the {name}: {pair[0][:8]}, now {pair[1][:8]}")
    for name, (was, value) in found.scores.items():
        change = "" if was is None or value is None else f" ({value - was:+.6f})"
        echo(f"  {name}: {_number(was)}, now {_number(value)}{change}")
    if not found.rows:
        echo("  other rows were tested, so predictions cannot be compared")
    elif found.predicted or found.largest:
        echo(f"  {found.predicted:,} of {found.rows:,} predictions are of another class; "
             f"probabilities differ by {found.largest:.2g} at most")  # fmt: skip
    same = "the same scores and predictions" if found.same else "not the same"
    echo(f"{same}, {found.rows:,} predictions compared")


def _number(value: float | None) -> str:
    return "none" if value is None else f"{value:.6f}"
