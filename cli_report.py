"""The command ``tk report``, and the options of ``tk classify`` that show a run."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import click

from cli_common import note

if TYPE_CHECKING:
    from classify import Run


def showing_options(function: Callable) -> Callable:
    """What is made of a finished run beside its numbers."""
    for option in reversed((
        click.option("--report/--no-report", default=True, show_default=True,
                     help="Write report.html and figures/ into each run; takes some seconds."),
        click.option("--tensorboard", type=click.Path(path_type=Path), metavar="DIR",
                     help="Write scalars and the projector files of the features for TensorBoard into this folder."),
    )):  # fmt: skip
        function = option(function)
    return function


def show(runs: list[Run], report: bool, tensorboard: Path | None) -> None:
    """Do what ``showing_options`` asked for."""
    from classify import write_report, write_tensorboard

    for run in runs:
        if report:
            note(f"wrote {write_report(run)}")
        if tensorboard is not None:
            note(f"wrote {write_tensorboard(run, tensorboard)}")


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
def report(run: Path) -> None:
    """Make report.html and figures/ of a run (again), from its numbers and the store it was made from.

    \b
    Example:
        tk report runs/messages.static.logistic
    """
    from classify import write_report

    note(f"wrote {write_report(run)}")
